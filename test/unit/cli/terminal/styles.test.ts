import { describe, expect, test } from 'vitest';
import { createStyles, wantsColour } from '../../../../src/cli/terminal/styles.ts';

describe('wantsColour', () => {
  test.each([
    ['on a terminal', {}, true, true],
    ['not in a pipe', {}, false, false],
    ['not with NO_COLOR', { NO_COLOR: '1' }, true, false],
    ['an empty NO_COLOR says nothing', { NO_COLOR: '' }, true, true],
    ['in a pipe with FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
    ['not with FORCE_COLOR=0', { FORCE_COLOR: '0' }, true, false],
    ['FORCE_COLOR goes before NO_COLOR, as in Node', { FORCE_COLOR: '1', NO_COLOR: '1' }, false, true],
    ['not on a dumb terminal', { TERM: 'dumb' }, true, false],
  ])('%s', (_name, env, isTerminal, expected) => {
    expect(wantsColour(env, isTerminal)).toBe(expected);
  });
});

test('styles without colour add nothing', () => {
  const { bold, red } = createStyles(false);
  expect(bold(red('key'))).toBe('key');
});

test('styles end what they began', () => {
  expect(createStyles(true).red('key')).toBe('\u001b[31mkey\u001b[39m');
});
