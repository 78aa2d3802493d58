import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cloudhsm } from '../../../../src/adapters/cloudhsm/adapter.ts';
import { lunaClassic } from '../../../../src/adapters/luna-classic/adapter.ts';
import { CKA, CKR } from '../../../../src/adapters/pkcs11/constants.ts';
import { CryptokiError } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import { wrapBlocks } from '../../../../src/adapters/pkcs11/key-wrap-format.ts';
import type { KeyRef } from '../../../../src/keys/key-record.ts';
import {
  listKeys,
  makeKey,
  makeRoute,
  openBent,
  openSimulated,
  SALT,
  unwrapCall,
  wrapCall,
} from '../../../support/pkcs11-devices.ts';

const WRAP_ONLY = { attributes: { encrypt: false, decrypt: false, wrap: true, unwrap: true } };

describe('session keys of known value', () => {
  it('wrap as RFC 3394 section 4.1 says', async () => {
    const kek = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
    const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
    const encrypt = async (block: Uint8Array) =>
      createCipheriv('aes-128-ecb', kek, null).setAutoPadding(false).update(block);
    const wrapped = await wrapBlocks(key, encrypt);
    expect(Buffer.from(wrapped).toString('hex')).toBe('1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5');
  });

  it('give a key that can only wrap one fingerprint on devices that take them in clear and that do not', async () => {
    const [source, target] = [await openSimulated(lunaClassic), await openSimulated(cloudhsm)];
    const pair = await makeRoute(target, target);
    const exported = await target.perform({ action: 'export-public-key', args: { key: pair.publicKey } });
    const args = { 'public-key': exported.outputs.pem, label: 'route', purpose: 'wrapping' };
    const imported = await source.perform({ action: 'import-public-key', args });
    const route = { ...pair, wrapper: imported.outputs.key as KeyRef };
    const like = await makeKey(source, WRAP_ONLY);
    const wrapped = await source.perform(wrapCall(like, route));
    const arrived = await target.perform(unwrapCall(wrapped.outputs.data, like, route));
    const request = { salt: SALT, methods: ['encrypt-ecb', 'wrap-kw'] as const };
    const before = await source.fingerprint({ key: like, ...request });
    expect(before?.method).toBe('wrap-kw');
    expect(await target.fingerprint({ key: arrived.outputs.key as KeyRef, ...request })).toEqual(before);
    const challenge = await source.challenge({ key: like, kind: 'wrap', data: SALT });
    if (challenge === null) throw new Error('no challenge');
    const answer = { key: arrived.outputs.key as KeyRef, kind: 'wrap', challenge, data: SALT } as const;
    expect(await target.answer(answer)).toBe(true);
    expect(await target.answer({ ...answer, data: new Uint8Array(16) })).toBe(false);
    const other = await makeKey(target, { ...WRAP_ONLY, label: 'other' });
    expect(await target.answer({ ...answer, key: other })).toBe(false);
    await Promise.all([source.close(), target.close()]);
  });

  it('are done without where the device refuses them', async () => {
    const { device } = await openBent({
      bend: (real) => ({
        C_CreateObject: (session, template) => {
          if (template.some(({ type }) => type === CKA.VALUE))
            throw new CryptokiError('C_CreateObject', CKR.TEMPLATE_INCONSISTENT);
          return real.C_CreateObject(session, template);
        },
        C_UnwrapKey: async () => {
          throw new CryptokiError('C_UnwrapKey', CKR.FUNCTION_NOT_SUPPORTED);
        },
      }),
    });
    const key = await makeKey(device, WRAP_ONLY);
    expect((await device.describe()).capabilities.fingerprints).not.toContain('wrap-kw');
    expect(await device.fingerprint({ key, salt: SALT, methods: ['wrap-kw', 'encrypt-ecb'] })).toBeNull();
    expect(await device.challenge({ key, kind: 'wrap', data: SALT })).toBeNull();
    expect(await device.challenge({ key, kind: 'encrypt', data: new Uint8Array(32) })).toBeNull();
    expect(await listKeys(device)).toHaveLength(1);
    await device.close();
  });
});
