import { describe, expect, test } from 'vitest';
import { createStyles } from '../../../../src/cli/terminal/styles.ts';
import { failureJson, failureText } from '../../../../src/cli/views/failure-view.ts';
import { KeyferryError } from '../../../../src/errors/keyferry-error.ts';

const plain = createStyles(false);

describe('an error for people', () => {
  test('says what failed, where, what may have changed and what to do', () => {
    const error = new KeyferryError('device-refused', 'C_UnwrapKey was refused', {
      device: 'cluster',
      operation: 'unwrap-key',
      native: { name: 'CKR_DEVICE_ERROR', value: 0x30 },
      outcome: 'unknown',
      hint: 'Look at the log.',
    });
    expect(failureText(error, plain).split('\n')).toEqual([
      'Error: C_UnwrapKey was refused [device-refused]',
      '  device cluster · unwrap-key · CKR_DEVICE_ERROR 0x30',
      '  The device may have changed.',
      '  Next: Look at the log.',
    ]);
  });

  test('lists every diagnostic with its place', () => {
    const diagnostics = [
      { file: 'a.yaml', line: 3, column: 5, message: 'unknown key', hint: 'did you mean where?' },
      { file: 'a.yaml', line: 9, column: 1, message: 'missing do' },
    ];
    const text = failureText(new KeyferryError('playbook-invalid', 'a.yaml has 2 problems', { diagnostics }), plain);
    expect(text).toContain('a.yaml:3:5: unknown key (did you mean where?)');
    expect(text).toContain('a.yaml:9:1: missing do');
  });

  test('sends no escape sequence of a device to the terminal', () => {
    expect(failureText(new KeyferryError('key-not-found', 'no key "\u001b[2J"'), plain)).not.toContain('\u001b');
  });

  test('a bug shows its stack', () => {
    expect(failureText(new Error('boom'), plain)).toMatch(/bug in keyferry: Error: boom\n\s+at /);
  });
});

describe('an error for programs', () => {
  test('is one object with the fields of the contract', () => {
    const error = new KeyferryError('device-lost', 'gone', { device: 'classic', outcome: 'unknown' });
    expect(JSON.parse(failureJson(error))).toEqual({
      error: { code: 'device-lost', message: 'gone', device: 'classic', outcome: 'unknown', hint: error.hint },
    });
  });

  test('stays on one line whatever the message', () => {
    expect(failureJson(new KeyferryError('usage', 'a\nb'))).not.toContain('\n');
    expect(failureJson(new Error('boom'))).not.toContain('\n');
  });
});
