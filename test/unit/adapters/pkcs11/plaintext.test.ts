/** import-key and export-key on simulated devices: what arrives, what is refused, and how an import without an answer is settled. */
import { createCipheriv, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import { cloudhsm } from '../../../../src/adapters/cloudhsm/adapter.ts';
import { lunaClassic } from '../../../../src/adapters/luna-classic/adapter.ts';
import { CKR } from '../../../../src/adapters/pkcs11/constants.ts';
import { CryptokiError } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import { ClearKey } from '../../../../src/keys/clear-key.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { listKeys, makeKey, openBent, openSimulated, SALT } from '../../../support/pkcs11-devices.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyferry-clear-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function keyFile(bytes: Uint8Array | string, mode = 0o600): string {
  files += 1;
  const path = join(folder, `${files}.key`);
  writeFileSync(path, bytes);
  chmodSync(path, mode);
  return path;
}

const call = (args: Readonly<Record<string, unknown>>) => ({
  action: 'import-key',
  args: { type: 'aes', label: 'imported', ...args },
  salt: SALT,
});
const exported = async (device: Device, key: KeyRef): Promise<ClearKey> => {
  const { outputs } = await device.perform({ action: 'export-key', args: { key } });
  if (outputs.material instanceof ClearKey) return outputs.material;
  throw new Error('no key in clear');
};
const kcvOf = (bytes: Uint8Array): string =>
  createCipheriv(`aes-${bytes.length * 8}-ecb`, bytes, null)
    .setAutoPadding(false)
    .update(Buffer.alloc(16))
    .toString('hex')
    .slice(0, 6);

describe.each([
  ['cloudhsm', cloudhsm],
  ['luna-classic', lunaClassic],
])('%s, simulated', (_name, adapter) => {
  it.each([16, 24, 32])('imports %i bytes, not local and not extractable, and compares them', async (length) => {
    const device = await openSimulated(adapter);
    const bytes = randomBytes(length);
    const { outputs, violations } = await device.perform(call({ path: keyFile(bytes), id: 'a1' }));
    expect(violations).toEqual([]);
    expect(outputs).toMatchObject({ kcv: kcvOf(bytes), method: 'encrypt-ecb' });
    const keys = await listKeys(device);
    expect(keys).toHaveLength(1);
    expect(keys[0]).toMatchObject({ label: 'imported', id: 'a1', type: 'aes', bits: length * 8, kcv: kcvOf(bytes) });
    expect(keys[0]?.attributes).toMatchObject({ local: false, sensitive: true, extractable: false, wrap: false });
  });

  it('gives back the bytes that went in', async () => {
    const device = await openSimulated(adapter);
    const bytes = randomBytes(24);
    const args = { path: keyFile(bytes), type: 'aes', attributes: { extractable: true, wrap: true } };
    const { outputs } = await device.perform(call(args));
    const clear = await exported(device, outputs.key as KeyRef);
    expect(Buffer.from(clear.reveal())).toEqual(bytes);
    expect(clear.usage).toMatchObject({ encrypt: true, decrypt: true, wrap: true, unwrap: false });
    expect(await listKeys(device)).toHaveLength(1);
  });

  it('brings triple DES and transit keys over, with the usage they had', async () => {
    const source = await openSimulated(adapter);
    const target = await openSimulated(adapter);
    const des = await makeKey(source, { type: 'des3', bits: 192, label: 'three' });
    const kek = await makeKey(source, { purpose: 'wrapping', label: 'kek', attributes: { extractable: true } });
    const threes = await target.perform(call({ type: 'des3', material: await exported(source, des) }));
    expect(threes.violations).toEqual([]);
    expect(threes.outputs.kcv).toBe((await source.read(des)).kcv);
    const twin = await target.perform(call({ material: await exported(source, kek), purpose: 'wrapping' }));
    expect(twin).toMatchObject({ violations: [], outputs: { method: 'wrap-kw' } });
    expect((await target.read(twin.outputs.key as KeyRef)).attributes).toMatchObject({
      wrap: true,
      unwrap: true,
      encrypt: false,
      decrypt: false,
      extractable: false,
    });
  });

  it('names a key like the one it came from', async () => {
    const source = await openSimulated(adapter);
    const target = await openSimulated(adapter);
    const key = await makeKey(source, { label: 'original', id: 'c0ffee' });
    const material = await exported(source, key);
    const { outputs } = await target.perform({ action: 'import-key', args: { material, like: key }, salt: SALT });
    expect((outputs.key as KeyRef).locator).toMatchObject({ id: 'c0ffee', label: key.locator.label, type: 'aes' });
  });

  it('refuses to export what may not leave', async () => {
    const device = await openSimulated(adapter);
    const stuck = await makeKey(device, { extractable: false });
    await expect(exported(device, stuck)).rejects.toMatchObject({
      code: 'key-not-extractable',
      outcome: 'not-applied',
    });
    expect(await device.preview('export-key', [{ key: stuck }], SALT)).toEqual([
      [{ level: 'block', reason: 'not extractable' }],
    ]);
    const secret = await makeKey(device, { type: 'generic-secret', bits: 256 });
    await expect(exported(device, secret)).rejects.toMatchObject({ code: 'argument-invalid' });
  });

  it('finds the same material under another name, in the plan and before the call', async () => {
    const device = await openSimulated(adapter);
    const bytes = randomBytes(32);
    const first = await device.perform(call({ path: keyFile(bytes), label: 'first' }));
    const again = call({ path: keyFile(bytes), label: 'second' });
    const [findings] = await device.preview('import-key', [again.args], SALT);
    expect(findings?.[0]).toMatchObject({ level: 'duplicate', reason: expect.stringContaining('"first"') });
    expect((await device.expect(again, null)).already?.locator).toMatchObject({
      label: (first.outputs.key as KeyRef).locator.label,
    });
    const fresh = call({ path: keyFile(randomBytes(32)), label: 'third' });
    expect((await device.expect(fresh, null)).already).toBeNull();
    expect(await device.preview('import-key', [fresh.args], SALT)).toEqual([[]]);
  });

  it('lets the first of two equal files through', async () => {
    const device = await openSimulated(adapter);
    const bytes = randomBytes(32);
    const calls = [call({ path: keyFile(bytes) }).args, call({ path: keyFile(bytes) }).args];
    const both = await device.preview('import-key', calls, SALT);
    expect(both.map((findings) => findings.map(({ level }) => level))).toEqual([[], ['duplicate']]);
    expect(await device.preview('import-key', calls.slice(0, 1), SALT)).toEqual([[]]);
  });
});

describe('import-key', () => {
  it.each([
    ['a wrong length', randomBytes(31), 'holds 31 bytes'],
    ['hex text', randomBytes(32).toString('hex'), '64 hex digits'],
    ['nothing', '', '0 bytes'],
    ['a big file', Buffer.alloc(5000), '5000 bytes'],
  ])('refuses %s, in the plan and in the run', async (_what, content, why) => {
    const device = await openSimulated(cloudhsm);
    const path = keyFile(content);
    const refused = { level: 'block', reason: expect.stringMatching(new RegExp(`${path}.*${why}`)) };
    expect(await device.preview('import-key', [call({ path }).args], SALT)).toEqual([[refused]]);
    await expect(device.perform(call({ path }))).rejects.toMatchObject({
      code: 'argument-invalid',
      outcome: 'not-applied',
      scope: 'item',
    });
    expect(await listKeys(device)).toEqual([]);
  });

  it('refuses a length that the step does not want, and a key of another type', async () => {
    const device = await openSimulated(cloudhsm);
    const path = keyFile(randomBytes(16));
    await expect(device.perform(call({ path, bits: 256 }))).rejects.toMatchObject({ code: 'argument-invalid' });
    const material = new ClearKey('aes', new Uint8Array(randomBytes(24)));
    await expect(device.perform(call({ material, type: 'des3' }))).rejects.toMatchObject({ code: 'argument-invalid' });
    for (const type of ['rc4', 'des', 'generic-secret'])
      await expect(device.perform(call({ path, type }))).rejects.toMatchObject({ code: 'argument-invalid' });
    expect(await listKeys(device)).toEqual([]);
  });

  it('wants either a file or a key, and a name and type for it', async () => {
    const device = await openSimulated(cloudhsm);
    const path = keyFile(randomBytes(16));
    const material = new ClearKey('aes', new Uint8Array(randomBytes(16)));
    const wrong = [
      { label: 'l', type: 'aes' },
      { label: 'l', type: 'aes', path, material },
      { path, type: 'aes' },
    ];
    for (const args of [...wrong, { path, label: 'l' }]) {
      const [findings] = await device.preview('import-key', [args], SALT);
      expect(findings?.map(({ level }) => level)).toEqual(['block']);
      await expect(device.perform({ action: 'import-key', args, salt: SALT })).rejects.toMatchObject({
        code: 'argument-invalid',
      });
    }
  });

  it('refuses a file that others can write, notes one that they can read, and finds what is no file', async () => {
    const device = await openSimulated(cloudhsm);
    const writable = call({ path: keyFile(randomBytes(32), 0o622) });
    await expect(device.perform(writable)).rejects.toMatchObject({ code: 'file-unsafe', scope: 'item' });
    const readable = keyFile(randomBytes(32), 0o644);
    const [notes] = await device.preview('import-key', [call({ path: readable }).args], SALT);
    expect(notes).toEqual([{ level: 'note', reason: `others on this computer can read ${readable}` }]);
    for (const path of [join(folder, 'absent'), folder]) {
      await expect(device.perform(call({ path }))).rejects.toMatchObject({ code: 'file-unreadable', scope: 'item' });
    }
    const link = join(folder, 'link');
    symlinkSync(readable, link);
    expect((await device.perform(call({ path: link }))).violations).toEqual([]);
    expect(readFileSync(readable)).toHaveLength(32);
  });

  it('refuses attributes with which the arrived key could not be compared', async () => {
    const device = await openSimulated(cloudhsm);
    const args = call({ path: keyFile(randomBytes(32)), attributes: { encrypt: false, decrypt: false } }).args;
    const [findings] = await device.preview('import-key', [args], SALT);
    expect(findings).toEqual([{ level: 'block', reason: expect.stringContaining('could not be compared') }]);
    await expect(device.perform({ action: 'import-key', args, salt: SALT })).rejects.toMatchObject({
      code: 'capability-missing',
    });
  });

  it('says so when the device does not hold what it was given', async () => {
    let isSwapping = false;
    const { device } = await openBent({
      bend: (real) => ({
        C_UnwrapKey: async (session, mechanism, key, wrapped, template) => {
          if (!isSwapping) return await real.C_UnwrapKey(session, mechanism, key, wrapped, template);
          // Another key of the same shape, made by the device itself.
          return await real.C_GenerateKey(session, { type: 0x1080 }, [
            ...template,
            { type: 0x161, value: new Uint8Array([32, 0, 0, 0, 0, 0, 0, 0]) },
          ]);
        },
      }),
    });
    isSwapping = true;
    const { violations, outputs } = await device.perform(call({ path: keyFile(randomBytes(32)) }));
    expect(violations.map(({ code }) => code)).toEqual(['verification-failed']);
    expect((outputs.key as KeyRef).locator.fingerprint).toBeNull();
  });

  it('makes its session pair anew, once, when that is gone', async () => {
    let pairs = 0;
    let gone = 0;
    const { device } = await openBent({
      bend: (real) => ({
        C_GenerateKeyPair: (...args) => {
          pairs += 1;
          return real.C_GenerateKeyPair(...args);
        },
        C_UnwrapKey: async (...args) => {
          if (gone === 0) return await real.C_UnwrapKey(...args);
          gone -= 1;
          throw new CryptokiError('C_UnwrapKey', CKR.UNWRAPPING_KEY_HANDLE_INVALID);
        },
      }),
    });
    await device.perform(call({ path: keyFile(randomBytes(32)), label: 'one' }));
    await device.perform(call({ path: keyFile(randomBytes(32)), label: 'two' }));
    expect(pairs).toBe(1);
    gone = 1;
    expect((await device.perform(call({ path: keyFile(randomBytes(32)), label: 'three' }))).violations).toEqual([]);
    expect(pairs).toBe(2);
    gone = 2;
    await expect(device.perform(call({ path: keyFile(randomBytes(32)), label: 'four' }))).rejects.toMatchObject({
      code: 'key-not-found',
      outcome: 'not-applied',
    });
    expect((await listKeys(device)).map(({ label }) => label).sort()).toEqual(['one', 'three', 'two']);
  });

  it.each([
    ['a free id', {}],
    ['an id that the playbook gives', { id: 'beef' }],
  ])('settles a lost answer by looking for the key, with %s', async (_what, more) => {
    let isLosing = false;
    const { device } = await openBent({
      bend: (real) => ({
        C_UnwrapKey: async (...args) => {
          const handle = await real.C_UnwrapKey(...args);
          if (isLosing) throw new CryptokiError('C_UnwrapKey', CKR.DEVICE_ERROR);
          return handle;
        },
      }),
    });
    const asked = call({ path: keyFile(randomBytes(32)), ...more });
    const { expectation } = await device.expect(asked, null);
    const intent = { ...asked, expectation };
    expect(await device.reconcile(intent, null)).toEqual({ state: 'absent' });
    isLosing = true;
    await expect(device.perform(intent)).rejects.toMatchObject({ outcome: 'unknown' });
    isLosing = false;
    expect(await device.reconcile(intent, null)).toMatchObject({
      state: 'done',
      violations: [],
      outputs: { method: 'encrypt-ecb' },
    });
    expect(await listKeys(device)).toHaveLength(1);
  });

  it('does not settle an import whose file is gone: nothing says what the key should be', async () => {
    const { device } = await openBent();
    const path = keyFile(randomBytes(32));
    const asked = call({ path });
    const { expectation } = await device.expect(asked, null);
    rmSync(path);
    await expect(device.reconcile({ ...asked, expectation }, null)).rejects.toMatchObject({
      code: 'file-unreadable',
      scope: 'item',
    });
  });

  it('leaves nothing of its own behind when the device refuses', async () => {
    let isRefusing = false;
    const { device } = await openBent({
      bend: (real) => ({
        C_UnwrapKey: (...args) =>
          isRefusing
            ? Promise.reject(new CryptokiError('C_UnwrapKey', CKR.ACTION_PROHIBITED))
            : real.C_UnwrapKey(...args),
        C_WrapKey: (...args) =>
          isRefusing ? Promise.reject(new CryptokiError('C_WrapKey', CKR.ACTION_PROHIBITED)) : real.C_WrapKey(...args),
      }),
    });
    const key = await makeKey(device, { label: 'there' });
    isRefusing = true;
    const refused = device.perform(call({ path: keyFile(randomBytes(32)) }));
    await expect(refused).rejects.toMatchObject({ code: 'key-not-permitted', outcome: 'not-applied' });
    await expect(exported(device, key)).rejects.toMatchObject({ code: 'key-not-permitted' });
    expect(await listKeys(device)).toHaveLength(1);
  });
});

describe('export-key', () => {
  it('refuses bytes that are not the key', async () => {
    let other: Uint8Array | null = null;
    const { device } = await openBent({
      bend: (real) => ({
        encrypt: async (...args) => {
          const made = await real.encrypt(...args);
          return other === null ? made : new Uint8Array(made.length);
        },
      }),
    });
    const key = await makeKey(device, { label: 'there' });
    other = new Uint8Array(1);
    await expect(exported(device, key)).rejects.toMatchObject({ code: 'verification-failed' });
  });

  it('refuses what comes out when it cannot be opened', async () => {
    let isBad = false;
    const { device } = await openBent({
      bend: (real) => ({
        C_WrapKey: async (...args) => {
          const wrapped = await real.C_WrapKey(...args);
          return isBad ? wrapped.map((byte) => byte ^ 1) : wrapped;
        },
      }),
    });
    const key = await makeKey(device, { label: 'there' });
    isBad = true;
    await expect(exported(device, key)).rejects.toMatchObject({ code: 'mechanism-invalid' });
  });
});
