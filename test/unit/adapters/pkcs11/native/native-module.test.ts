import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { CKA, CKF, CKG, CKK, CKM, CKO, CKR, CKU } from '../../../../../src/adapters/pkcs11/constants.ts';
import type { Attribute, Cryptoki, Handle, Mechanism, TokenInfo } from '../../../../../src/adapters/pkcs11/cryptoki.ts';
import { loadNativeModule } from '../../../../../src/adapters/pkcs11/native/native-module.ts';
import { badModule } from '../../../../support/bad-modules/compile.ts';
import { makeSoftHsmToken, useSoftHsm } from '../../../../support/softhsm.ts';

const bool = (type: number, value: boolean): Attribute => ({ type, value: Uint8Array.of(value ? 1 : 0) });
const bytes = (type: number, value: Uint8Array): Attribute => ({ type, value });
function ulong(type: number, value: number): Attribute {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt(value));
  return { type, value: buffer };
}
const OAEP: Mechanism = { type: CKM.RSA_PKCS_OAEP, parameter: { kind: 'oaep', hash: CKM.SHA_1, mgf: CKG.MGF1_SHA1 } };
const ECB: Mechanism = { type: CKM.AES_ECB };

describe('a module that cannot be used is refused with what to check', () => {
  const load = (path: string, libraryParameters?: string) =>
    loadNativeModule({ path, ...(libraryParameters === undefined ? {} : { libraryParameters }) });

  test('it does not exist', async () => {
    await expect(load('/nowhere/module.so')).rejects.toMatchObject({
      code: 'module-not-loaded',
      message: expect.stringMatching(/\/nowhere\/module\.so.*No such file/),
    });
  });

  test('it is no library', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'keyferry-native-')), 'module.so');
    writeFileSync(path, 'text');
    await expect(load(path)).rejects.toMatchObject({
      code: 'module-not-loaded',
      message: expect.stringContaining(path),
    });
  });

  test('it is a library without C_GetFunctionList', async () => {
    await expect(load(badModule('no-function-list'))).rejects.toMatchObject({
      code: 'module-not-loaded',
      message: expect.stringContaining('C_GetFunctionList'),
    });
  });

  test('its C_Initialize fails', async () => {
    await expect(load(badModule('bad-module'), 'fail:C_Initialize')).rejects.toMatchObject({
      code: 'module-not-loaded',
      native: { name: 'CKR_FUNCTION_FAILED', value: CKR.FUNCTION_FAILED },
      hint: expect.stringContaining('daemon'),
    });
  });

  test('pkcs11js is not installed', async () => {
    const importDriver = () => Promise.reject(new Error("Cannot find package 'pkcs11js'"));
    await expect(loadNativeModule({ path: '/any', importDriver })).rejects.toMatchObject({ code: 'driver-missing' });
  });
});

test('library parameters arrive whole, and OS locking is asked for', async () => {
  const module = await loadNativeModule({ path: badModule('bad-module'), libraryParameters: 'configuration=the/end' });
  const [slot = 0n] = module.C_GetSlotList(true);
  expect(slot).toBe(7n);
  expect(module.C_GetTokenInfo(slot)).toMatchObject({
    label: 'bad',
    model: 'guration=the/end',
    hardware: true,
    maxSessions: 0,
  });
});

describe('over SoftHSM', () => {
  let module: Cryptoki;
  let token: TokenInfo;
  let session: Handle;

  beforeAll(async () => {
    const made = makeSoftHsmToken({ label: 'native', pin: '4321' });
    useSoftHsm(made);
    module = await loadNativeModule({ path: made.module });
    const tokens = module.C_GetSlotList(true).map((slot) => module.C_GetTokenInfo(slot));
    token = tokens.find(({ label }) => label === 'native') ?? expect.fail('no token');
    session = module.C_OpenSession(token.slot);
    module.C_Login(session, CKU.USER, '4321');
  });

  const generateAes = (usage: readonly Attribute[] = [], on = session): Promise<Handle> =>
    module.C_GenerateKey(on, { type: CKM.AES_KEY_GEN }, [
      ulong(CKA.VALUE_LEN, 32),
      bool(CKA.TOKEN, false),
      bool(CKA.SENSITIVE, true),
      bool(CKA.EXTRACTABLE, true),
      bool(CKA.ENCRYPT, true),
      bool(CKA.DECRYPT, true),
      ...usage,
    ]);

  const generatePair = () =>
    module.C_GenerateKeyPair(
      session,
      { type: CKM.RSA_PKCS_KEY_PAIR_GEN },
      [
        ulong(CKA.MODULUS_BITS, 2048),
        bytes(CKA.PUBLIC_EXPONENT, Uint8Array.of(1, 0, 1)),
        bool(CKA.WRAP, true),
        bool(CKA.TOKEN, false),
      ],
      [bool(CKA.UNWRAP, true), bool(CKA.TOKEN, false), bool(CKA.SENSITIVE, true)],
    );

  const unwrapTemplate = (label: string): Attribute[] => [
    ulong(CKA.CLASS, CKO.SECRET_KEY),
    ulong(CKA.KEY_TYPE, CKK.AES),
    bool(CKA.TOKEN, false),
    bool(CKA.ENCRYPT, true),
    bytes(CKA.LABEL, Buffer.from(label)),
  ];

  test('a token says who it is', () => {
    expect(token).toMatchObject({
      label: 'native',
      manufacturer: 'SoftHSM project',
      model: 'SoftHSM v2',
      firmware: '2.6',
      hardware: false,
    });
    expect(token.serial).toMatch(/^[0-9a-f]{16}$/);
    expect(token.flags & CKF.TOKEN_INITIALIZED).not.toBe(0);
    expect(module.C_GetMechanismList(token.slot)).toContain(CKM.RSA_PKCS_OAEP);
    expect(module.C_GetMechanismInfo(token.slot, CKM.RSA_PKCS_OAEP)).toMatchObject({ minKeySize: 512 });
  });

  test('wrap and unwrap keep the key', async () => {
    const { publicKey, privateKey } = await generatePair();
    const key = await generateAes();
    const wrapped = await module.C_WrapKey(session, OAEP, publicKey, key);
    expect(wrapped).toHaveLength(256);
    const arrived = await module.C_UnwrapKey(session, OAEP, privateKey, wrapped, unwrapTemplate('arrived'));
    const probe = new Uint8Array(32).fill(9);
    const made = await module.encrypt(session, ECB, arrived, probe);
    expect(made).toEqual(await module.encrypt(session, ECB, key, probe));
    expect(await module.decrypt(session, ECB, key, made)).toEqual(probe);
    expect(module.findObjects(session, [bytes(CKA.LABEL, Buffer.from('arrived'))])).toEqual([arrived]);
    module.C_DestroyObject(session, arrived);
    expect(module.findObjects(session, [bytes(CKA.LABEL, Buffer.from('arrived'))])).toEqual([]);
  });

  test('sessions work at once with equal results, quick calls and slow ones mixed', async () => {
    const { publicKey, privateKey } = await generatePair();
    const key = await generateAes();
    const probe = new Uint8Array(32).fill(5);
    const expected = await module.encrypt(session, ECB, key, probe);
    const sessions = Array.from({ length: 6 }, () => module.C_OpenSession(token.slot));
    const results = await Promise.all(
      sessions.map(async (own) => {
        const made: Uint8Array[] = [];
        for (let round = 0; round < 15; round++) {
          const wrapped = await module.C_WrapKey(own, OAEP, publicKey, key);
          const arrived = await module.C_UnwrapKey(own, OAEP, privateKey, wrapped, unwrapTemplate('many'));
          made.push(await module.encrypt(own, ECB, arrived, probe));
        }
        return made;
      }),
    );
    expect(results.flat()).toHaveLength(90);
    for (const made of results.flat()) expect(made).toEqual(expected);
    for (const own of sessions) module.C_CloseSession(own);
  });

  test('attributes: present, missing and sensitive ones in one reading', async () => {
    const key = await generateAes([bytes(CKA.LABEL, Buffer.from('three kinds'))]);
    const types = [CKA.LABEL, CKA.VALUE, CKA.MODULUS, CKA.EXTRACTABLE];
    const read = (): (Uint8Array | null)[] => module.C_GetAttributeValue(session, key, types).map(({ value }) => value);
    const expected = [Buffer.from('three kinds'), null, null, Buffer.from([1])];
    for (let round = 0; round < 6; round++)
      expect(read().map((value) => value && Buffer.from(value))).toEqual(expected);
    const [label] = module.C_GetAttributeValue(session, key, [CKA.LABEL]);
    expect(label?.type).toBe(CKA.LABEL);
  });

  test('an attribute can be set and is read as set', async () => {
    const key = await generateAes();
    module.C_SetAttributeValue(session, key, [bytes(CKA.ID, Uint8Array.of(1, 2, 3))]);
    expect([...(module.C_GetAttributeValue(session, key, [CKA.ID])[0]?.value ?? [])]).toEqual([1, 2, 3]);
  });

  test('random bytes differ', () => {
    expect(module.C_GenerateRandom(session, 16)).not.toEqual(module.C_GenerateRandom(session, 16));
  });

  test('refusals keep the call and the return value, also from worker threads', async () => {
    const { publicKey } = await generatePair();
    const fixed = await generateAes();
    module.C_SetAttributeValue(session, fixed, [bool(CKA.EXTRACTABLE, false)]);
    const refused = { name: 'CryptokiError', call: 'C_WrapKey', value: CKR.KEY_UNEXTRACTABLE };
    await expect(module.C_WrapKey(session, OAEP, publicKey, fixed)).rejects.toMatchObject(refused);
    const sha256: Mechanism = {
      type: CKM.RSA_PKCS_OAEP,
      parameter: { kind: 'oaep', hash: CKM.SHA256, mgf: CKG.MGF1_SHA256 },
    };
    await expect(module.C_WrapKey(session, sha256, publicKey, await generateAes())).rejects.toMatchObject({
      value: CKR.ARGUMENTS_BAD,
    });
    await expect(
      module.C_UnwrapKey(session, OAEP, publicKey, new Uint8Array(256), unwrapTemplate('no')),
    ).rejects.toMatchObject({
      name: 'CryptokiError',
      call: 'C_UnwrapKey',
    });
    await expect(module.encrypt(session, ECB, 999_999n, new Uint8Array(16))).rejects.toMatchObject({
      call: 'C_EncryptInit',
    });
    expect(() => module.findObjects(999_999n, [])).toThrow(
      expect.objectContaining({ value: CKR.SESSION_HANDLE_INVALID }),
    );
    expect(() => module.C_Login(session, CKU.USER, '0000')).toThrow(
      expect.objectContaining({ value: CKR.USER_ALREADY_LOGGED_IN }),
    );
  });

  test('a second C_Initialize is no error', () => {
    expect(() => module.C_Initialize()).not.toThrow();
  });
});
