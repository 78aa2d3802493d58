import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createInterrupts, Interrupted } from '../../../src/cli/interrupts.ts';
import { confirm, promptSecret } from '../../../src/cli/prompt.ts';
import { aTerminal } from '../../support/terminal-input.ts';

const interrupts = () => createInterrupts(() => undefined);

describe('confirm', () => {
  test.each(['y\n', 'Y\n', 'yes\n', ' yes \n'])('%j is yes', async (typed) => {
    const terminal = aTerminal();
    const answer = confirm(terminal.io, 'Move 3 keys?');
    terminal.type(typed);
    await expect(answer).resolves.toBeUndefined();
    expect(terminal.asked()).toBe('Move 3 keys? [y/N] ');
  });

  test.each(['\n', 'n\n', 'yeah\n', 'j\n'])('%j is not', async (typed) => {
    const terminal = aTerminal();
    const answer = confirm(terminal.io, 'Move 3 keys?');
    terminal.type(typed);
    await expect(answer).rejects.toMatchObject({ code: 'confirmation-required', exitCode: 2 });
  });

  test('without a terminal nobody is asked', async () => {
    const terminal = aTerminal({ isTerminal: false });
    await expect(confirm(terminal.io, 'Move 3 keys?')).rejects.toMatchObject({ code: 'confirmation-required' });
    expect(terminal.asked()).toBe('');
  });
});

describe('promptSecret', () => {
  async function typed(text: string): Promise<{ readonly secret: string; readonly asked: string }> {
    const terminal = aTerminal();
    const answer = promptSecret(terminal.io, interrupts(), 'PIN of classic');
    await new Promise((resolve) => setImmediate(resolve));
    terminal.type(text);
    const secret = await answer;
    expect(terminal.rawModes).toEqual([true, false]);
    return { secret: secret.reveal(), asked: terminal.asked() };
  }

  test('without a terminal says how a PIN and how an input can be given', async () => {
    const terminal = aTerminal({ isTerminal: false });
    await expect(promptSecret(terminal.io, interrupts(), 'password')).rejects.toMatchObject({
      code: 'secret-unavailable',
      hint: expect.stringMatching(/devices file.*-i NAME=env:VAR/),
    });
    expect(terminal.asked()).toBe('');
  });

  test('echoes nothing', async () => {
    expect(await typed('1234\r')).toEqual({ secret: '1234', asked: 'PIN of classic: \n' });
  });

  test.each([
    ['backspace takes a character away', '12\u007f34\r', '134'],
    ['backspace takes a whole emoji away', 'a🔑\u007fb\r', 'ab'],
    ['Ctrl-U starts anew', 'wrong\u0015right\r', 'right'],
    ['arrow keys are no part of it', '1\u001b[D2\r', '12'],
    ['what follows the line is left alone', 'one\ntwo\n', 'one'],
  ])('%s', async (_name, text, secret) => {
    expect((await typed(text)).secret).toBe(secret);
  });

  test('the answer never shows itself', async () => {
    const terminal = aTerminal();
    const answer = promptSecret(terminal.io, interrupts(), 'PIN');
    await new Promise((resolve) => setImmediate(resolve));
    terminal.type('1234\r');
    expect(inspect(await answer)).not.toContain('1234');
  });

  test('nothing typed is no secret', async () => {
    await expect(typed('\r')).rejects.toMatchObject({ code: 'secret-unavailable' });
  });

  test('Ctrl-C is an interruption, and the echo comes back', async () => {
    const terminal = aTerminal();
    const signals = interrupts();
    const answer = promptSecret(terminal.io, signals, 'PIN');
    await new Promise((resolve) => setImmediate(resolve));
    terminal.type('12\u0003');
    await expect(answer).rejects.toBeInstanceOf(Interrupted);
    await expect(signals.interrupted).rejects.toBeInstanceOf(Interrupted);
    expect(terminal.rawModes).toEqual([true, false]);
  });

  test('without a terminal nobody is asked', async () => {
    const terminal = aTerminal({ isTerminal: false });
    await expect(promptSecret(terminal.io, interrupts(), 'PIN')).rejects.toMatchObject({ code: 'secret-unavailable' });
    expect(terminal.asked()).toBe('');
  });
});
