/** What a run ends with: counts, leftovers and the exit code by the contract's precedence 130, 8, 7, 4, 5, 1. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { RunResult, RunState } from './engine.ts';
import type { RunContext } from './run-environment.ts';

export interface OutcomeFacts {
  readonly run: RunContext;
  readonly state: RunState;
  readonly seconds: number;
  readonly error: KeyferryError | null;
  readonly isInterrupted: boolean;
  /** What an open run still holds on its devices. */
  readonly held: readonly { readonly device: string; readonly object: string }[];
}

const PRECEDENCE = [130, 8, 7, 4, 5, 1] as const;

export async function exitCodeOf(facts: OutcomeFacts): Promise<number> {
  const codes = new Set<number>();
  if (facts.isInterrupted && facts.state !== 'done') codes.add(130);
  if (facts.error !== null) codes.add(facts.error.exitCode);
  const counts = facts.run.journal.counts();
  if (counts.failed + counts.needsAttention > 0) codes.add(1);
  for await (const item of facts.run.journal.items(['failed'])) {
    if (item.error?.code !== 'verification-failed') continue;
    codes.add(5);
    break;
  }
  return PRECEDENCE.find((code) => codes.has(code)) ?? [...codes][0] ?? 0;
}

export async function outcomeOf(facts: OutcomeFacts): Promise<RunResult> {
  const { run, state, seconds } = facts;
  const interrupted = facts.isInterrupted && facts.error === null && state !== 'done';
  return {
    run: run.run,
    state,
    counts: run.journal.counts(),
    seconds,
    leftovers: [
      ...run.leftovers.list(),
      ...facts.held.map((object) => ({ ...object, reason: 'held by this run until it ends; resume or cancel it' })),
    ],
    error: interrupted ? new KeyferryError('interrupted', `run ${run.run} was interrupted`) : facts.error,
    exitCode: await exitCodeOf(facts),
  };
}
