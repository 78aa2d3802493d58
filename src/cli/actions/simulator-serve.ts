/** `simulator serve`: puts a simulated device on a loopback port and stays until it is interrupted. */
import { resolve } from 'node:path';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { SERVED_SIMULATORS } from '../../simulators/served.ts';
import type { CommonOptions, Shell } from '../shell.ts';

export interface ServeOptions {
  readonly port: number;
  readonly state?: string;
  readonly region?: string;
  readonly signatures?: string;
  readonly firmware?: string;
}

/** Never resolves: a signal ends the command. Rejects with `usage` before anything is opened. */
export async function simulatorServe(
  shell: Shell,
  name: string,
  { port, state, region, signatures, firmware }: CommonOptions & ServeOptions,
): Promise<number> {
  const simulator = SERVED_SIMULATORS[name];
  if (simulator === undefined) throw new Error(`no simulator "${name}" behind checked arguments`);
  const options: Record<string, string> = {};
  for (const [option, value] of Object.entries({ region, signatures, firmware })) {
    if (value === undefined) continue;
    if (!simulator.takes.includes(option)) throw new KeyferryError('usage', `--${option} is not for ${name}.`);
    options[option] = value;
  }
  const stateDir = state === undefined ? null : resolve(state);
  const served = await simulator.serve({ port, stateDir, options, env: shell.io.env });
  shell.interrupts.onInterrupt(() => served.close());
  await shell.io.stderr.write(`${served.note} End it with Ctrl-C.\n`);
  await shell.io.stdout.write(`${JSON.stringify(served.facts)}\n`);
  return await shell.interrupts.interrupted;
}
