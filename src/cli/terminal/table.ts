/**
 * Tables aligned by display width. Rows may be streamed: the widths come from the first rows, later longer cells are cut or wrapped on a
 * terminal and overflow elsewhere. Cells are data: what could steer a terminal is escaped here, colour is put on afterwards.
 */

import { displayWidth, truncate, truncateMiddle, visible, wrapped } from './display-width.ts';
import type { Styles } from './styles.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Least width in cells when the terminal is narrow; columns without it keep their width. */
  readonly shrinkTo?: number;
  /** Where its cells are cut. Default: at the end. */
  readonly cut?: 'middle';
  /** Of the last column: nothing is cut; what does not fit beside the others goes on below. For sentences. */
  readonly wraps?: boolean;
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
/** Cells beside the other columns in which a sentence can still be read; with fewer it goes on a line of its own. */
const READABLE = 32;
const INDENT = '    ';

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
  const { columns, width } = options;
  const widths = columns.map((column) => displayWidth(column.title));
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, displayWidth(textOf(cell)));
  }
  if (width === null) return widths;
  const last = columns.length - 1;
  if (columns[last]?.wraps !== true) return narrow(widths, columns, width);
  const beside = (wanted: number): readonly [number[], number] => {
    const others = narrow(widths.slice(0, last), columns.slice(0, last), width - wanted - GAP.length);
    return [others, Math.max(0, width - others.reduce((sum, each) => sum + each + GAP.length, 0))];
  };
  const longest = Math.max(0, ...rows.map((row) => displayWidth(textOf(row[last] ?? ''))));
  const wanted = Math.min(longest, READABLE);
  const [others, room] = beside(wanted);
  if (wanted > 0 && room >= wanted) return [...others, room];
  const [alone, left] = beside(-GAP.length);
  return [...alone, left];
}

const paintOf = (cell: Cell): Paint => (typeof cell === 'string' ? (text) => text : cell.paint);

function renderCells(row: readonly Cell[], widths: readonly number[], options: TableOptions): string[] {
  const last = options.columns.length - 1;
  return options.columns.map((column, index) => {
    const cell = row[index] ?? '';
    const width = widths[index] ?? 0;
    const cut = column.cut === 'middle' ? truncateMiddle : truncate;
    const text = options.width === null ? textOf(cell) : cut(textOf(cell), width);
    const padding = ' '.repeat(Math.max(0, width - displayWidth(text)));
    const painted = paintOf(cell)(text);
    if (column.align === 'right') return padding + painted;
    return index === last ? painted : painted + padding;
  });
}

/** One line, or several where the last column wraps. */
function renderRow(row: readonly Cell[], widths: readonly number[], options: TableOptions): string[] {
  const last = options.columns.length - 1;
  const sentence = row[last] ?? '';
  const room = widths[last] ?? 0;
  const text = textOf(sentence);
  if (options.width === null || options.columns[last]?.wraps !== true || displayWidth(text) <= room) {
    return [renderCells(row, widths, options).join(GAP).trimEnd()];
  }
  const beside = renderCells([...row.slice(0, last), ''], widths, options).join(GAP);
  const paint = paintOf(sentence);
  if (room < READABLE) {
    const lines = wrapped(text, Math.max(1, options.width - INDENT.length));
    return [beside.trimEnd(), ...lines.map((line) => INDENT + paint(line))];
  }
  const indent = ' '.repeat(options.width - room);
  return wrapped(text, room).map((line, index) => (index === 0 ? beside : indent) + paint(line));
}

/** Lines without line ends: the heading, then the rows. No rows: no lines. */
export async function* tableLines(
  rows: AsyncIterable<readonly Cell[]> | Iterable<readonly Cell[]>,
  options: TableOptions,
): AsyncIterable<string> {
  let sample: (readonly Cell[])[] | null = [];
  let widths: readonly number[] = [];
  const heading = (): string[] => {
    const titles = options.columns.map(({ title, wraps }, index) => {
      const hasRoom = wraps !== true || options.width === null || displayWidth(title) <= (widths[index] ?? 0);
      return { text: hasRoom ? title : '', paint: options.styles.bold };
    });
    return renderRow(titles, widths, options);
  };
  for await (const row of rows) {
    if (sample === null) {
      yield* renderRow(row, widths, options);
      continue;
    }
    sample.push(row);
    if (sample.length < SAMPLE) continue;
    widths = layOut(sample, options);
    yield* heading();
    for (const held of sample) yield* renderRow(held, widths, options);
    sample = null;
  }
  if (sample === null || sample.length === 0) return;
  widths = layOut(sample, options);
  yield* heading();
  for (const held of sample) yield* renderRow(held, widths, options);
}
