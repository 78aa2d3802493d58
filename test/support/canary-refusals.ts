/** What every refusal of the command line must be like: its exit code, one JSON object, words that name the place, devices as before. */
import { join } from 'node:path';
import { expect } from 'vitest';
import { type CliResult, runCli } from './built-cli.ts';
import { objectHistory } from './canary-device-state.ts';

export interface Refusal {
  readonly exit: number;
  readonly code: string;
  /** The place or the device, and what is wrong with it. */
  readonly says: RegExp;
  /** What to do next, where it is more than the code's own hint. */
  readonly hint?: RegExp;
  readonly device?: string;
  /** Default: not-applied. */
  readonly outcome?: string;
}

export interface Bench {
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What is on the devices; default: the simulated devices' own records of every change. */
  readonly look?: () => unknown;
}

/** Runs the command twice, for programs and for people. Gives what the first printed on stderr as `error`. */
export async function expectRefused(
  bench: Bench,
  args: readonly string[],
  refusal: Refusal,
): Promise<Readonly<Record<string, unknown>>> {
  const look =
    bench.look ?? (() => ['classic', 'cluster'].map((name) => objectHistory(join(bench.dir, 'state', name))));
  const options = { cwd: bench.dir, ...(bench.env === undefined ? {} : { env: bench.env }) };
  const before = look();
  const json = await runCli([...args, '--json'], options);
  const human = await runCli(args, options);
  expect([json.code, human.code], `${json.stderr}${human.stderr}`).toEqual([refusal.exit, refusal.exit]);
  const error = errorOf(json);
  expect(json.stdout).toBe('');
  expect(error).toMatchObject({
    code: refusal.code,
    message: expect.stringMatching(refusal.says),
    device: refusal.device ?? null,
    outcome: refusal.outcome ?? 'not-applied',
    hint: expect.stringMatching(refusal.hint ?? /\w{3}/),
  });
  expectReadable(human, refusal);
  expect(look()).toEqual(before);
  return error;
}

/** The last line of stderr, which is the error with --json. */
export function errorOf(result: CliResult): Readonly<Record<string, unknown>> {
  const line = result.stderr.trimEnd().split('\n').at(-1) ?? '';
  expect(line, result.stdout).toMatch(/^\{"error":/);
  return (JSON.parse(line) as { error: Record<string, unknown> }).error;
}

function expectReadable({ stderr }: CliResult, { code, says, hint }: Refusal): void {
  const told = stderr.slice(stderr.indexOf('Error: '));
  expect(told).toMatch(/^Error: /);
  expect(told).toContain(`[${code}]`);
  expect(told).toMatch(says);
  expect(told).toMatch(/^ {2}Next: \S/m);
  if (hint !== undefined) expect(told).toMatch(hint);
  // No stack, no JSON, no object that was printed by mistake, no colours without a terminal.
  expect(told).not.toMatch(/^\s+at |\{"|\[object|undefined(?! symbol)/m);
  expect(told).not.toContain('\u001b');
}
