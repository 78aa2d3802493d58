import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  answering,
  createdKey,
  dropping,
  importCall,
  importInto,
  jsonAnswer,
  losing,
  openBentKms,
  refusal,
  sourceKey,
} from '../../../support/kms-device-fixtures.ts';

const AES = randomBytes(32);

async function imported(device: Device, material: Uint8Array = AES, like = sourceKey()): Promise<KeyRef> {
  const key = await createdKey(device, { like });
  await importInto(device, key, material);
  return key;
}

const confirm = async (device: Device, key: KeyRef, material: Uint8Array, more: object = {}) => {
  const call = await importCall(device, key, material);
  return await device.perform({ ...call, args: { ...call.args, ...more }, action: 'confirm-material' });
};

/** What refuse-other-material gives, as the journal gives it back. */
const controlOf = async (device: Device, key: KeyRef): Promise<unknown> => {
  const { outputs } = await device.perform({ action: 'refuse-other-material', args: { key } });
  return JSON.parse(JSON.stringify(outputs.refusal));
};

const HMAC = sourceKey({ type: 'generic-secret', bits: 256 });

describe('confirm-material', () => {
  it.each([
    ['symmetric', sourceKey()],
    ['HMAC', HMAC],
  ])('proves the same material: %s', async (_name, like) => {
    const { device } = await openBentKms();
    const key = await imported(device, AES, like);
    const { outputs, violations } = await confirm(device, key, AES);
    expect(outputs).toEqual({ method: 'same-material re-import', strength: 'strong' });
    expect(violations).toEqual([]);
    await device.close();
  });

  it.each([
    ['symmetric', sourceKey()],
    ['HMAC', HMAC],
  ])('tells other material: %s', async (_name, like) => {
    const { device } = await openBentKms();
    const key = await imported(device, AES, like);
    expect(await caught(confirm(device, key, randomBytes(32)))).toMatchObject({
      code: 'verification-failed',
      outcome: 'not-applied',
    });
    await device.close();
  });

  it('keeps the expiry', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    await importInto(device, key, AES, { more: { expires: '90d' } });
    const before = await device.perform({ action: 'describe-key', args: { key } });
    await confirm(device, key, AES);
    const after = await device.perform({ action: 'describe-key', args: { key } });
    expect(after.outputs.expires).toBe(before.outputs.expires);
    expect(after.outputs.expires).not.toBe('');
    await device.close();
  });

  it('is no import into a key without material', async () => {
    const { device, sent } = await openBentKms();
    const key = await createdKey(device);
    expect(await caught(confirm(device, key, AES))).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
    expect(sent).not.toContain('ImportKeyMaterial');
    await device.close();
  });

  it('fails where the material got another id', async () => {
    const { device } = await openBentKms({
      bend: answering('ImportKeyMaterial', jsonAnswer(200, { KeyId: 'x', KeyMaterialId: 'f'.repeat(64) }), 2),
    });
    const key = await imported(device);
    expect(await caught(confirm(device, key, AES))).toMatchObject({ code: 'verification-failed' });
    await device.close();
  });

  it.each([
    ['lost', losing('ImportKeyMaterial', 2)],
    ['dropped', dropping('ImportKeyMaterial', 2)],
  ])('a %s answer proves nothing: once more, with parameters of its own', async (_name, bend) => {
    const { device } = await openBentKms({ bend });
    const key = await imported(device);
    const call = { ...(await importCall(device, key, AES)), action: 'confirm-material' };
    expect(await caught(device.perform(call))).toMatchObject({ outcome: 'unknown' });
    expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
    expect((await confirm(device, key, AES)).outputs.strength).toBe('strong');
    await device.close();
  });
});

describe('a service of which nobody knows whether it compares', () => {
  it('proves nothing by taking the same material again', async () => {
    const { device } = await openBentKms({ comparison: 'unknown' });
    const key = await imported(device);
    expect((await confirm(device, key, AES)).outputs).toEqual({
      method: 'same-material re-import without control',
      strength: 'none',
    });
    await device.close();
  });

  it('proves it once it has refused other material', async () => {
    const { device } = await openBentKms({ comparison: 'unknown' });
    const key = await imported(device);
    await device.perform({ action: 'refuse-other-material', args: { key } });
    expect((await confirm(device, key, AES)).outputs.strength).toBe('strong');
    await device.close();
  });

  it('proves it of a key that refused it before, in another process', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'keyferry-kms-control-'));
    onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
    const first = await openBentKms({ service: { stateDir } });
    const key = await imported(first.device);
    const refusal = await controlOf(first.device, key);
    await first.device.close();
    const { device } = await openBentKms({ comparison: 'unknown', service: { stateDir } });
    expect((await confirm(device, key, AES)).outputs.strength).toBe('none');
    expect((await confirm(device, key, AES, { control: refusal })).outputs.strength).toBe('strong');
    await device.close();
  });

  it.each([
    ["another key's", { kind: 'refused-material', keyId: '12345678-1234-1234-1234-123456789012' }, /the control is of/],
    ['something else', { kind: 'wrapped-key' }, /must be what refuse-other-material gave/],
    ['text', 'refused', /must be what refuse-other-material gave/],
    ['nothing', null, /must be what refuse-other-material gave/],
  ])('takes no control that is %s', async (_name, control, message) => {
    const { device, sent } = await openBentKms({ comparison: 'unknown' });
    const key = await imported(device);
    const before = sent.filter((operation) => operation === 'ImportKeyMaterial').length;
    expect(await caught(confirm(device, key, AES, { control }))).toMatchObject({
      code: 'argument-invalid',
      message: expect.stringMatching(message),
    });
    expect(sent.filter((operation) => operation === 'ImportKeyMaterial')).toHaveLength(before);
    await device.close();
  });

  it('proves nothing any more once it took random bytes, whatever it refused before', async () => {
    const { device } = await openBentKms({
      bend: answering('ImportKeyMaterial', jsonAnswer(200, {}), 4),
    });
    const [key, other] = [await imported(device), await imported(device)];
    const control = await controlOf(device, key);
    const { violations } = await device.perform({ action: 'refuse-other-material', args: { key: other } });
    expect(violations).toMatchObject([{ code: 'verification-failed' }]);
    expect((await confirm(device, key, AES, { control })).outputs.strength).toBe('none');
    await device.close();
  });

  it('does not count another refusal', async () => {
    const { device } = await openBentKms({
      comparison: 'unknown',
      bend: answering('ImportKeyMaterial', refusal('InvalidImportTokenException'), 2),
    });
    const key = await imported(device);
    await caught(device.perform({ action: 'refuse-other-material', args: { key } }));
    expect((await confirm(device, key, AES)).outputs.strength).toBe('none');
    await device.close();
  });
});

describe('refuse-other-material', () => {
  it.each([
    ['symmetric', sourceKey(), 32],
    ['HMAC', HMAC, 32],
    ['a long HMAC', sourceKey({ type: 'generic-secret', bits: 512 }), 64],
  ])('is content when random bytes are refused, and the key keeps its own: %s', async (_name, like, length) => {
    const { device } = await openBentKms();
    const material = randomBytes(length);
    const key = await imported(device, material, like);
    expect(await device.perform({ action: 'refuse-other-material', args: { key } })).toEqual({
      outputs: { refusal: { kind: 'refused-material', keyId: key.locator.id } },
      violations: [],
    });
    expect((await confirm(device, key, material)).outputs.strength).toBe('strong');
    await device.close();
  });

  it('is loud when they are taken', async () => {
    const { device } = await openBentKms({
      bend: answering('ImportKeyMaterial', jsonAnswer(200, {}), 2),
    });
    const key = await imported(device);
    const { violations } = await device.perform({ action: 'refuse-other-material', args: { key } });
    expect(violations).toMatchObject([
      { code: 'verification-failed', message: expect.stringMatching(/TOOK RANDOM BYTES.*deleted again.*no material/) },
    ]);
    const { outputs } = await device.perform({ action: 'describe-key', args: { key } });
    expect(outputs.state).toBe('PendingImport');
    await device.close();
  });

  it('says so when they cannot be deleted again', async () => {
    const { device } = await openBentKms({
      bend: async (operation, nth) => {
        if (operation === 'DeleteImportedKeyMaterial') return refusal('AccessDeniedException');
        return operation === 'ImportKeyMaterial' && nth === 2 ? jsonAnswer(200, {}) : null;
      },
    });
    const key = await imported(device);
    const { violations } = await device.perform({ action: 'refuse-other-material', args: { key } });
    expect(violations).toMatchObject([
      {
        code: 'verification-failed',
        message: expect.stringMatching(/TOOK RANDOM BYTES.*could not be deleted.*do not use/),
      },
    ]);
    await device.close();
  });

  it('never fills a key that has no material', async () => {
    const { device, sent } = await openBentKms();
    const key = await createdKey(device);
    const error = await caught(device.perform({ action: 'refuse-other-material', args: { key } }));
    expect(error).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
    expect(sent).not.toContain('ImportKeyMaterial');
    await device.close();
  });

  it('is not for private keys', async () => {
    const { device } = await openBentKms();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const like = sourceKey({ type: 'ec', class: 'private', bits: 256, attributes: { sign: true } });
    const key = await imported(device, privateKey.export({ type: 'pkcs8', format: 'der' }), like);
    const error = await caught(device.perform({ action: 'refuse-other-material', args: { key } }));
    expect(error).toMatchObject({ code: 'capability-missing' });
    await device.close();
  });

  it('passes other refusals on: they are no proof', async () => {
    const { device } = await openBentKms({
      bend: answering('ImportKeyMaterial', refusal('InvalidCiphertextException'), 2),
    });
    const key = await imported(device);
    const error = await caught(device.perform({ action: 'refuse-other-material', args: { key } }));
    expect(error).toMatchObject({ code: 'device-refused', native: { name: 'InvalidCiphertextException' } });
    await device.close();
  });
});

describe('check-usable', () => {
  const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = (key: typeof rsa) => new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
  const asymmetric = (type: 'rsa' | 'ec', bits: number, attributes: object) =>
    sourceKey({ type, class: 'private', bits, attributes });

  it.each([
    ['encrypts', sourceKey(), AES, 'rsa-oaep-sha256'],
    ['makes MACs', HMAC, AES, 'rsa-oaep-sha256'],
    ['decrypts with RSA', asymmetric('rsa', 2048, { decrypt: true }), der(rsa), 'rsa-aes-kwp-sha256'],
    ['signs with RSA', asymmetric('rsa', 2048, { sign: true }), der(rsa), 'rsa-aes-kwp-sha256'],
    ['signs with EC', asymmetric('ec', 256, { sign: true }), der(ec), 'rsa-oaep-sha256'],
    ['agrees on secrets', asymmetric('ec', 256, { derive: true }), der(ec), 'rsa-oaep-sha256'],
  ])('%s, and calls that functional', async (_name, like, material, mechanism) => {
    const { device } = await openBentKms();
    const key = await createdKey(device, { like });
    await importInto(device, key, material, { mechanism });
    const { outputs } = await device.perform({ action: 'check-usable', args: { key } });
    expect(outputs).toEqual({ method: 'functional', strength: 'none' });
    await device.close();
  });

  it('fails for a key that gives other bytes back', async () => {
    const { device } = await openBentKms({
      bend: answering('Decrypt', jsonAnswer(200, { Plaintext: Buffer.alloc(32).toString('base64') })),
    });
    const key = await imported(device);
    const error = await caught(device.perform({ action: 'check-usable', args: { key } }));
    expect(error).toMatchObject({ code: 'verification-failed' });
    await device.close();
  });

  it('fails for a key that comes to another secret', async () => {
    const { device } = await openBentKms({
      bend: answering('DeriveSharedSecret', jsonAnswer(200, { SharedSecret: Buffer.alloc(32).toString('base64') })),
    });
    const key = await createdKey(device, { like: asymmetric('ec', 256, { derive: true }) });
    await importInto(device, key, der(ec), { mechanism: 'rsa-oaep-sha256' });
    const error = await caught(device.perform({ action: 'check-usable', args: { key } }));
    expect(error).toMatchObject({ code: 'verification-failed' });
    await device.close();
  });

  it('fails for a key without material, after waiting', async () => {
    const { device, sent } = await openBentKms();
    const key = await createdKey(device);
    const error = await caught(device.perform({ action: 'check-usable', args: { key } }));
    expect(error).toMatchObject({ code: 'device-refused', native: { name: 'KMSInvalidStateException' } });
    expect(sent.filter((operation) => operation === 'Encrypt').length).toBeGreaterThan(2);
    await device.close();
  });
});
