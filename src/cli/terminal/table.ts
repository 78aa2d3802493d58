/**
 * Tables aligned by display width. Rows may be streamed: the widths come from the first rows, later longer cells are cut on a
 * terminal and overflow elsewhere. Cells are data: what could steer a terminal is escaped here, colour is put on afterwards.
 */

import { displayWidth, truncate, visible } from './display-width.ts';
import type { Styles } from './styles.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Least width in cells when the terminal is narrow; columns without it keep their width. */
  readonly shrinkTo?: number;
}

export type Paint = (text: string) => string;
export type Cell = string | { readonly text: string; readonly paint: Paint };

export interface TableOptions {
  readonly columns: readonly Column[];
  readonly styles: Styles;
  /** Cells of the terminal; null: no terminal, nothing is cut. */
  readonly width: number | null;
}

const GAP = '  ';
/** Rows that decide the widths. */
const SAMPLE = 500;

const textOf = (cell: Cell): string => visible(typeof cell === 'string' ? cell : cell.text);

function narrow(widths: number[], columns: readonly Column[], width: number): number[] {
  const fitted = [...widths];
  let excess = fitted.reduce((sum, each) => sum + each, 0) + GAP.length * (fitted.length - 1) - width;
  while (excess > 0) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const current = fitted[index] ?? 0;
      if (column.shrinkTo === undefined || current <= column.shrinkTo) continue;
      if (widest < 0 || current > (fitted[widest] ?? 0)) widest = index;
    }
    if (widest < 0) break;
    fitted[widest] = (fitted[widest] ?? 1) - 1;
    excess -= 1;
  }
  return fitted;
}

function layOut(rows: readonly (readonly Cell[])[], options: TableOptions): number[] {
  const widths = options.columns.map((column) => displayWidth(column.title));
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, displayWidth(textOf(cell)));
  }
  return options.width === null ? widths : narrow(widths, options.columns, options.width);
}

function renderRow(row: readonly Cell[], widths: readonly number[], options: TableOptions): string {
  const last = options.columns.length - 1;
  const cells = options.columns.map((column, index) => {
    const cell = row[index] ?? '';
    const width = widths[index] ?? 0;
    const text = options.width === null ? textOf(cell) : truncate(textOf(cell), width);
    const padding = ' '.repeat(Math.max(0, width - displayWidth(text)));
    const painted = typeof cell === 'string' ? text : cell.paint(text);
    if (column.align === 'right') return padding + painted;
    return index === last ? painted : painted + padding;
  });
  return cells.join(GAP).trimEnd();
}

/** Lines without line ends: the heading, then one per row. No rows: no lines. */
export async function* tableLines(
  rows: AsyncIterable<readonly Cell[]> | Iterable<readonly Cell[]>,
  options: TableOptions,
): AsyncIterable<string> {
  let sample: (readonly Cell[])[] | null = [];
  let widths: readonly number[] = [];
  const heading = (): string =>
    renderRow(
      options.columns.map((column) => ({ text: column.title, paint: options.styles.bold })),
      widths,
      options,
    );
  for await (const row of rows) {
    if (sample === null) {
      yield renderRow(row, widths, options);
      continue;
    }
    sample.push(row);
    if (sample.length < SAMPLE) continue;
    widths = layOut(sample, options);
    yield heading();
    for (const held of sample) yield renderRow(held, widths, options);
    sample = null;
  }
  if (sample === null || sample.length === 0) return;
  widths = layOut(sample, options);
  yield heading();
  for (const held of sample) yield renderRow(held, widths, options);
}
