import { describe, expect, test } from 'vitest';
import { MAX_SUBJECT, patternProblem } from '../../../src/playbook/regex-limits.ts';

describe('patterns in use', () => {
  const patterns = [
    '^payments-',
    '-(aes|3des|dukpt)-',
    '^[a-z]+-[0-9]{4}$',
    '.*-prod',
    '^(?:prod|test)-.*$',
    '\\.v[0-9]+$',
    '[*+?]{2}',
    'a?b?c?',
  ];
  test.each(patterns)('%s may run, in little time on its worst subject', (pattern) => {
    expect(patternProblem(pattern)).toBeUndefined();
    const start = performance.now();
    new RegExp(pattern).test(`${'a'.repeat(MAX_SUBJECT - 1)}!`);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('patterns that could stall a run', () => {
  const patterns = [
    '(a+)+$',
    '(a*)*',
    '(a|a)*b',
    '(a?){60}',
    '((a|b)c)+',
    '(?:a{1,9}){9}',
    '.*.*.*x',
    '(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)',
    'a?'.repeat(30),
    '(a)\\1',
    '(?=a)',
    '(?<!a)b',
    '(',
    '[',
    'a'.repeat(201),
  ];
  test.each(patterns)('%s is refused', (pattern) => {
    expect(patternProblem(pattern)).toEqual(expect.any(String));
  });
});
