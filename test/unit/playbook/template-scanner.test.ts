import { describe, expect, test } from 'vitest';
import { scanTemplate } from '../../../src/playbook/template-scanner.ts';

const sources = (text: string): unknown => {
  const scan = scanTemplate(text);
  return 'problem' in scan
    ? `${scan.problem.offset}: ${scan.problem.message}`
    : scan.parts.map((part) => (part.kind === 'text' ? part.text : [part.source, part.offset]));
};

describe('finds the end of an expression as CEL reads it', () => {
  const cases: readonly [string, string, unknown][] = [
    ['one expression', '${{ a }}', [[' a ', 3]]],
    ['text around', 'x ${{ a }} y ${{b}}', ['x ', [' a ', 5], ' y ', ['b', 16]]],
    ['none', 'x $ { } }}', ['x $ { } }}']],
    ['braces in a string', '${{ "}}" }}', [[' "}}" ', 3]]],
    ['braces in a string with an escaped quote', '${{ "\\"}}" }}', [[' "\\"}}" ', 3]]],
    ['braces in a raw string, whose backslash escapes nothing', '${{ r"\\" }}', [[' r"\\" ', 3]]],
    ['braces in a triple-quoted string', '${{ """a"}}" """ }}', [[' """a"}}" """ ', 3]]],
    ['braces in a single-quoted string', "${{ '}}' }}", [[" '}}' ", 3]]],
    ['nested maps', '${{ {"a": {"b": 1}} }}', [[' {"a": {"b": 1}} ', 3]]],
    ['nested maps without a space', '${{{"a": {"b": 1}}}}', [['{"a": {"b": 1}}', 3]]],
    ['quotes in a comment', "${{ a // it's\n }}", [[" a // it's\n ", 3]]],
  ];
  test.each(cases)('%s', (_what, text, expected) => {
    expect(sources(text)).toEqual(expected);
  });
});

describe('refuses', () => {
  const cases: readonly [string, string, string][] = [
    ['an unclosed expression', 'x ${{ a', '2: `${{` is not closed'],
    ['an unclosed string', '${{ "a }}', '4: a string in the expression is not closed'],
    ['a single brace', '${{ a } }}', '6: a single } in the expression'],
    ['an empty expression', 'x ${{  }}', '2: the expression is empty'],
    ['an escaped expression', 'x $${{ a }}', '2: `$${{` is not a way to write `${{` itself'],
  ];
  test.each(cases)('%s', (_what, text, expected) => {
    expect(sources(text)).toBe(expected);
  });
});
