/**
 * The engine against a bare loop that does the same cryptography. Rounds are interleaved, with the bare loop before and after each run of
 * the engine, because the machine's own speed changes from minute to minute; what counts is the median of the rounds' ratios.
 */
import { type CaseOptions, type CaseResult, caseResult, median, round } from './case.ts';
import type { EngineReply, EngineRequest } from './engine-messages.ts';
import { runEngine } from './run-engine.ts';

export interface TransferCase {
  readonly name: string;
  readonly devices: EngineRequest['devices'];
  readonly goal: number;
  /** Keys per second of the bare loop. */
  readonly bare: () => Promise<number>;
}

interface Round {
  readonly bare: number;
  readonly reply: EngineReply;
}

export async function transferCase(what: TransferCase, options: CaseOptions): Promise<CaseResult> {
  const { keys, rounds, progress, dir } = options;
  const done: Round[] = [];
  let before = await what.bare();
  for (let number = 1; number <= rounds; number += 1) {
    progress(`${what.name}: round ${number} of ${rounds}, ${keys} keys`);
    const reply = await runEngine({ keys, devices: what.devices, parentDir: dir });
    const after = await what.bare();
    done.push({ bare: (before + after) / 2, reply });
    before = after;
  }
  const of = (value: (round: Round) => number): number => median(done.map(value));
  const runRate = ({ reply }: Round): number => keys / reply.runSeconds;
  const wholeRate = ({ reply }: Round): number => keys / (reply.planSeconds + reply.runSeconds);
  return caseResult({
    name: what.name,
    keysPerSecond: round(of(runRate)),
    ratio: of((each) => runRate(each) / each.bare),
    goal: what.goal,
    better: 'higher',
    unit: 'share',
    detail: {
      keys,
      rounds,
      bareKeysPerSecond: round(of(({ bare }) => bare)),
      ratios: done.map((each) => round(runRate(each) / each.bare, 3)),
      ratioWithPlan: round(
        of((each) => wholeRate(each) / each.bare),
        3,
      ),
      planSeconds: round(
        of(({ reply }) => reply.planSeconds),
        2,
      ),
      runSeconds: round(
        of(({ reply }) => reply.runSeconds),
        2,
      ),
      cpuMicrosecondsPerKey: round(of(({ reply }) => (reply.cpuSeconds * 1e6) / keys)),
      mainThreadMicrosecondsPerKey: round(
        of(({ reply }) => (((reply.mainThread.planSeconds ?? 0) + (reply.mainThread.runSeconds ?? 0)) * 1e6) / keys),
      ),
      peakRssMb: round(of(({ reply }) => reply.peakRssMb)),
    },
  });
}
