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
