import { describe, expect, it } from 'vitest';
import { isRunId, nearestRunId, newRunId } from '../../../src/home/run-id.ts';

const at = (iso: string, byte = 0xab) =>
  newRunId({ now: () => new Date(iso), random: (n) => new Uint8Array(n).fill(byte) });

describe('names of runs', () => {
  it('are the time and chance', () => {
    expect(at('2026-11-22T10:15:30.999Z')).toBe('20261122-101530-3e7aba');
    expect(at('2026-01-02T03:04:05.000Z', 0)).toBe('20260102-030405-000000');
  });

  it('sort by time, to the millisecond', () => {
    const times = [
      '2026-11-22T10:15:30.001Z',
      '2026-11-22T10:15:30.010Z',
      '2026-11-22T10:15:30.999Z',
      '2026-11-22T10:15:31.000Z',
    ];
    const names = times.map((time, index) => at(time, 0xff - index));
    expect([...names].sort()).toEqual(names);
  });

  it('differ, and are names', () => {
    const names = new Set(Array.from({ length: 20 }, () => newRunId()));
    expect(names.size).toBeGreaterThan(15);
    for (const name of names) expect([name, isRunId(name)]).toEqual([name, true]);
  });

  it.each(['', '-', 'a-', '.', '..', 'a.b', 'a/b', 'A', 'ä', 'a b', 'a\n', 'x'.repeat(65)])('%j is none', (text) => {
    expect(isRunId(text)).toBe(false);
  });

  it('are guessed by distance, or not at all', () => {
    const runs = ['20261122-101530-1f2ab3', '20261122-101530-ffffff'];
    expect(nearestRunId('20261122-101530-1f2ab', runs)).toBe(runs[0]);
    expect(nearestRunId('20261122-101530-fffff0', runs)).toBe(runs[1]);
    expect(nearestRunId('nothing-like-it', runs)).toBeUndefined();
    expect(nearestRunId('a', [])).toBeUndefined();
  });
});
