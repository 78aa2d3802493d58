import { describe, expect, test } from 'vitest';
import { displayWidth } from '../../../../src/cli/terminal/display-width.ts';
import { createStyles } from '../../../../src/cli/terminal/styles.ts';
import { type Cell, type Column, tableLines } from '../../../../src/cli/terminal/table.ts';

const plain = createStyles(false);

async function render(
  rows: readonly (readonly Cell[])[],
  columns: readonly Column[],
  width: number | null = null,
): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of tableLines(rows, { columns, styles: plain, width })) lines.push(line);
  return lines;
}

describe('tableLines', () => {
  const columns = [{ title: 'LABEL', shrinkTo: 6 }, { title: 'N', align: 'right' }, { title: 'WHY' }] as const;

  test('aligns by display width, wide characters and combining marks too', async () => {
    expect(
      await render(
        [
          ['密钥', '1', 'x'],
          ['e\u0301', '23', 'y'],
        ],
        columns,
      ),
    ).toEqual(['LABEL   N  WHY', '密钥    1  x', 'e\u0301      23  y']);
  });

  test('shows what could steer the terminal as escapes', async () => {
    const [, row] = await render([['\u001b]0;owned\u0007', '1', 'a\nb']], columns);
    expect(row).toBe('\\x1b]0;owned\\x07  1  a\\x0ab');
  });

  test('never gets wider than the terminal, by columns that may shrink only', async () => {
    const lines = await render([['a-very-long-label-of-a-key', '12345', 'fixed']], columns, 24);
    expect(lines.map(displayWidth).every((cells) => cells <= 24)).toBe(true);
    expect(lines[1]).toMatch(/^a-very-\S*… {2}12345 {2}fixed$/);
  });

  describe('with sentences in the last column', () => {
    const sentences = [
      { title: 'LABEL', shrinkTo: 9, cut: 'middle' },
      { title: 'STATE' },
      { title: 'WHY', wraps: true },
    ] as const;
    const why = 'the key is there already, under the name of payments-old';
    const words = (lines: readonly string[]): string =>
      lines
        .map((line) => line.trim())
        .join(' ')
        .replaceAll(/ +/g, ' ');

    test('goes on below the sentence where there is room beside the others', async () => {
      expect(await render([['payments-0001', 'skip', why]], sentences, 56)).toEqual([
        'LABEL          STATE  WHY',
        'payments-0001  skip   the key is there already, under',
        '                      the name of payments-old',
      ]);
    });

    test('has the sentence on a line of its own where there is none, whole', async () => {
      const lines = await render([['payments-0001', 'skip', why]], sentences, 40);
      expect(lines).toEqual([
        'LABEL          STATE  WHY',
        'payments-0001  skip',
        '    the key is there already, under the',
        '    name of payments-old',
      ]);
      expect(words(lines)).toContain(why);
    });

    test('lets others shrink for a short reason', async () => {
      expect(await render([['payments-0001', 'skip', 'no use']], sentences, 26)).toEqual([
        'LABEL        STATE  WHY',
        'payme…-0001  skip   no use',
      ]);
    });

    test('spends nothing on reasons that nobody gave', async () => {
      expect(await render([['payments-0001', 'move', '']], sentences, 22)).toEqual([
        'LABEL          STATE',
        'payments-0001  move',
      ]);
    });

    test.each([12, 20, 30, 45, 60, 200])('loses no word at %i columns', async (width) => {
      expect(words(await render([['payments-0001', 'skip', why]], sentences, width))).toContain(why);
    });

    test('wraps rows that come after the widths were decided', async () => {
      const rows = Array.from({ length: 600 }, (_, index) => [`k-${index}`, 'skip', index === 599 ? why : '']);
      expect(words(await render(rows, sentences, 40))).toContain(why);
    });

    test('paints each line by itself', async () => {
      const red = (text: string): string => `<${text}>`;
      const lines = await render([['k', 'skip', { text: why, paint: red }]], sentences, 30);
      for (const line of lines.slice(2)) expect(line).toMatch(/^ {4}<.*>$/);
    });
  });

  test('keeps names apart that differ at their end', async () => {
    const columns = [{ title: 'LABEL', shrinkTo: 12, cut: 'middle' }, { title: 'STATE' }] as const;
    const rows = [
      ['payments-0001', 'move'],
      ['payments-0002', 'move'],
    ];
    const [, first, second] = await render(rows, columns, 19);
    expect(first).not.toBe(second);
    expect(first).toBe('paymen…-0001  move');
  });

  test('cuts nothing where there is no terminal', async () => {
    const label = 'x'.repeat(300);
    const [, row] = await render([[label, '1', '']], columns);
    expect(row).toContain(label);
  });

  test('pads before colour is put on', async () => {
    const red = (text: string): string => `<${text}>`;
    expect(await render([[{ text: 'ab', paint: red }, '1', '']], columns)).toEqual(['LABEL  N  WHY', '<ab>     1']);
  });

  test('gives nothing without rows', async () => {
    expect(await render([], columns)).toEqual([]);
  });

  test('streams: the heading and the first rows come before the last row is made', async () => {
    let made = 0;
    async function* rows(): AsyncIterable<readonly Cell[]> {
      for (; made < 2_000; made += 1) yield [String(made)];
    }
    const lines = tableLines(rows(), { columns: [{ title: 'N' }], styles: plain, width: null })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('N');
    expect(made).toBeLessThan(1_000);
  });
});
