/** A folder in which an operator works, and a record of everything that the commands showed there and left there. */
import { join } from 'node:path';
import { type CliResult, startCli } from './built-cli.ts';
import { ProcessWatch } from './canary-processes.ts';
import { filesBelow, type Place, text } from './canary-search.ts';

type Environment = Readonly<Record<string, string>>;

export class CanaryDesk {
  readonly dir: string;
  readonly #env: Environment;
  readonly #shown: Place[] = [];
  readonly #commandLines: Place[] = [];
  readonly #environments: Place[] = [];

  /** `env`: what the operator sets; it may hold secrets, and is left out of the environments that are looked at. */
  constructor(dir: string, env: Environment = {}) {
    this.dir = dir;
    this.#env = env;
  }

  get commandLines(): readonly Place[] {
    return this.#commandLines;
  }

  get environments(): readonly Place[] {
    return this.#environments;
  }

  start(args: readonly string[], env: Environment = {}) {
    const given = { ...this.#env, ...env };
    const { child, result } = startCli(args, { cwd: this.dir, env: given });
    const watch = new ProcessWatch(child.pid ?? 0);
    const ended = result.then((cli): CliResult => {
      watch.stop();
      const command = args.join(' ');
      this.#shown.push(text(`stdout of ${command}`, cli.stdout), text(`stderr of ${command}`, cli.stderr));
      this.#commandLines.push(...watch.commandLines);
      this.#environments.push(...watch.environments(Object.keys(given)));
      return cli;
    });
    return { child, ended };
  }

  run(args: readonly string[], env: Environment = {}): Promise<CliResult> {
    return this.start(args, env).ended;
  }

  /** Without the files and folders named: where the operator, the simulator or the vendor's module keeps secrets. */
  everything(leaveOut: readonly string[] = []): readonly Place[] {
    const paths = leaveOut.map((path) => join(this.dir, path));
    return [...this.#shown, ...this.#commandLines, ...this.#environments, ...filesBelow(this.dir, paths)];
  }
}
