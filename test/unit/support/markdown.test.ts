import { describe, expect, test } from 'vitest';
import { readFences, readFileLinks, readShellCommands, readTable } from '../../support/markdown.ts';

describe('fences', () => {
  test('language, text and line', () => {
    expect(readFences('a\n```sh\none\ntwo\n```\nb\n```\nthree\n```\n')).toEqual([
      { language: 'sh', line: 2, text: 'one\ntwo' },
      { language: '', line: 7, text: 'three' },
    ]);
  });

  test('one that is not closed is refused', () => {
    expect(() => readFences('```sh\none\n')).toThrow('not closed');
  });
});

describe('tables', () => {
  const text =
    '# A\n\n| x | y |\n|---|---|\n| 1 | a \\| b |\n| 2 | c |\n\n| z |\n|---|\n| 3 |\n\n# B\n\ntext\n\n# C\n| q |\n|---|\n| 4 |\n';

  test('the rows of the first one below the heading', () => {
    expect(readTable(text, 'A')).toEqual([
      ['1', 'a \\| b'],
      ['2', 'c'],
    ]);
  });

  test.each(['B', 'D'])('%s has none', (heading) => {
    expect(() => readTable(text, heading)).toThrow();
  });
});

describe('links', () => {
  test('files only, without fragments and code', () => {
    const text =
      '[a](docs/a.md) [b](https://example.org) [c](b.md#part) [d](#here) `[e](no.md)`\n```\n[f](no.md)\n```\n';
    expect(readFileLinks(text)).toEqual(['docs/a.md', 'b.md']);
  });
});

describe('shell commands', () => {
  test('each of a line, without comments', () => {
    expect(readShellCommands('```sh\n# first\nnpm ci && npm test   # both\nls\n```\n```yaml\nno: 1\n```\n')).toEqual([
      'npm ci',
      'npm test',
      'ls',
    ]);
  });
});
