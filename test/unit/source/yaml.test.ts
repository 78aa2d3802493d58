import { describe, expect, test } from 'vitest';
import { entryOf, fromJson, textOf, toJson } from '../../../src/source/node.ts';
import { Problems } from '../../../src/source/problems.ts';
import { decodeText } from '../../../src/source/text.ts';
import { parseYaml } from '../../../src/source/yaml.ts';

function read(text: string): { json: unknown; said: string[] } {
  const problems = new Problems();
  const node = parseYaml(text, { file: 'f.yaml', expressionKeys: ['when'] }, problems);
  const said = problems
    .list()
    .map(({ line, column, message, hint }) => `${line}:${column}: ${message}${hint ? ` (${hint})` : ''}`);
  return { json: node === undefined ? undefined : toJson(node), said };
}

test('reads scalars, lists and maps', () => {
  expect(read('a: 1\nb: [x, true, null, 1.5]\nc: { d: "1" }\n')).toEqual({
    json: { a: 1, b: ['x', true, null, 1.5], c: { d: '1' } },
    said: [],
  });
});

test('YAML 1.2: yes, no, on and off are text', () => {
  expect(read('a: [yes, no, on, off]\n').json).toEqual({ a: ['yes', 'no', 'on', 'off'] });
});

test('a byte order mark does not shift the first line, and CRLF is a line break', () => {
  expect(read('\ufeffa: 1\r\nb: *x\r\n').said).toEqual(['2:4: YAML aliases are not used here (write the value out)']);
  expect(read('\ufeff1: x\n').said[0]).toMatch(/^1:1:/);
});

describe('refuses what a reviewer cannot read from top to bottom', () => {
  const cases: readonly [string, string, string][] = [
    ['a tag', 'a: !!str 1\n', '1:4: YAML tags are not used here (take !!str away, or put the text in quotes)'],
    ['a tag where an expression stands', 'when: !x\n', '1:7: YAML reads !x as a tag (quote this expression: "!…")'],
    ['an anchor', 'a: &x 1\n', '1:4: YAML anchors are not used here (write the value out where it is needed)'],
    ['a merge key', '<<: { a: 1 }\n', '1:1: YAML merge keys are not used here (write the values out)'],
    ['a key given twice', 'a: 1\nb: 2\na: 3\n', '3:1: a is given twice'],
    ['a number as key', '1: a\n', '1:1: a key must be text (put it in quotes)'],
    ['a list as key', '? [a]\n: b\n', '1:3: a key must be text (put it in quotes)'],
    [
      'several documents',
      'a: 1\n---\nb: 2\n',
      '2:1: the file holds several YAML documents (keep one and drop the `---` line)',
    ],
    ['an empty file', '', '1:1: the file is empty'],
    ['a file of comments', '# nothing\n', '1:1: the file is empty'],
    ['a directive', '%YAML 1.1\n---\na: yes\n', '1:1: YAML directives are not used here (drop the %YAML line)'],
    ['a tab', 'a:\n\tb: 1\n', '2:1: a tab indents this line (indent with spaces)'],
    [
      'a number too large',
      'a: 12345678901234567890\n',
      '1:4: this number cannot be held exactly (put it in quotes if it is text)',
    ],
    ['infinity', 'a: .inf\n', '1:4: this number cannot be held exactly (put it in quotes if it is text)'],
    ['a name of JavaScript', '__proto__: 1\n', '1:1: __proto__ is not a name'],
  ];
  test.each(cases)('%s', (_what, text, message) => {
    expect(read(text).said).toContain(message);
  });
});

describe('unquoted expressions', () => {
  const cases: readonly [string, string, string][] = [
    [
      '${{ }} in a flow map',
      'with: { key: ${{ key }}, b: 1 }\n',
      '1:14: `${{` inside { } or [ ] is read as YAML (quote this expression: "${{ … }}")',
    ],
    [
      '${{ }} in a flow list',
      'with: [${{ key }}]\n',
      '1:8: `${{` inside { } or [ ] is read as YAML (quote this expression: "${{ … }}")',
    ],
    [
      'a conditional',
      'x: ${{ a ? b : c }}\n',
      '1:4: YAML reads the ` : ` of a conditional as a key (quote this expression: "a ? b : c")',
    ],
    [
      'a colon in a string',
      'when: key.label == "a: b"\n',
      '1:7: YAML reads `: ` in this text as a key (quote this expression, or the whole text)',
    ],
    [
      'a leading string',
      "when: 'aes' == key.type\n",
      '1:13: the value ends at its closing quote or bracket, and text follows (quote this expression as a whole)',
    ],
    ['a leading sign', 'when: @x\n', '1:7: a value may not start with @ (put it in quotes)'],
  ];
  test.each(cases)('%s', (_what, text, message) => {
    expect(read(text).said).toEqual([message]);
  });
});

test('text nested too deeply is a problem, not a crash', () => {
  expect(read(`a: ${'['.repeat(100)}${']'.repeat(100)}\n`).said[0]).toMatch(/nested too deeply/);
  expect(read('['.repeat(20_000)).said.length).toBeGreaterThan(0);
});

test('a document without text becomes the same tree', () => {
  const json = { a: [1, 'x', { b: null }], c: true };
  expect(toJson(fromJson(json, 'pinned'))).toEqual(json);
  const entry = entryOf(fromJson({ a: 'x' }, 'pinned'), 'a');
  expect(textOf(entry?.value)).toBe('x');
  expect(entry?.keyPlace).toEqual({ file: 'pinned', line: 1, column: 1 });
});

describe('bytes that are no UTF-8 text', () => {
  const said = (bytes: number[]): string[] => {
    const problems = new Problems();
    expect(decodeText(Uint8Array.from(bytes), 'f', problems)).toBeUndefined();
    return problems.list().map(({ line, column, message }) => `${line}:${column}: ${message}`);
  };
  test('point at the first bad byte', () => {
    expect(said([0x61, 0x0a, 0x62, 0x63, 0xff, 0x64])).toEqual(['2:3: the file is not UTF-8']);
  });
  test('UTF-16 is named', () => {
    expect(said([0xff, 0xfe, 0x61, 0x00])).toEqual(['1:1: the file is UTF-16']);
  });
  test('a huge file is refused', () => {
    const problems = new Problems();
    expect(decodeText(new Uint8Array(1_048_577).fill(0x20), 'f', problems)).toBeUndefined();
    expect(problems.count).toBe(1);
  });
  test('good text passes', () => {
    const problems = new Problems();
    expect(decodeText(new TextEncoder().encode('ä: 1\n'), 'f', problems)).toBe('ä: 1\n');
    expect(problems.count).toBe(0);
  });
});
