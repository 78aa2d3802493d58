/** `keyferry simulator serve yubihsm` as its users start it. */
import { type CliResult, startCli } from './built-cli.ts';

export interface ServedYubiHsm {
  /** The line of JSON that the command printed. */
  readonly facts: { readonly url: string } & Readonly<Record<string, unknown>>;
  stop(signal: NodeJS.Signals): Promise<CliResult>;
}

export async function serveBuiltYubiHsm(
  args: readonly string[],
  { cwd }: { readonly cwd: string },
): Promise<ServedYubiHsm> {
  const { child, result } = startCli(['simulator', 'serve', 'yubihsm', ...args], { cwd });
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (part: string) => {
      text += part;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    void result.then(({ code, stderr }) => reject(new Error(`ended with ${code} before it was ready\n${stderr}`)));
  });
  return {
    facts: JSON.parse(line) as ServedYubiHsm['facts'],
    stop: (signal) => {
      child.kill(signal);
      return result;
    },
  };
}
