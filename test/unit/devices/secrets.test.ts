import { chmodSync } from 'node:fs';
import { inspect } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { resolveSecret, secretSettingOf } from '../../../src/devices/secrets.ts';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { Secret } from '../../../src/keys/secret.ts';
import type { SecretReference } from '../../../src/schema/secret-reference.ts';
import { type DevicesFolder, makeDevicesFolder } from '../../support/devices-folder.ts';

let folder: DevicesFolder;
beforeEach(() => {
  folder = makeDevicesFolder();
});

const PORTS = {
  env: { PIN: 'hunter2', PATH: process.env.PATH },
  prompt: (question: string) => Promise.resolve(new Secret(`typed: ${question}`)),
};
const reveal = async (reference: SecretReference): Promise<string> => (await resolveSecret(reference, PORTS)).reveal();
const failure = async (reference: SecretReference): Promise<KeyferryError> => {
  const error: unknown = await resolveSecret(reference, PORTS).catch((reason: unknown) => reason);
  if (error instanceof KeyferryError) return error;
  throw new Error(`no KeyferryError but ${inspect(error)}`);
};

describe('a secret comes from', () => {
  test('the environment', async () => {
    expect(await reveal({ env: 'PIN' })).toBe('hunter2');
  });
  test('the first line of a file', async () => {
    expect(await reveal({ file: folder.write('pin', 'hunter2\r\nnot this\n') })).toBe('hunter2');
    expect(await reveal({ file: folder.write('pin2', ' spaces count ') })).toBe(' spaces count ');
  });
  test('the first line a program prints, which sees the environment and no shell', async () => {
    expect(await reveal({ command: ['sh', '-c', 'echo "$PIN"; echo more'] })).toBe('hunter2');
    expect(await reveal({ command: ['echo', '$PIN; `id`'] })).toBe('$PIN; `id`');
  });
  test('the operator', async () => {
    expect(await reveal({ prompt: 'PIN of classic' })).toBe('typed: PIN of classic');
  });
});

describe('is refused', () => {
  test('when the variable is not set', async () => {
    const error = await failure({ env: 'NOTHING' });
    expect(error).toMatchObject({
      code: 'secret-unavailable',
      message: 'A secret could not be had: the environment variable NOTHING is not set.',
    });
  });
  test.each([0o640, 0o604, 0o620, 0o602])('when others can read or write the file (%o)', async (mode) => {
    const file = folder.write('pin', 'hunter2\n');
    chmodSync(file, mode);
    expect(await failure({ file })).toMatchObject({ code: 'file-unsafe' });
  });
  test('when the file is not there or empty', async () => {
    expect(await failure({ file: `${folder.path}/none` })).toMatchObject({ code: 'file-unreadable' });
    expect(await failure({ file: folder.write('pin', '\nhunter2\n') })).toMatchObject({ code: 'secret-unavailable' });
  });
  test('when the program fails, with nothing of what it said', async () => {
    const error = await failure({ command: ['sh', '-c', 'echo hunter2; echo hunter2 >&2; exit 3'] });
    expect(error).toMatchObject({
      code: 'secret-unavailable',
      message: 'A secret could not be had: the command sh failed (3).',
    });
    expect(inspect(error, { depth: 10 })).not.toContain('hunter2');
  });
  test('when the program is not there, may not be run, or prints nothing', async () => {
    expect((await failure({ command: ['keyferry-no-such-program'] })).message).toMatch(/was not found/);
    expect((await failure({ command: [folder.write('program', 'x', 0o600)] })).message).toMatch(/may not be run/);
    expect((await failure({ command: ['true'] })).message).toMatch(/gave an empty first line/);
    expect((await failure({ command: [] })).message).toMatch(/is empty/);
  });
  test('when the program prints without end', async () => {
    expect((await failure({ command: ['yes', 'hunter2'] })).message).not.toContain('hunter2');
  });
});

test('a program that asks on its standard input finds it closed', async () => {
  expect(await reveal({ command: ['sh', '-c', 'read answer; echo "got:$answer"'] })).toBe('got:');
});

test('a setting that is no reference is a clear error', () => {
  const device = { name: 'classic', adapter: 'x', driver: 'y', values: { pin: { env: 'PIN' }, token: 'plain' } };
  expect(secretSettingOf(device, 'pin')).toEqual({ env: 'PIN' });
  for (const setting of ['password', 'token', 'toString']) {
    expect(() => secretSettingOf(device, setting)).toThrow(
      expect.objectContaining({ code: 'secret-unavailable', device: 'classic' }),
    );
  }
});
