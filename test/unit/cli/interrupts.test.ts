import { describe, expect, test } from 'vitest';
import { createInterrupts, Interrupted } from '../../../src/cli/interrupts.ts';

function aRun() {
  const calls: string[] = [];
  return { run: 'run-1', calls, interrupt: () => calls.push('interrupt'), abort: () => calls.push('abort') };
}

describe('a signal', () => {
  test('lets a run finish, then stops it, then ends the process', () => {
    let ended = 0;
    const said: string[] = [];
    const interrupts = createInterrupts(() => {
      ended += 1;
    });
    const run = aRun();
    interrupts.hold(run, (text) => said.push(text));
    interrupts.signal();
    expect(run.calls).toEqual(['interrupt']);
    expect(said[0]).toContain('keyferry resume run-1');
    interrupts.signal();
    expect(run.calls).toEqual(['interrupt', 'abort']);
    expect(ended).toBe(0);
    interrupts.signal();
    expect(ended).toBe(1);
  });

  test('without a run closes what is open, then rejects', async () => {
    const interrupts = createInterrupts(() => undefined);
    let isClosed = false;
    interrupts.onInterrupt(async () => {
      isClosed = true;
    });
    interrupts.signal();
    await expect(interrupts.interrupted).rejects.toBeInstanceOf(Interrupted);
    expect(isClosed).toBe(true);
  });

  test('does not close again what was closed before', async () => {
    const interrupts = createInterrupts(() => undefined);
    let closed = 0;
    const release = interrupts.onInterrupt(async () => {
      closed += 1;
    });
    release();
    interrupts.signal();
    await expect(interrupts.interrupted).rejects.toBeInstanceOf(Interrupted);
    expect(closed).toBe(0);
  });

  test('a device that does not close cannot hold the end up: the second signal ends', () => {
    let ended = 0;
    const interrupts = createInterrupts(() => {
      ended += 1;
    });
    interrupts.onInterrupt(() => new Promise(() => undefined));
    interrupts.signal();
    interrupts.signal();
    expect(ended).toBe(1);
  });

  test('after the run is let go is no longer its business', async () => {
    const interrupts = createInterrupts(() => undefined);
    const run = aRun();
    interrupts.hold(run, () => undefined)();
    interrupts.signal();
    expect(run.calls).toEqual([]);
    await expect(interrupts.interrupted).rejects.toBeInstanceOf(Interrupted);
  });
});
