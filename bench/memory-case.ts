/**
 * How much the engine's process grows with the number of keys. The simulated devices keep their keys in memory, so each runs in a process
 * of its own here, as real ones do, and only the engine's is measured. `ratio` is the growth of the peak resident memory in MB between the
 * two counts, not scaled: a peak has some 20 MB of chance in it (when the collector ran), and scaling would make a figure of that.
 * `scaledMbPerMillion` scales what is still in use after a collection.
 */
import { type CaseOptions, type CaseResult, caseResult, median, round } from './case.ts';
import type { EngineReply } from './engine-messages.ts';
import { runEngine } from './run-engine.ts';

const GOAL_MB = 64;

export async function memoryCase(options: CaseOptions & { readonly smallKeys: number }): Promise<CaseResult> {
  const { smallKeys, keys, rounds, dir, progress } = options;
  const at = async (count: number): Promise<EngineReply> => {
    progress(`memory: ${count} keys`);
    return await runEngine({ keys: count, devices: 'hosted', parentDir: dir });
  };
  const small: EngineReply[] = [];
  for (let number = 0; number < rounds; number += 1) small.push(await at(smallKeys));
  const large = await at(keys);
  const smallPeak = median(small.map(({ peakRssMb }) => peakRssMb));
  const smallRetained = median(small.map(({ retainedMb }) => retainedMb));
  const millions = (keys - smallKeys) / 1e6;
  return caseResult({
    name: 'memory',
    keysPerSecond: round(keys / large.runSeconds),
    ratio: large.peakRssMb - smallPeak,
    goal: GOAL_MB,
    better: 'lower',
    unit: 'MB',
    detail: {
      fromKeys: smallKeys,
      toKeys: keys,
      peakRssMb: round(large.peakRssMb),
      peakRssMbBefore: round(smallPeak),
      retainedMb: round(large.retainedMb, 1),
      retainedMbBefore: round(smallRetained, 1),
      scaledMbPerMillion: millions > 0 ? round((large.retainedMb - smallRetained) / millions, 1) : 0,
    },
  });
}
