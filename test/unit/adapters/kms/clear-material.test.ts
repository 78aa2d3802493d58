import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ActionCall, type Device, notYet } from '../../../../src/adapters/adapter.ts';
import { ClearKey } from '../../../../src/keys/clear-key.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import { caught } from '../../../support/kms-device-errors.ts';
import {
  createdKey,
  dropping,
  importCall,
  importInto,
  losing,
  openBentKms,
  parametersFor,
  sourceKey,
} from '../../../support/kms-device-fixtures.ts';

const HMAC_512 = sourceKey({ type: 'generic-secret', bits: 512 });

interface Given {
  readonly mechanism?: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** As a playbook would: parameters and their public key from one step, the material from another. */
async function clearCall(device: Device, key: KeyRef, bytes: Uint8Array, given: Given = {}): Promise<ActionCall> {
  const { publicKey, parameters } = await parametersFor(device, key, given.mechanism);
  const material = new ClearKey('aes', new Uint8Array(bytes));
  return {
    action: 'import-clear-material',
    args: { key, material, parameters, 'public-key': publicKey, ...given.more },
  };
}

/** KMS itself says whether these are the bytes that it holds. */
async function holds(device: Device, key: KeyRef, bytes: Uint8Array): Promise<boolean> {
  try {
    await device.perform({ ...(await importCall(device, key, bytes)), action: 'confirm-material' });
    return true;
  } catch {
    return false;
  }
}

describe('import-clear-material', () => {
  it.each([
    ['symmetric, SHA-256', sourceKey(), 32, 'rsa-oaep-sha256'],
    ['symmetric, SHA-1', sourceKey(), 32, 'rsa-oaep-sha1'],
    ['HMAC_512', HMAC_512, 64, 'rsa-oaep-sha256'],
    ['HMAC_512, longer', HMAC_512, 128, 'rsa-oaep-sha256'],
  ])('brings exactly these bytes: %s', async (_name, like, length, mechanism) => {
    const { device } = await openBentKms();
    const key = await createdKey(device, { like });
    const bytes = randomBytes(length);
    const call = await clearCall(device, key, bytes, { mechanism });
    const { outputs, violations } = await device.perform(call);
    expect(violations).toEqual([]);
    expect((outputs.key as KeyRef).locator.id).toBe(key.locator.id);
    expect(await holds(device, key, bytes)).toBe(true);
    expect(await holds(device, key, randomBytes(length))).toBe(false);
    // Whoever gave it may need it again; it is wiped with the item.
    expect((call.args.material as ClearKey).reveal()).toEqual(new Uint8Array(bytes));
    await device.close();
  });

  it('keeps expiry and description as asked', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    const call = await clearCall(device, key, randomBytes(32), {
      more: { expires: '30d', description: 'from escrow' },
    });
    expect((await device.perform(call)).violations).toEqual([]);
    const { outputs } = await device.perform({ action: 'describe-key', args: { key } });
    const days = (Date.parse(String(outputs.expires)) - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(29.9);
    expect(days).toBeLessThanOrEqual(30);
    await device.close();
  });

  const base64 = Buffer.from(randomBytes(32).toString('base64'));
  it.each([
    ['hex digits', Buffer.from(randomBytes(32).toString('hex')), /exactly 32; it looks like 64 hex digits.*xxd/],
    ['the 32 hex digits of 16 bytes', Buffer.from(randomBytes(16).toString('hex')), /looks like 32 hex digits/],
    ['base64', base64, /exactly 32; it looks like base64/],
    ['base64 with a newline', Buffer.concat([base64, Buffer.from('\n')]), /base64 with a newline/],
    ['text', Buffer.from('the quick brown fox'), /it looks like text/],
    ['a newline behind it', Buffer.concat([randomBytes(32), Buffer.from('\n')]), /32 bytes with a newline/],
    ['too short', randomBytes(16), /holds 16 bytes.*exactly 32$/],
    ['too long', randomBytes(64), /holds 64 bytes.*exactly 32$/],
    ['empty', Buffer.alloc(0), /holds 0 bytes/],
    ['constant', Buffer.alloc(32, 7), /all its bytes are the same/],
  ])('refuses what is no 32 bytes of key, before it asks KMS to take it: %s', async (_name, bytes, why) => {
    const { device, sent } = await openBentKms();
    const key = await createdKey(device);
    const error = await caught(device.perform(await clearCall(device, key, bytes)));
    expect(error).toMatchObject({ code: 'argument-invalid', outcome: 'not-applied', scope: 'item' });
    expect(error.message.replace(/\.$/, '')).toMatch(why);
    for (const secret of [bytes.toString('latin1'), bytes.toString('hex')]) {
      if (bytes.length > 0) expect(JSON.stringify(error.toRecord())).not.toContain(secret);
    }
    expect(sent).not.toContain('ImportKeyMaterial');
    await device.close();
  });

  it('refuses triple DES, and bytes that are not a key in clear', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    const des3 = { material: new ClearKey('des3', new Uint8Array(randomBytes(24))) };
    const plain = { material: new Uint8Array(randomBytes(32)) };
    for (const more of [des3, plain]) {
      const call = await clearCall(device, key, randomBytes(32), { more });
      expect(await caught(device.perform(call))).toMatchObject({ code: 'argument-invalid', outcome: 'not-applied' });
    }
    await device.close();
  });

  it('wraps under no public key but the one of the parameters', async () => {
    const { device, sent } = await openBentKms();
    const key = await createdKey(device);
    const other = await parametersFor(device, key);
    const call = await clearCall(device, key, randomBytes(32), { more: { 'public-key': other.publicKey } });
    const error = await caught(device.perform(call));
    expect(error).toMatchObject({ code: 'argument-invalid' });
    expect(error.message).toContain('not that of the import parameters');
    const none = await clearCall(device, key, randomBytes(32), { more: { 'public-key': 'PEM' } });
    expect(await caught(device.perform(none))).toMatchObject({ code: 'argument-invalid' });
    expect(sent).not.toContain('ImportKeyMaterial');
    await device.close();
  });

  it('refuses parameters of another key', async () => {
    const { device, sent } = await openBentKms();
    const key = await createdKey(device);
    const second = await createdKey(device, { like: sourceKey({ label: 'second' }) });
    const call = await clearCall(device, second, randomBytes(32));
    expect(await caught(device.perform({ ...call, args: { ...call.args, key } }))).toMatchObject({
      code: 'argument-invalid',
    });
    expect(sent).not.toContain('ImportKeyMaterial');
    await device.close();
  });

  it('takes no private key in clear', async () => {
    const { device, sent } = await openBentKms();
    const like = sourceKey({ class: 'private', type: 'rsa', bits: 2048, attributes: { decrypt: true } });
    const key = await createdKey(device, { like });
    const error = await caught(
      device.perform(await clearCall(device, key, randomBytes(32), { mechanism: 'rsa-aes-kwp-sha256' })),
    );
    expect(error.message).toContain('an RSA_2048 key takes no material in clear');
    expect(sent).not.toContain('ImportKeyMaterial');
    await device.close();
  });

  it('says clearly when the KMS key had other material', async () => {
    const { device } = await openBentKms();
    const key = await createdKey(device);
    await importInto(device, key, randomBytes(32));
    const error = await caught(device.perform(await clearCall(device, key, randomBytes(32))));
    expect(error).toMatchObject({ outcome: 'not-applied', native: { name: 'IncorrectKeyMaterialException' } });
    expect(error.message).toContain('the KMS key holds other material than this source key');
    await device.close();
  });

  it('is settled by looking after a lost reply', async () => {
    const lost = await openBentKms({ bend: losing('ImportKeyMaterial') });
    const key = await createdKey(lost.device);
    const call = await clearCall(lost.device, key, randomBytes(32));
    expect(await caught(lost.device.perform(call))).toMatchObject({ outcome: 'unknown' });
    expect(await lost.device.reconcile(call, null)).toMatchObject({ state: 'done', violations: [] });
    expect(lost.sent.filter((each) => each === 'ImportKeyMaterial')).toHaveLength(1);
    await lost.device.close();
    const dropped = await openBentKms({ bend: dropping('ImportKeyMaterial') });
    const empty = await createdKey(dropped.device);
    const again = await clearCall(dropped.device, empty, randomBytes(32));
    expect(await caught(dropped.device.perform(again))).toMatchObject({ outcome: 'unknown' });
    expect(await dropped.device.reconcile(again, null)).toEqual({ state: 'absent' });
    await dropped.device.close();
  });

  it('sees in the plan what is known there', async () => {
    const { device } = await openBentKms();
    const material = (length: number) => new ClearKey('aes', new Uint8Array(randomBytes(length)));
    const base = { key: notYet('key'), parameters: notYet('artifact'), like: sourceKey() };
    const found = await device.preview(
      'import-clear-material',
      [
        { ...base, material: material(32) },
        { ...base, material: material(33) },
        { ...base, material: notYet('artifact') },
        { ...base, material: notYet('artifact'), expires: '400d' },
      ],
      null,
    );
    expect(found.map((list) => list.map(({ level }) => level))).toEqual([[], ['block'], [], ['block']]);
    await device.close();
  });
});
