import { describe, expect, it } from 'vitest';
import { CKK, CKM, CKO, CKR } from '../../../../../src/adapters/pkcs11/constants.ts';
import { cmac } from '../../../../../src/adapters/pkcs11/simulator/block-cipher.ts';
import {
  unwrapKw,
  unwrapKwPkcs5,
  unwrapKwp,
  wrapKw,
  wrapKwPkcs5,
  wrapKwp,
} from '../../../../../src/keys/aes-key-wrap.ts';
import { aModule, makeAes, makeRsa, oaep } from '../../../../support/cryptoki-module.ts';
import { slowRefusalOf, template } from '../../../../support/cryptoki-templates.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('CMAC (RFC 4493 §4)', () => {
  const key = hex('2b7e151628aed2a6abf7158809cf4f3c');
  const message = hex(
    '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
  );
  it.each([
    [0, 'bb1d6929e95937287fa37d129b756746'],
    [16, '070a16b46b4d4144f79bdd9dd04a287c'],
    [40, 'dfa66747de9ae63030ca32611497c827'],
    [64, '51f0bebf7e3b9d92fc49741779363cfe'],
  ])('of %d bytes', (length, mac) => {
    expect(cmac('aes', key, message.subarray(0, length)).toString('hex')).toBe(mac);
  });

  it('with 3DES (NIST SP 800-38B, example 3TDEA, empty message)', () => {
    const threeKeys = hex('8aa83bf8cbda1062 0bc1bf19fbb6cd58 bc313d4a371ca8b5');
    expect(cmac('des3', threeKeys, new Uint8Array(0)).toString('hex')).toBe('b7a688e122ffaf95');
  });
});

describe('key wrap', () => {
  const kek = hex('000102030405060708090a0b0c0d0e0f1011121314151617 18191a1b1c1d1e1f');

  it('is RFC 3394 §4.6', () => {
    const payload = hex('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f');
    const wrapped = hex('28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21');
    expect(wrapKw(kek, payload)).toEqual(wrapped);
    expect(unwrapKw(kek, wrapped)).toEqual(payload);
  });

  it('is RFC 5649 §6', () => {
    const key = hex('5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8');
    const payload = hex('c37b7e6492584340bed12207808941155068f738');
    const wrapped = hex('138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a');
    expect(wrapKwp(key, payload)).toEqual(wrapped);
    expect(unwrapKwp(key, wrapped)).toEqual(payload);
  });

  it('pads by PKCS#5 and leaves the padding to plain RFC 3394', () => {
    for (const length of [8, 16, 17, 24, 32]) {
      const payload = Buffer.alloc(length, 9);
      const wrapped = wrapKwPkcs5(kek, payload) ?? Buffer.alloc(0);
      expect(wrapped).toHaveLength(8 * (Math.floor(length / 8) + 1) + 8);
      expect(unwrapKwPkcs5(kek, wrapped)).toEqual(payload);
      expect(unwrapKw(kek, wrapped)?.length).toBe(wrapped.length - 8);
    }
  });

  it('opens nothing that was changed, and takes nothing of a wrong length', () => {
    const wrapped = wrapKw(kek, Buffer.alloc(32)) ?? Buffer.alloc(0);
    wrapped[3] = (wrapped[3] ?? 0) ^ 1;
    expect(unwrapKw(kek, wrapped)).toBeNull();
    expect(unwrapKwp(kek, wrapped)).toBeNull();
    expect(unwrapKwPkcs5(kek, wrapKw(kek, Buffer.alloc(32, 200)) ?? wrapped)).toBeNull();
    expect(wrapKw(kek, Buffer.alloc(17))).toBeNull();
    expect(wrapKwp(kek, Buffer.alloc(0))).toBeNull();
    expect(unwrapKw(kek, Buffer.alloc(20))).toBeNull();
  });
});

describe('encrypting, decrypting, signing', () => {
  const data = Buffer.alloc(32, 3);
  const iv = { kind: 'bytes', value: Buffer.alloc(16, 1) } as const;

  it('goes both ways with every cipher', async () => {
    const { module, session } = aModule();
    const aes = await makeAes({ module, session });
    const des3 = await module.C_GenerateKey(session, { type: CKM.DES3_KEY_GEN }, []);
    const eight = { kind: 'bytes', value: Buffer.alloc(8, 1) } as const;
    for (const [mechanism, key] of [
      [{ type: CKM.AES_ECB }, aes],
      [{ type: CKM.AES_CBC, parameter: iv }, aes],
      [{ type: CKM.AES_CBC_PAD, parameter: iv }, aes],
      [{ type: CKM.DES3_ECB }, des3],
      [{ type: CKM.DES3_CBC, parameter: eight }, des3],
    ] as const) {
      const secret = await module.encrypt(session, mechanism, key, data);
      expect(Buffer.from(secret).equals(data)).toBe(false);
      expect(Buffer.from(await module.decrypt(session, mechanism, key, secret)).equals(data)).toBe(true);
    }
  });

  it('goes both ways with RSA', async () => {
    const { module, session } = aModule();
    const pair = await makeRsa({ module, session });
    for (const mechanism of [oaep(), { type: CKM.RSA_PKCS }]) {
      const secret = await module.encrypt(session, mechanism, pair.publicKey, data);
      expect(Buffer.from(await module.decrypt(session, mechanism, pair.privateKey, secret)).equals(data)).toBe(true);
      const refusal = await slowRefusalOf(module.decrypt(session, mechanism, pair.privateKey, new Uint8Array(256)));
      expect(refusal).toBe(CKR.ENCRYPTED_DATA_INVALID);
      expect(await slowRefusalOf(module.encrypt(session, mechanism, pair.publicKey, new Uint8Array(250)))).toBe(
        CKR.DATA_LEN_RANGE,
      );
    }
    expect(await module.sign(session, { type: CKM.RSA_PKCS }, pair.privateKey, data)).toHaveLength(256);
  });

  it('makes a MAC with what may sign', async () => {
    const { module, session } = aModule();
    const aes = await makeAes({ module, session });
    const value = Buffer.alloc(20, 0x0b);
    const hmac = module.C_CreateObject(
      session,
      template({ CLASS: CKO.SECRET_KEY, KEY_TYPE: CKK.GENERIC_SECRET, VALUE: value }),
    );
    expect(await module.sign(session, { type: CKM.AES_CMAC }, aes, data)).toHaveLength(16);
    // RFC 4231 §4.2.
    const mac = await module.sign(session, { type: CKM.SHA256_HMAC }, hmac, Buffer.from('Hi There'));
    expect(Buffer.from(mac).toString('hex')).toBe('b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7');
  });

  it('refuses what the key may not, and what the mechanism is not for', async () => {
    const { module, session } = aModule();
    const under = { module, session };
    const none = await makeAes(under, { ENCRYPT: false, DECRYPT: false, SIGN: false });
    const aes = await makeAes(under);
    const ecb = { type: CKM.AES_ECB };
    const refusals = [
      [module.encrypt(session, ecb, none, data), CKR.KEY_FUNCTION_NOT_PERMITTED],
      [module.decrypt(session, ecb, none, data), CKR.KEY_FUNCTION_NOT_PERMITTED],
      [module.sign(session, { type: CKM.AES_CMAC }, none, data), CKR.KEY_FUNCTION_NOT_PERMITTED],
      [module.encrypt(session, ecb, 0n, data), CKR.KEY_HANDLE_INVALID],
      [module.encrypt(session, { type: CKM.AES_CMAC }, aes, data), CKR.MECHANISM_INVALID],
      [module.encrypt(session, { type: CKM.DES3_ECB }, aes, data), CKR.KEY_TYPE_INCONSISTENT],
      [module.encrypt(session, ecb, aes, data.subarray(1)), CKR.DATA_LEN_RANGE],
      [module.decrypt(session, ecb, aes, data.subarray(1)), CKR.ENCRYPTED_DATA_LEN_RANGE],
      [module.encrypt(session, { type: CKM.AES_CBC }, aes, data), CKR.MECHANISM_PARAM_INVALID],
      [module.decrypt(session, { type: CKM.AES_CBC_PAD, parameter: iv }, aes, data), CKR.ENCRYPTED_DATA_INVALID],
    ] as const;
    for (const [call, wanted] of refusals) expect(await slowRefusalOf(call)).toBe(wanted);
  });

  it('gives random bytes', () => {
    const { module, session } = aModule();
    expect(module.C_GenerateRandom(session, 24)).toHaveLength(24);
    expect(() => module.C_GenerateRandom(session, 0)).toThrow(/ARGUMENTS_BAD/);
  });
});
