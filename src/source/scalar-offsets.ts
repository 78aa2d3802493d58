/**
 * Where a character of a scalar's decoded value stands in the file, for every YAML style (YAML 1.2.2 §7.3, §8.1). Decoding is done
 * by the parser; here source and value are walked side by side. Built only when a problem needs a place inside a scalar.
 */

export type ScalarStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded';

/**
 * Source offsets, one per UTF-16 unit of the value and one for its end.
 * `source` is the scalar as it stands in the file, quotes and block header included.
 */
export function scalarOffsets(source: string, value: string, style: ScalarStyle): number[] {
  const offsets = style === 'literal' || style === 'folded' ? blockOffsets(source, value) : flowOffsets(source, style);
  // A value that is longer than what was walked (it never is for a document without errors) points at the scalar's end.
  while (offsets.length <= value.length) offsets.push(offsets.at(-1) ?? 0);
  return offsets;
}

const FOLD = /[ \t]*\r?\n(?:[ \t]*\r?\n)*[ \t]*/y;
const ESCAPED_FOLD = /\\\r?\n(?:[ \t]*\r?\n)*[ \t]*/y;
const LONG_ESCAPES: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function flowOffsets(source: string, style: ScalarStyle): number[] {
  const offsets: number[] = [];
  let at = style === 'plain' ? 0 : 1;
  const end = style === 'plain' ? source.length : source.length - 1;
  while (at < end) {
    FOLD.lastIndex = at;
    const fold = FOLD.exec(source);
    if (fold !== null) {
      // One line break folds to a space; each further one stays.
      const breaks = fold[0].split('\n').length - 1;
      for (let count = 0; count < Math.max(1, breaks - 1); count++) offsets.push(at);
      at += fold[0].length;
      continue;
    }
    if (style === 'single' && source[at] === "'") {
      offsets.push(at);
      at += 2;
      continue;
    }
    if (style === 'double' && source[at] === '\\') {
      ESCAPED_FOLD.lastIndex = at;
      const escapedFold = ESCAPED_FOLD.exec(source);
      if (escapedFold !== null) {
        const breaks = escapedFold[0].split('\n').length - 1;
        for (let count = 0; count < breaks - 1; count++) offsets.push(at);
        at += escapedFold[0].length;
        continue;
      }
      const digits = LONG_ESCAPES[source[at + 1] ?? ''] ?? 0;
      offsets.push(at);
      if (digits === 8 && Number.parseInt(source.slice(at + 2, at + 10), 16) > 0xffff) offsets.push(at);
      at += 2 + digits;
      continue;
    }
    offsets.push(at);
    at++;
  }
  offsets.push(at);
  return offsets;
}

function blockOffsets(source: string, value: string): number[] {
  const offsets: number[] = [];
  const headerEnd = source.indexOf('\n') + 1;
  const lines = splitLines(source, headerEnd);
  const indent = Math.min(...lines.filter((line) => line.text.trim() !== '').map((line) => line.text.search(/[^ ]/)));
  let lastContentEnd = headerEnd;
  for (const line of lines) {
    const content = line.text.slice(Number.isFinite(indent) ? indent : line.text.length);
    if (content === '') continue;
    // What lies between two lines of content are line breaks, folded to a space or kept.
    const start = value.indexOf(content, offsets.length);
    if (start === -1) break;
    while (offsets.length < start) offsets.push(lastContentEnd);
    const sourceStart = line.start + line.text.length - content.length;
    for (let index = 0; index < content.length; index++) offsets.push(sourceStart + index);
    lastContentEnd = line.start + line.text.length;
  }
  offsets.push(lastContentEnd);
  return offsets;
}

function splitLines(source: string, from: number): { text: string; start: number }[] {
  const lines: { text: string; start: number }[] = [];
  let start = from;
  for (const raw of source.slice(from).split('\n')) {
    lines.push({ text: raw.replace(/\r$/, ''), start });
    start += raw.length + 1;
  }
  return lines;
}
