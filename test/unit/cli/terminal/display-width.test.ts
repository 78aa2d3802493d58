import { describe, expect, test } from 'vitest';
import { displayWidth, truncate, visible } from '../../../../src/cli/terminal/display-width.ts';

describe('displayWidth', () => {
  test.each([
    ['', 0],
    ['payments-1', 10],
    ['é', 1],
    ['e\u0301', 1],
    ['密钥', 4],
    ['ｆｕｌｌ', 8],
    ['한', 2],
    ['🔑', 2],
    ['👩‍💻', 2],
    ['🇨🇭', 2],
    ['\u200b', 0],
  ])('%j takes %i cells', (text, cells) => {
    expect(displayWidth(text)).toBe(cells);
  });
});

describe('truncate', () => {
  test('leaves alone what fits', () => {
    expect(truncate('密钥', 4)).toBe('密钥');
  });

  test('never cuts through a wide character', () => {
    expect(truncate('密钥密钥', 4)).toBe('密…');
    expect(displayWidth(truncate('密钥密钥', 4))).toBeLessThanOrEqual(4);
  });

  test('never parts a mark from its letter', () => {
    expect(truncate('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
  });

  test('gives nothing for no cells', () => {
    expect(truncate('abc', 0)).toBe('');
  });
});

describe('visible', () => {
  test.each([
    ['\u001b[31mred', '\\x1b[31mred'],
    ['a\r\nb\tc', 'a\\x0d\\x0ab\\x09c'],
    ['\u009b2J', '\\x9b2J'],
    ['\u007f', '\\x7f'],
    ['safe\u202etxt.exe', 'safe\\u{202e}txt.exe'],
    ['\ud800', '\\u{d800}'],
  ])('%j is shown as %s', (text, shown) => {
    expect(visible(text)).toBe(shown);
  });

  test('leaves letters of any script alone', () => {
    expect(visible('Schlüssel 密钥 مفتاح 🔑')).toBe('Schlüssel 密钥 مفتاح 🔑');
  });
});
