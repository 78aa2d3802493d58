/** The exit code: the worst of what happened, by the contract's precedence 130, 8, 7, 4, 5, 1. */
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors/codes.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { RunState } from '../../src/workflows/engine.ts';
import type { RunContext } from '../../src/workflows/run-environment.ts';
import { exitCodeOf, outcomeOf } from '../../src/workflows/run-outcome.ts';
import { anItem } from '../support/journal-fixtures.ts';
import { aJournal } from '../support/journal-folder.ts';

interface Ending {
  readonly state: RunState;
  readonly error?: ErrorCode;
  readonly isInterrupted?: boolean;
  /** Codes of the items that failed. */
  readonly failed?: readonly ErrorCode[];
  readonly needsAttention?: boolean;
}

async function ended({ state, error, isInterrupted = false, failed = [], needsAttention = false }: Ending) {
  const { journal } = await aJournal();
  for (const [index, code] of failed.entries()) {
    await journal.append(anItem(index, 'failed', { error: new KeyferryError(code, 'it failed').toRecord() }));
  }
  if (needsAttention) await journal.append(anItem(9, 'needs-attention'));
  const run = { run: journal.run, journal, leftovers: { list: () => [] } } as unknown as RunContext;
  const facts = {
    run,
    state,
    seconds: 1,
    error: error === undefined ? null : new KeyferryError(error, 'it stopped'),
    isInterrupted,
    held: [],
  };
  try {
    return { exitCode: await exitCodeOf(facts), outcome: await outcomeOf(facts) };
  } finally {
    await journal.close();
  }
}

describe('the exit code', () => {
  it.each<[string, Ending, number]>([
    ['of a run without failures', { state: 'done' }, 0],
    ['of a cancelled run', { state: 'cancelled' }, 0],
    ['with failed keys', { state: 'done', failed: ['device-refused'] }, 1],
    ['with keys that need attention', { state: 'done', needsAttention: true }, 1],
    ['with a key that is not the same', { state: 'done', failed: ['device-refused', 'verification-failed'] }, 5],
    ['with a failed key whose own code is that of a device', { state: 'done', failed: ['capability-missing'] }, 1],
    [
      'of a run that waits for approval',
      { state: 'waiting', error: 'approval-waiting', failed: ['verification-failed'] },
      4,
    ],
    ['of a run whose device is gone', { state: 'paused', error: 'device-lost', failed: ['verification-failed'] }, 7],
    ['of a run whose disk is full', { state: 'paused', error: 'disk-full', failed: ['verification-failed'] }, 8],
    ['of a refused run', { state: 'failed', error: 'wrapping-key-swapped' }, 1],
    ['of an interrupted run', { state: 'paused', isInterrupted: true, failed: ['verification-failed'] }, 130],
    ['of an interrupted run whose disk is full', { state: 'paused', isInterrupted: true, error: 'disk-full' }, 130],
    ['of a run that was done before the interruption came', { state: 'done', isInterrupted: true }, 0],
    ['of that with failed keys', { state: 'done', isInterrupted: true, failed: ['device-refused'] }, 1],
  ])('%s', async (_, ending, exitCode) => {
    expect((await ended(ending)).exitCode).toBe(exitCode);
  });

  it('of an interruption comes with its error, unless there is a worse one', async () => {
    expect((await ended({ state: 'paused', isInterrupted: true })).outcome.error).toMatchObject({
      code: 'interrupted',
    });
    const lost = await ended({ state: 'paused', isInterrupted: true, error: 'device-lost' });
    expect(lost.outcome.error).toMatchObject({ code: 'device-lost' });
    expect((await ended({ state: 'done', isInterrupted: true })).outcome.error).toBeNull();
  });
});
