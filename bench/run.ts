/** `npm run bench`: the speed that the design promises, as ratios within one run. Results on stdout, progress on stderr. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBareOaepLoop } from './bare-oaep-loop.ts';
import type { CaseOptions, CaseResult } from './case.ts';
import { flatCostCase } from './flat-cost-case.ts';
import { memoryCase } from './memory-case.ts';
import { type BenchOptions, readOptions, USAGE } from './options.ts';
import { jsonReport, tableReport } from './report.ts';
import { runBareSoftHsmLoop } from './softhsm-bare-loop.ts';
import { startUpCase } from './start-up-case.ts';
import { transferCase } from './transfer-case.ts';

type Case = (base: Pick<CaseOptions, 'dir' | 'progress'>, options: BenchOptions) => Promise<CaseResult>;

const CASES: Readonly<Record<string, Case>> = {
  'rsa-oaep-simulators': (base, { isQuick, keys }) =>
    transferCase(
      {
        name: 'rsa-oaep-simulators',
        devices: 'simulated',
        goal: 0.9,
        bare: () => runBareOaepLoop(isQuick ? 500 : 10_000),
      },
      { ...base, keys: keys ?? (isQuick ? 500 : 20_000), rounds: isQuick ? 1 : 3 },
    ),
  softhsm: (base, { isQuick }) => {
    const count = isQuick ? 60 : 600;
    const bare = async (): Promise<number> => (await runBareSoftHsmLoop({ count })).keysPerSecond;
    return transferCase(
      { name: 'softhsm', devices: 'softhsm', goal: 0.9, bare },
      { ...base, keys: count, rounds: isQuick ? 1 : 3 },
    );
  },
  memory: (base, { isQuick, keys }) =>
    memoryCase({
      ...base,
      smallKeys: isQuick ? 500 : 10_000,
      keys: keys ?? (isQuick ? 1_500 : 100_000),
      rounds: isQuick ? 1 : 3,
    }),
  'flat-cost': (base, { isQuick }) =>
    flatCostCase({
      ...base,
      fewKeys: isQuick ? 200 : 1_000,
      someKeys: isQuick ? 600 : 5_000,
      keys: isQuick ? 1_000 : 20_000,
      rounds: isQuick ? 1 : 3,
    }),
  'start-up': (base, { isQuick }) => startUpCase({ ...base, rounds: isQuick ? 5 : 21 }),
};

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  const unknown = options.only.find((name) => !Object.hasOwn(CASES, name));
  if (unknown !== undefined) throw new TypeError(`there is no case ${unknown}`);
  const dir = mkdtempSync(join(tmpdir(), 'keyferry-bench-'));
  try {
    const progress = (text: string): void => void process.stderr.write(`${text}\n`);
    if (options.isQuick) progress('quick: counts too small to judge the goals by');
    const results: CaseResult[] = [];
    for (const [name, run] of Object.entries(CASES)) {
      if (options.only.length > 0 && !options.only.includes(name)) continue;
      results.push(await run({ dir, progress }, options));
    }
    process.stdout.write(options.isJson ? jsonReport(results, options.isQuick) : tableReport(results));
    return 0;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
