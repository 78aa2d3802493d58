/** How much longer `keyferry --help` takes than node that does nothing. Interleaved, medians; needs the built command. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CaseOptions, type CaseResult, caseResult, median, round } from './case.ts';

const COMMAND = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const GOAL_MS = 60;

function timed(args: readonly string[]): number {
  const start = performance.now();
  execFileSync(process.execPath, args, { stdio: 'ignore' });
  return performance.now() - start;
}

export async function startUpCase({ rounds, progress }: Pick<CaseOptions, 'rounds' | 'progress'>): Promise<CaseResult> {
  if (!existsSync(COMMAND)) throw new Error('dist/main.js is missing: npm run build');
  progress(`start-up: ${rounds} rounds`);
  const [bare, help]: [number[], number[]] = [[], []];
  for (let number = 0; number <= rounds; number += 1) {
    const pair = [timed(['-e', '0']), timed([COMMAND, '--help'])] as const;
    // The first one reads the files from the disk.
    if (number === 0) continue;
    bare.push(pair[0]);
    help.push(pair[1]);
  }
  return caseResult({
    name: 'start-up',
    keysPerSecond: null,
    ratio: median(help.map((value, index) => value - (bare[index] ?? 0))),
    goal: GOAL_MS,
    better: 'lower',
    unit: 'ms',
    detail: { rounds, bareNodeMs: round(median(bare), 1), helpMs: round(median(help), 1) },
  });
}
