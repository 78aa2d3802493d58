import { createCipheriv } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import { boolAttribute, ulongAttribute } from '../../../../src/adapters/pkcs11/attribute-codec.ts';
import { CKA, CKK, CKO } from '../../../../src/adapters/pkcs11/constants.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { type BentOptions, listKeys, makeKey, openBent, refOf, SALT } from '../../../support/pkcs11-devices.ts';

const open: Device[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.close()));
});

async function bent(options: BentOptions = {}) {
  const made = await openBent(options);
  open.push(made.device);
  const session = made.module.C_OpenSession(0n);
  /** A secret key with a value that the test knows. */
  const create = (label: Uint8Array, value: Uint8Array, usage: Readonly<Record<number, boolean>> = {}): void => {
    made.module.C_CreateObject(session, [
      ulongAttribute(CKA.CLASS, CKO.SECRET_KEY),
      ulongAttribute(CKA.KEY_TYPE, CKK.AES),
      boolAttribute(CKA.TOKEN, true),
      { type: CKA.LABEL, value: label },
      { type: CKA.VALUE, value },
      ...Object.entries(usage).map(([type, on]) => boolAttribute(Number(type), on)),
    ]);
  };
  return { ...made, create };
}

const text = (value: string) => new TextEncoder().encode(value);
const VALUE = new Uint8Array(16).fill(0x42);

describe('the inventory', () => {
  it('shows the check value that OpenSSL computes', async () => {
    const { device, create } = await bent();
    create(text('known'), VALUE);
    const kcv = createCipheriv('aes-128-ecb', VALUE, null).update(new Uint8Array(16)).subarray(0, 3).toString('hex');
    expect((await listKeys(device))[0]).toMatchObject({ label: 'known', kcv, bits: 128 });
  });

  it('shows what the device says where the key may not encrypt, and nothing where it says nothing', async () => {
    const { device, create } = await bent();
    create(text('silent'), VALUE, { [CKA.ENCRYPT]: false });
    const [shown] = await listKeys(device);
    expect(shown?.kcv).toMatch(/^[0-9a-f]{6}$/);
    const mute = await bent({
      bend: (real) => ({
        C_GetAttributeValue: (session, object, types) =>
          real
            .C_GetAttributeValue(session, object, types)
            .map((reading) => (reading.type === CKA.CHECK_VALUE ? { ...reading, value: new Uint8Array(0) } : reading)),
      }),
    });
    mute.create(text('mute'), VALUE, { [CKA.ENCRYPT]: false });
    expect((await listKeys(mute.device))[0]?.kcv).toBeNull();
  });

  it('shows a label that is no text, or holds control characters, as hex', async () => {
    const { device, create } = await bent();
    create(new Uint8Array([0xff, 0xfe]), VALUE);
    create(text('\u001b[31mred'), VALUE);
    create(text('grün'), VALUE);
    const labels = (await listKeys(device)).map(({ label, labelIsHex }) => [label, labelIsHex]);
    expect(labels).toContainEqual(['fffe', true]);
    expect(labels).toContainEqual(['1b5b33316d726564', true]);
    expect(labels).toContainEqual(['grün', false]);
  });

  it('gives every key once, in batches, also when a reader stopped half way before', async () => {
    const { device } = await bent();
    await device.fill?.({ count: 600, type: 'aes-128', prefix: 'k', nonextractableShare: 0.25 });
    for await (const batch of device.inventory({})) {
      expect(batch.length).toBe(256);
      break;
    }
    const all = await listKeys(device, { kcv: false });
    expect(new Set(all.map(({ label }) => label)).size).toBe(600);
    expect(all.filter(({ exportable }) => !exportable)).toHaveLength(150);
    expect(all.find(({ exportable }) => !exportable)?.reason).toBe('not extractable');
    const [last] = all.slice(-1);
    if (last !== undefined) expect((await device.read(refOf(last))).label).toBe(last.label);
  });

  it('uses no key when it is not asked to', async () => {
    let uses = 0;
    const { device, create } = await bent({
      bend: (real) => ({
        encrypt: (...args) => {
          uses += 1;
          return real.encrypt(...args);
        },
      }),
    });
    create(text('unused'), VALUE);
    uses = 0;
    await listKeys(device, { kcv: false });
    expect(uses).toBe(0);
  });

  it('falls back to the next method that a key can do', async () => {
    const { device, create } = await bent();
    const off = { [CKA.ENCRYPT]: false };
    create(text('1-encrypts'), VALUE);
    create(text('2-decrypts'), VALUE, off);
    create(text('3-signs'), VALUE, { ...off, [CKA.DECRYPT]: false });
    create(text('4-wraps'), VALUE, { ...off, [CKA.DECRYPT]: false, [CKA.SIGN]: false });
    create(text('5-nothing'), VALUE, { ...off, [CKA.DECRYPT]: false, [CKA.SIGN]: false, [CKA.WRAP]: false });
    const methods = ['encrypt-ecb', 'decrypt-ecb', 'mac', 'wrap-kw'] as const;
    const all = await listKeys(device, { fingerprint: { salt: SALT, methods } });
    const made = all.sort((a, b) => a.label.localeCompare(b.label)).map(({ locator }) => locator.fingerprint?.method);
    expect(made).toEqual(['encrypt-ecb', 'decrypt-ecb', 'mac', 'wrap-kw', undefined]);
    // Nothing is left of the known session key that wrap-kw needs.
    expect(await listKeys(device)).toHaveLength(5);
  });
});

describe('reading actions', () => {
  it('find keys by what is asked, and by nothing everything', async () => {
    const { device } = await bent();
    await makeKey(device, { label: 'pay-1', id: '01' });
    await makeKey(device, { label: 'pay-2', id: '02', type: 'des3', bits: 192 });
    await makeKey(device, { label: 'other', id: '03' });
    const found = async (args: Readonly<Record<string, unknown>>) => {
      const { outputs } = await device.perform({ action: 'find-keys', args });
      return (outputs.keys as KeyRef[]).map(({ locator }) => locator.id).sort();
    };
    expect(await found({})).toEqual(['01', '02', '03']);
    expect(await found({ 'label-prefix': 'pay-' })).toEqual(['01', '02']);
    expect(await found({ 'label-prefix': 'pay-', type: 'aes' })).toEqual(['01']);
    expect(await found({ id: '03' })).toEqual(['03']);
    expect(await found({ class: 'private' })).toEqual([]);
    expect(await found({ label: 'pay' })).toEqual([]);
    await expect(found({ id: 'xyz' })).rejects.toMatchObject({ code: 'argument-invalid' });
  });

  it('read the attributes under the names that expressions use', async () => {
    const { device } = await bent();
    const key = await makeKey(device, { label: 'read', id: '0f' });
    const { outputs } = await device.perform({ action: 'get-attributes', args: { key } });
    expect(outputs).toMatchObject({
      label: 'read',
      id: '0f',
      class: 'secret',
      type: 'aes',
      bits: 256,
      extractable: true,
      wrap_with_trusted: false,
      never_extractable: false,
    });
    expect(outputs.kcv).toMatch(/^[0-9a-f]{6}$/);
  });

  it('require an attribute, and say what is wrong', async () => {
    const { device } = await bent();
    const key = await makeKey(device, { extractable: false });
    const require = (name: string, value: boolean) =>
      device.perform({ action: 'require-attribute', args: { key, name, value } });
    expect(await require('encrypt', true)).toEqual({ outputs: {}, violations: [] });
    await expect(require('extractable', true)).rejects.toMatchObject({
      code: 'key-not-extractable',
      message: expect.stringContaining('not extractable'),
    });
    await expect(require('encrypt', false)).rejects.toMatchObject({ code: 'key-not-permitted' });
    await expect(require('nonsense', true)).rejects.toMatchObject({ code: 'argument-invalid' });
  });
});

describe('changing an attribute', () => {
  it('sets it and reads it back', async () => {
    const { device } = await bent();
    const key = await makeKey(device);
    const call = { action: 'set-attribute', args: { key, name: 'wrap', value: true } };
    expect((await device.perform(call)).violations).toEqual([]);
    expect((await device.read(key)).attributes.wrap).toBe(true);
  });

  it('reports a device that says it did and did not', async () => {
    const { device } = await bent({ bend: () => ({ C_SetAttributeValue: () => {} }) });
    const call = { action: 'set-attribute', args: { key: await makeKey(device), name: 'wrap', value: true } };
    expect((await device.perform(call)).violations).toMatchObject([{ code: 'attribute-mismatch' }]);
  });

  it('passes on what the device refuses', async () => {
    const { device } = await bent();
    const key = await makeKey(device, { extractable: false });
    const call = { action: 'set-attribute', args: { key, name: 'extractable', value: true } };
    await expect(device.perform(call)).rejects.toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
  });
});

describe('generating', () => {
  it.each([
    [{ type: 'aes', bits: 100 }, 'there is no aes key of 100 bits'],
    [{ type: 'des3', bits: 128 }, 'there is no des3 key of 128 bits'],
    [{ type: 'rsa', bits: 2048 }, 'bent cannot generate rsa keys'],
    [{ type: 'des3', bits: 192, purpose: 'wrapping' }, 'a wrapping key must be AES'],
  ])('%o is refused in the plan and in the run', async (args, reason) => {
    const { device } = await bent();
    const whole = { label: 'x', ...args };
    expect((await device.preview('generate-key', [whole], null))[0]).toEqual([{ level: 'block', reason }]);
    await expect(device.perform({ action: 'generate-key', args: whole })).rejects.toMatchObject({
      code: 'capability-missing',
    });
    expect(await listKeys(device)).toEqual([]);
  });

  it('makes a transit key that wraps and unwraps, nothing else', async () => {
    const { device } = await bent();
    const key = await makeKey(device, { purpose: 'wrapping', extractable: undefined });
    expect((await device.read(key)).attributes).toMatchObject({
      wrap: true,
      unwrap: true,
      encrypt: false,
      decrypt: false,
      sign: false,
      extractable: false,
    });
  });
});
