/** What a script leaves open, and what fills it. */
import { describe, expect, test } from 'vitest';
import { ScriptBlanks } from '../../../src/consoles/script-blanks.ts';

const FOUND = 'Total number of keys present 1\n\n number of keys matched from start index 0::0\n262152\n';

function lookedUp(shown: string): ScriptBlanks {
  const blanks = new ScriptBlanks();
  expect(blanks.command('<pair> = findKey -l pair')).toBe('findKey -l pair');
  blanks.hear(shown);
  return blanks;
}

describe('blanks', () => {
  test('are filled by the script', () => {
    const blanks = new ScriptBlanks();
    expect(blanks.command('<crypto user> := alice')).toBeNull();
    expect(blanks.command('loginHSM -u CU -s <crypto user> -hpswd')).toBe('loginHSM -u CU -s alice -hpswd');
  });

  test.each([
    ['findKey', FOUND],
    ['a command that makes a key', '\tSymmetric Key Created.  Key Handle: 262152\n'],
  ])('are filled by the handle that %s shows', (_command, shown) => {
    const blanks = lookedUp(shown);
    blanks.settle();
    expect(blanks.command('deleteKey -k <pair>')).toBe('deleteKey -k 262152');
  });

  test('what no line declares is text', () => {
    expect(new ScriptBlanks().command('genSymKey -l <mine>')).toBe('genSymKey -l <mine>');
  });

  test('a value is not expanded again', () => {
    const blanks = new ScriptBlanks();
    blanks.command('<password> := secret');
    blanks.command('<user> := <password>');
    expect(blanks.fill('<user>')).toBe('<password>');
  });

  test('no key is no handle', () => {
    const blanks = lookedUp('Total number of keys present 0\n');
    expect(() => blanks.settle()).toThrow(expect.objectContaining({ code: 'key-not-found' }));
  });

  test('of several keys none is taken', () => {
    const blanks = lookedUp(' number of keys matched from start index 0::1\n7, 8\n');
    expect(() => blanks.settle()).toThrow(expect.objectContaining({ code: 'key-ambiguous' }));
  });

  test('what a later lookup did not find is not what an earlier one found', () => {
    const blanks = lookedUp(FOUND);
    blanks.settle();
    blanks.command('<pair> = findKey -l other');
    expect(() => blanks.command('deleteKey -k <pair>')).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  test('an open one runs no line and answers no question', () => {
    const blanks = new ScriptBlanks();
    blanks.command('<password> :=');
    expect(() => blanks.command('loginHSM -p <password>')).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => blanks.fill('<password>')).toThrow('leaves <password> open');
  });
});
