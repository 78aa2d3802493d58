import { describe, expect, test } from 'vitest';
import { Document, isMap, isScalar, parseDocument } from 'yaml';
import { type ScalarStyle, scalarOffsets } from '../../../src/source/scalar-offsets.ts';

const STYLES: Readonly<Record<string, ScalarStyle>> = {
  PLAIN: 'plain',
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded',
};

/** Where `needle` of the decoded value stands in the text, by the YAML parser's value and our offsets. */
function find(text: string, needle: string): { found: string; offset: number } {
  const document = parseDocument(text);
  const pair = isMap(document.contents) ? document.contents.items[0] : undefined;
  const node = pair?.value;
  if (!isScalar(node) || typeof node.value !== 'string' || !node.range || document instanceof Document === false)
    throw new Error('no scalar');
  const [start, end] = node.range;
  const offsets = scalarOffsets(text.slice(start, end), node.value, STYLES[node.type ?? 'PLAIN'] ?? 'plain');
  const at = node.value.indexOf(needle);
  if (at === -1) throw new Error(`${needle} is not in ${JSON.stringify(node.value)}`);
  const offset = start + (offsets[at] ?? -1);
  return { found: text.slice(offset, offset + needle.length), offset };
}

describe('a character of the value is found in the file', () => {
  const cases: readonly [string, string][] = [
    ['plain', 'a: some X text\n'],
    ['plain over lines', 'a: some\n   more\n\n   and X text\n'],
    ['plain over CRLF lines', 'a: some\r\n   more\r\n\r\n   and X text\r\n'],
    ['single quoted', "a: 'it''s ''X'' text'\n"],
    ['single quoted over lines', "a: 'some \n\n\n  more '' X'\n"],
    ['double quoted', 'a: "tab \\t quote \\" X text"\n'],
    ['double quoted with code points', 'a: "\\x41\\u0042\\U00000043\\U0001F600 X"\n'],
    ['double quoted over lines', 'a: "some\n  more\n\n  X"\n'],
    ['double quoted with an escaped line break', 'a: "some \\\n   more \\\n\n  X"\n'],
    ['literal', 'a: |\n  first\n    second\n\n  X third\n'],
    ['literal with an indentation indicator', 'a: |2-\n   first\n  X second\n'],
    ['literal with CRLF', 'a: |\r\n  first\r\n  X second\r\n'],
    ['folded', 'a: >\n  first\n  second\n\n  third X\n'],
    ['folded with more indented lines', 'a: >-\n  first\n    code X\n  last\n'],
  ];
  test.each(cases)('%s', (_style, text) => {
    const { found, offset } = find(text, 'X');
    expect(found).toBe('X');
    expect(offset).toBe(text.indexOf('X'));
  });
});

test('the end of the value is behind its last character', () => {
  expect(scalarOffsets("'ab'", 'ab', 'single')).toEqual([1, 2, 3]);
  expect(scalarOffsets('ab', 'ab', 'plain')).toEqual([0, 1, 2]);
  expect(scalarOffsets('""', '', 'double')).toEqual([1]);
});
