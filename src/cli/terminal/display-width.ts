/**
 * How many terminal cells a text takes, and how it is cut to a number of cells. By grapheme cluster (UAX #29): a cluster is 2 cells
 * when its base is East Asian Wide or Fullwidth (UAX #11) or an emoji, 0 when it is only combining marks, else 1.
 * Leaves out: ambiguous-width characters (taken as 1) and terminals that draw unknown emoji sequences apart.
 */

/** East Asian Wide and Fullwidth blocks of Unicode 16, emoji apart: those are told by their property. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2329, 0x232a],
  [0x2e80, 0x303e],
  [0x3041, 0x4dff],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6b],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1aff0, 0x1b2fb],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;
// What moves the cursor, starts an escape sequence, breaks the line, or reorders the text around it (UAX #9).
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

function clusterWidth(cluster: string): number {
  if (ZERO.test(cluster)) return 0;
  if (EMOJI.test(cluster)) return 2;
  const code = cluster.codePointAt(0) ?? 0;
  return WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
}

/** Cells that `text` takes; it must hold no control characters (see `visible`). */
export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += clusterWidth(segment);
  return width;
}

/** The most clusters of `text` that take no more than `cells` cells. */
function beginning(clusters: readonly string[], cells: number): string[] {
  const kept: string[] = [];
  let width = 0;
  for (const cluster of clusters) {
    width += clusterWidth(cluster);
    if (width > cells) break;
    kept.push(cluster);
  }
  return kept;
}

const clustersOf = (text: string): string[] => [...graphemes.segment(text)].map(({ segment }) => segment);

/** Cut to at most `cells` cells, with `…` for what was cut off. */
export function truncate(text: string, cells: number): string {
  if (displayWidth(text) <= cells) return text;
  if (cells <= 0) return '';
  return `${beginning(clustersOf(text), cells - 1).join('')}…`;
}

/** The same with `…` in the middle: for names that differ at their end. */
export function truncateMiddle(text: string, cells: number): string {
  if (displayWidth(text) <= cells) return text;
  if (cells <= 0) return '';
  const clusters = clustersOf(text);
  const end = beginning(clusters.toReversed(), Math.floor((cells - 1) / 2))
    .toReversed()
    .join('');
  return `${beginning(clusters, cells - 1 - displayWidth(end)).join('')}…${end}`;
}

/** In lines of at most `cells` cells, broken at spaces; a word that is longer has a line of its own. */
export function wrapped(text: string, cells: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && displayWidth(longer) > cells) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** Text from a device or a file, fit for a terminal: what could steer the terminal is shown as an escape, never sent. */
export function visible(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text;
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
