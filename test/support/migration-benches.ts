/** Simulated migrations of one test file, gone when it ends, and what its tests ask of them by the built command line. */
import { rmSync } from 'node:fs';
import { afterAll } from 'vitest';
import { type CliResult, runCli } from './built-cli.ts';
import { type SimulatedMigration, type SimulatedOptions, simulatedMigration } from './simulated-migration.ts';

/** To be called at the top of a test file. */
export function migrationBenches(): (options: SimulatedOptions) => Promise<SimulatedMigration> {
  const benches: SimulatedMigration[] = [];
  afterAll(() => {
    for (const { dir } of benches) rmSync(dir, { recursive: true, force: true });
  });
  return async (options) => {
    const bench = await simulatedMigration(options);
    benches.push(bench);
    return bench;
  };
}

export const keyferry = ({ dir }: SimulatedMigration, ...args: string[]): Promise<CliResult> =>
  runCli(args, { cwd: dir });

export const runsOf = async (
  bench: SimulatedMigration,
): Promise<readonly { readonly run: string; readonly state: string }[]> =>
  JSON.parse((await keyferry(bench, 'runs', '--json')).stdout).runs;
