/**
 * Is the cost per key the same with many keys as with few? CPU time, not wall time: the two counts run minutes apart on a machine that is
 * shared. A run of a few keys pays for starting, compiling and its throw-away key, so the middle count is the base, and `ratio` is what a
 * key more costs beyond it, in shares of what a key costs up to it.
 */
import { type CaseOptions, type CaseResult, caseResult, median, round } from './case.ts';
import { runEngine } from './run-engine.ts';

export async function flatCostCase(
  options: CaseOptions & { readonly fewKeys: number; readonly someKeys: number },
): Promise<CaseResult> {
  const { fewKeys, someKeys, keys, rounds, dir, progress } = options;
  const counts = [fewKeys, someKeys, keys];
  const cpu: number[][] = counts.map(() => []);
  let runRate = 0;
  for (let number = 1; number <= rounds; number += 1) {
    for (const [index, count] of counts.entries()) {
      progress(`flat-cost: round ${number} of ${rounds}, ${count} keys`);
      const { cpuSeconds, runSeconds } = await runEngine({ keys: count, devices: 'simulated', parentDir: dir });
      cpu[index]?.push(cpuSeconds);
      runRate = count / runSeconds;
    }
  }
  const [few = 0, some = 0, many = 0] = cpu.map(median);
  const first = (some - few) / (someKeys - fewKeys);
  const later = (many - some) / (keys - someKeys);
  return caseResult({
    name: 'flat-cost',
    keysPerSecond: round(runRate),
    ratio: later / first,
    goal: 1.15,
    better: 'lower',
    unit: 'share',
    detail: {
      counts,
      microsecondsPerKeyFirst: round(first * 1e6),
      microsecondsPerKeyLater: round(later * 1e6),
      microsecondsPerKeyOfFew: round((few / fewKeys) * 1e6),
      rounds,
    },
  });
}
