import { describe, expect, test } from 'vitest';
import { displayWidth } from '../../../../src/cli/terminal/display-width.ts';
import { PlainProgress, SpinnerProgress } from '../../../../src/cli/terminal/progress-display.ts';
import { progressLine } from '../../../../src/cli/terminal/progress-line.ts';
import type { Progress } from '../../../../src/workflows/engine.ts';

function aProgress(finished: number, overrides: Partial<Progress> = {}): Progress {
  const counts = {
    total: 20_000,
    pending: 20_000 - finished,
    migrated: finished,
    skipped: 0,
    failed: 0,
    needsAttention: 0,
  };
  return { state: 'moving', counts, rate: 842.4, etaSeconds: 75, ...overrides };
}

describe('progressLine', () => {
  test('says count, share, rate and time left', () => {
    expect(progressLine(aProgress(12_345), null)).toBe(
      'Moving keys · 12,345 of 20,000 (61 %) · 842/s · 1 min 15 s left',
    );
  });

  test('says neither rate nor time left before they are known', () => {
    expect(progressLine(aProgress(3, { rate: null, etaSeconds: null }), null)).toBe('Moving keys · 3 of 20,000 (0 %)');
  });

  test('says what failed', () => {
    const counts = { total: 10, pending: 0, migrated: 6, skipped: 0, failed: 3, needsAttention: 1 };
    expect(progressLine(aProgress(0, { counts, rate: null, etaSeconds: null }), null)).toContain(
      '3 failed · 1 need attention',
    );
  });

  test('never shows 100 % before the last key', () => {
    expect(progressLine(aProgress(19_999), null)).toContain('(99 %)');
  });

  test.each([1, 10, 40])('is never wider than %i cells', (cells) => {
    expect(displayWidth(progressLine(aProgress(5), cells))).toBeLessThanOrEqual(cells);
  });
});

describe('PlainProgress', () => {
  test('writes at most one line per 2 seconds within a phase', () => {
    let now = 0;
    const lines: string[] = [];
    const display = new PlainProgress(
      (line) => lines.push(line),
      () => now,
    );
    for (; now <= 10_000; now += 10) display.show(aProgress(now));
    expect(lines.length).toBe(6);
  });

  test('writes each change of phase at once', () => {
    const lines: string[] = [];
    const display = new PlainProgress(
      (line) => lines.push(line),
      () => 0,
    );
    display.show(aProgress(0, { state: 'preparing' }));
    display.show(aProgress(0, { state: 'moving' }));
    display.show(aProgress(1, { state: 'moving' }));
    display.show(aProgress(1, { state: 'finishing' }));
    expect(lines.map((line) => line.split(' · ')[0])).toEqual(['Preparing', 'Moving keys', 'Cleaning up']);
  });
});

describe('SpinnerProgress', () => {
  function aSpinner() {
    const texts: string[] = [];
    const calls: string[] = [];
    const spinner = {
      set text(text: string) {
        texts.push(text);
      },
      clear: () => calls.push('clear'),
      render: () => calls.push('render'),
      stop: () => calls.push('stop'),
    };
    return { spinner, texts, calls };
  }

  test('changes its line at most 10 times a second', () => {
    let now = 0;
    const { spinner, texts } = aSpinner();
    const display = new SpinnerProgress({ spinner, write: () => undefined, columns: () => 80, now: () => now });
    for (; now < 1_000; now += 1) display.show(aProgress(now));
    expect(texts.length).toBeLessThanOrEqual(10);
    expect(texts.length).toBeGreaterThan(5);
  });

  test('leaves room for the spinner, at any width of the terminal', () => {
    const { spinner, texts } = aSpinner();
    new SpinnerProgress({ spinner, write: () => undefined, columns: () => 20, now: () => 0 }).show(aProgress(1));
    expect(displayWidth(texts[0] ?? '')).toBeLessThanOrEqual(17);
  });

  test('a notice is written between taking the line away and painting it again', () => {
    const { spinner, calls } = aSpinner();
    const display = new SpinnerProgress({
      spinner,
      write: (line) => calls.push(line),
      columns: () => 80,
      now: () => 0,
    });
    display.say('canary passed');
    expect(calls).toEqual(['clear', 'canary passed', 'render']);
  });
});
