import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineSorter } from '../../../src/plan/line-sorter.ts';
import { aFolder } from '../../support/plan-making.ts';

const inOrder = (lines: readonly string[]) => [...lines].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

describe('LineSorter', () => {
  test('sorts any lines, however many chunks and runs they take', () => {
    const folder = aFolder();
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\n'));
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 200 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 2, max: 5 }),
        (lines, chunkLines, runsPerLevel) => {
          const sorter = new LineSorter({ folder, chunkLines, runsPerLevel });
          for (const each of lines) sorter.add(each);
          expect([...sorter.sorted()]).toEqual(inOrder(lines));
          expect([...sorter.sorted()]).toEqual(inOrder(lines));
          expect(readdirSync(folder).length).toBeLessThanOrEqual(runsPerLevel * 8);
          sorter.dispose();
          expect(readdirSync(folder)).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('needs no file for few lines', () => {
    const folder = aFolder();
    const sorter = new LineSorter({ folder });
    for (const each of ['b', 'a', 'c']) sorter.add(each);
    expect([...sorter.sorted()]).toEqual(['a', 'b', 'c']);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('lines longer than a block stay whole', () => {
    const sorter = new LineSorter({ folder: aFolder(), chunkLines: 1 });
    const lines = ['b', 'a', 'c'].map((letter) => letter.repeat(200_000));
    for (const each of lines) sorter.add(each);
    expect([...sorter.sorted()]).toEqual(inOrder(lines));
    sorter.dispose();
  });

  test('may be left in the middle', () => {
    const folder = aFolder();
    const sorter = new LineSorter({ folder, chunkLines: 1 });
    for (const each of ['b', 'a', 'c']) sorter.add(each);
    for (const first of sorter.sorted()) {
      expect(first).toBe('a');
      break;
    }
    sorter.dispose();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a folder that is not there', () => {
    const sorter = new LineSorter({ folder: '/dev/null/no', chunkLines: 1 });
    expect(() => sorter.add('a')).toThrow('ENOTDIR');
  });
});
