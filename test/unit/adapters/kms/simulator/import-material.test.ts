import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Answer,
  aKey,
  aKmsService,
  anExternalKey,
  anImportedKey,
  base64,
  HYBRID_SHA_256,
  importInput,
  type KmsUnderTest,
  OAEP_SHA_256,
  type Parameters,
  parametersFor,
  START_MS,
  stateOf,
  WRAPPING_KEY,
  wrapFor,
} from '../../../../support/kms-service-client.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const pkcs8 = (pair: ReturnType<typeof generateKeyPairSync>): Buffer =>
  (pair as unknown as { privateKey: { export(how: object): Buffer } }).privateKey.export({
    type: 'pkcs8',
    format: 'der',
  });
const rsa = (modulusLength: number): Buffer => pkcs8(generateKeyPairSync('rsa', { modulusLength }) as never);
const ec = (namedCurve: string): Buffer => pkcs8(generateKeyPairSync('ec', { namedCurve }) as never);
const RSA_2048 = rsa(2048);

const importing = async (
  kms: KmsUnderTest,
  KeyId: string,
  material: Uint8Array,
  more: Answer = {},
  parameters: Parameters = OAEP_SHA_256,
): Promise<Answer> => kms.call('ImportKeyMaterial', await importInput(kms, KeyId, material, { parameters, more }));

const refusedImport = async (
  kms: KmsUnderTest,
  KeyId: string,
  material: Uint8Array,
  more: Answer = {},
  parameters: Parameters = OAEP_SHA_256,
): Promise<string> => kms.refusal('ImportKeyMaterial', await importInput(kms, KeyId, material, { parameters, more }));

describe('GetParametersForImport', () => {
  it('gives a DER key, a token and 24 hours', async () => {
    const kms = await aKmsService();
    const answer = await parametersFor(kms, await anExternalKey(kms), OAEP_SHA_256);
    const key = createPublicKey({ key: Buffer.from(answer.PublicKey, 'base64'), format: 'der', type: 'spki' });
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048);
    expect(answer.ParametersValidTo).toBe((START_MS + DAY_MS) / 1000);
    expect(Buffer.from(answer.ImportToken, 'base64').length).toBeLessThanOrEqual(6144);
  });

  it('gives each call a key of its own unless a pool is asked for', async () => {
    const kms = await aKmsService({ wrappingKeys: [], poolSize: undefined as never });
    const KeyId = await anExternalKey(kms);
    const keys = [];
    for (let n = 0; n < 3; n += 1) keys.push((await parametersFor(kms, KeyId, OAEP_SHA_256)).PublicKey);
    expect(new Set(keys).size).toBe(3);
    await kms.service.close();
  });

  it('uses a pool of two in turn', async () => {
    const kms = await aKmsService({ wrappingKeys: [], poolSize: 2 });
    const KeyId = await anExternalKey(kms);
    const keys = [];
    for (let n = 0; n < 4; n += 1) keys.push((await parametersFor(kms, KeyId, OAEP_SHA_256)).PublicKey);
    expect(new Set(keys).size).toBe(2);
    expect([keys[2], keys[3]]).toEqual([keys[0], keys[1]]);
  });

  it('never gives the private half away', async () => {
    const kms = await aKmsService();
    const KeyId = await anExternalKey(kms);
    const one = await parametersFor(kms, KeyId, OAEP_SHA_256);
    const token = Buffer.from(one.ImportToken, 'base64');
    expect(token.includes(KeyId)).toBe(false);
    const { d = '', p = '' } = createPrivateKey(WRAPPING_KEY).export({ format: 'jwk' });
    for (const secret of [d, p]) expect(token.includes(Buffer.from(secret, 'base64url'))).toBe(false);
    expect((await parametersFor(kms, KeyId, OAEP_SHA_256)).ImportToken).not.toBe(one.ImportToken);
  });

  it.each<[Answer, string, string, boolean]>([
    [{}, 'RSAES_OAEP_SHA_1', 'RSA_2048', true],
    [{}, 'RSA_AES_KEY_WRAP_SHA_256', 'RSA_2048', false],
    [{}, 'RSAES_PKCS1_V1_5', 'RSA_2048', false],
    [{}, 'SM2PKE', 'SM2', false],
    [{ KeySpec: 'HMAC_512', KeyUsage: 'GENERATE_VERIFY_MAC' }, 'RSAES_OAEP_SHA_256', 'RSA_2048', true],
    [{ KeySpec: 'HMAC_512', KeyUsage: 'GENERATE_VERIFY_MAC' }, 'RSA_AES_KEY_WRAP_SHA_1', 'RSA_2048', false],
    [{ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }, 'RSAES_OAEP_SHA_256', 'RSA_2048', false],
    [{ KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }, 'RSA_AES_KEY_WRAP_SHA_1', 'RSA_2048', true],
    [{ KeySpec: 'ECC_NIST_P384', KeyUsage: 'SIGN_VERIFY' }, 'RSAES_OAEP_SHA_256', 'RSA_2048', true],
    [{ KeySpec: 'ECC_NIST_P521', KeyUsage: 'SIGN_VERIFY' }, 'RSAES_OAEP_SHA_1', 'RSA_2048', false],
    [{ KeySpec: 'ECC_NIST_P521', KeyUsage: 'SIGN_VERIFY' }, 'RSA_AES_KEY_WRAP_SHA_256', 'RSA_2048', true],
  ])('%j under %s with %s: %s', async (spec, WrappingAlgorithm, WrappingKeySpec, isAllowed) => {
    const kms = await aKmsService();
    const KeyId = await anExternalKey(kms, spec);
    const refusal = await kms.refusal('GetParametersForImport', { KeyId, WrappingAlgorithm, WrappingKeySpec });
    expect(refusal).toBe(isAllowed ? 'none' : 'UnsupportedOperationException');
  });

  it('refuses a key whose material KMS made', async () => {
    const kms = await aKmsService();
    const KeyId = await aKey(kms);
    const input = { KeyId, WrappingAlgorithm: 'RSAES_OAEP_SHA_256', WrappingKeySpec: 'RSA_2048' };
    expect(await kms.refusalText('GetParametersForImport', input)).toBe(
      `UnsupportedOperationException: arn:aws:kms:eu-west-1:123456789012:key/${KeyId} origin is AWS_KMS which is not valid for this operation.`,
    );
  });
});

describe('what may be imported', () => {
  it.each<[string, Answer, () => Uint8Array, Parameters]>([
    ['AES-256', {}, () => randomBytes(32), OAEP_SHA_256],
    ['AES-256 by SHA-1', {}, () => randomBytes(32), { algorithm: 'RSAES_OAEP_SHA_1', spec: 'RSA_2048' }],
    ['HMAC_224', { KeySpec: 'HMAC_224', KeyUsage: 'GENERATE_VERIFY_MAC' }, () => randomBytes(28), OAEP_SHA_256],
    ['HMAC_512', { KeySpec: 'HMAC_512', KeyUsage: 'GENERATE_VERIFY_MAC' }, () => randomBytes(128), OAEP_SHA_256],
    ['P-256', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }, () => ec('prime256v1'), OAEP_SHA_256],
    ['secp256k1', { KeySpec: 'ECC_SECG_P256K1', KeyUsage: 'SIGN_VERIFY' }, () => ec('secp256k1'), HYBRID_SHA_256],
    ['P-521', { KeySpec: 'ECC_NIST_P521', KeyUsage: 'KEY_AGREEMENT' }, () => ec('secp521r1'), HYBRID_SHA_256],
    ['RSA-2048', { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' }, () => RSA_2048, HYBRID_SHA_256],
    [
      'RSA-2048 by SHA-1',
      { KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' },
      () => RSA_2048,
      { algorithm: 'RSA_AES_KEY_WRAP_SHA_1', spec: 'RSA_2048' },
    ],
  ])('%s', async (_what, spec, material, parameters) => {
    const kms = await aKmsService();
    const KeyId = await anExternalKey(kms, spec);
    const answer = await importing(kms, KeyId, material(), {}, parameters);
    expect(await stateOf(kms, KeyId)).toBe('Enabled');
    expect('KeyMaterialId' in answer).toBe(Object.keys(spec).length === 0);
  });

  it.each<[string, Answer, () => Uint8Array, Parameters]>([
    ['31 bytes', {}, () => randomBytes(31), OAEP_SHA_256],
    ['64 hex digits', {}, () => Buffer.from(randomBytes(32).toString('hex')), OAEP_SHA_256],
    ['base64 of 32 bytes', {}, () => Buffer.from(randomBytes(32).toString('base64')), OAEP_SHA_256],
    ['a short HMAC key', { KeySpec: 'HMAC_384', KeyUsage: 'GENERATE_VERIFY_MAC' }, () => randomBytes(47), OAEP_SHA_256],
    ['a long HMAC key', { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' }, () => randomBytes(65), OAEP_SHA_256],
    [
      'a key of another curve',
      { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' },
      () => ec('secp256k1'),
      OAEP_SHA_256,
    ],
    ['an RSA key of another size', { KeySpec: 'RSA_3072', KeyUsage: 'SIGN_VERIFY' }, () => RSA_2048, HYBRID_SHA_256],
    ['a raw scalar', { KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }, () => randomBytes(32), OAEP_SHA_256],
    [
      'PKCS#8 with bytes after it',
      { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' },
      () => Buffer.concat([RSA_2048, Buffer.from([0])]),
      HYBRID_SHA_256,
    ],
  ])('not %s; the key stays as it was', async (_what, spec, material, parameters) => {
    const kms = await aKmsService();
    const KeyId = await anExternalKey(kms, spec);
    expect(await refusedImport(kms, KeyId, material(), {}, parameters)).toBe('IncorrectKeyMaterialException');
    expect(await stateOf(kms, KeyId)).toBe('PendingImport');
  });

  it('not what was wrapped with MGF1 over another hash, or for another key', async () => {
    const kms = await aKmsService();
    const KeyId = await anExternalKey(kms);
    const input = await importInput(kms, KeyId, randomBytes(32));
    const { PublicKey } = await parametersFor(kms, KeyId, OAEP_SHA_256);
    const { ImportToken } = await parametersFor(kms, KeyId, OAEP_SHA_256);
    const wrong = base64(wrapFor(PublicKey, 'RSAES_OAEP_SHA_1', randomBytes(32)));
    expect(await kms.refusal('ImportKeyMaterial', { ...input, ImportToken, EncryptedKeyMaterial: wrong })).toBe(
      'InvalidCiphertextException',
    );
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const foreign = publicEncrypt(
      { key: stranger, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
      randomBytes(32),
    );
    const sent = { ...input, ImportToken, EncryptedKeyMaterial: base64(foreign) };
    expect(await kms.refusal('ImportKeyMaterial', sent)).toBe('InvalidCiphertextException');
    expect(await stateOf(kms, KeyId)).toBe('PendingImport');
  });

  it('not a wrapped key of the wrong length', async () => {
    const kms = await aKmsService();
    const input = await importInput(kms, await anExternalKey(kms), randomBytes(32));
    expect(
      await kms.refusalText('ImportKeyMaterial', { ...input, EncryptedKeyMaterial: base64(randomBytes(255)) }),
    ).toBe('ValidationException: Invalid encrypted key size.');
    const KeyId = await anExternalKey(kms, { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
    const hybrid = await importInput(kms, KeyId, RSA_2048, { parameters: HYBRID_SHA_256 });
    const cut = Buffer.from(hybrid.EncryptedKeyMaterial, 'base64').subarray(0, 256);
    expect(await kms.refusal('ImportKeyMaterial', { ...hybrid, EncryptedKeyMaterial: base64(cut) })).toBe(
      'ValidationException',
    );
  });

  it('not a hybrid whose AES key has another size, or whose wrapped key was changed', async () => {
    const kms = await aKmsService();
    const KeyId = await anExternalKey(kms, { KeySpec: 'RSA_2048', KeyUsage: 'SIGN_VERIFY' });
    const hybrid = await importInput(kms, KeyId, RSA_2048, { parameters: HYBRID_SHA_256 });
    const bytes = Buffer.from(hybrid.EncryptedKeyMaterial, 'base64');
    bytes[300] = (bytes[300] ?? 0) ^ 1;
    expect(await kms.refusal('ImportKeyMaterial', { ...hybrid, EncryptedKeyMaterial: base64(bytes) })).toBe(
      'InvalidCiphertextException',
    );
    const { PublicKey, ImportToken } = await parametersFor(kms, KeyId, HYBRID_SHA_256);
    const short = Buffer.concat([wrapFor(PublicKey, 'RSAES_OAEP_SHA_256', randomBytes(16)), bytes.subarray(256)]);
    expect(
      await kms.refusal('ImportKeyMaterial', { ...hybrid, ImportToken, EncryptedKeyMaterial: base64(short) }),
    ).toBe('InvalidCiphertextException');
  });
});

describe('the import token', () => {
  it('of another key is refused', async () => {
    const kms = await aKmsService();
    const [one, two] = [await anExternalKey(kms), await anExternalKey(kms)];
    const input = await importInput(kms, one, randomBytes(32));
    expect(await kms.refusal('ImportKeyMaterial', { ...input, KeyId: two })).toBe('InvalidImportTokenException');
    expect(await stateOf(kms, two)).toBe('PendingImport');
  });

  it('that was changed, or made up, is refused', async () => {
    const kms = await aKmsService();
    const input = await importInput(kms, await anExternalKey(kms), randomBytes(32));
    const token = Buffer.from(input.ImportToken, 'base64');
    token[40] = (token[40] ?? 0) ^ 1;
    for (const ImportToken of [base64(token), base64(randomBytes(600)), base64(randomBytes(5))])
      expect(await kms.refusal('ImportKeyMaterial', { ...input, ImportToken })).toBe('InvalidImportTokenException');
  });

  it('of another simulator is refused', async () => {
    const [kms, other] = [await aKmsService(), await aKmsService()];
    const input = await importInput(other, await anExternalKey(other), randomBytes(32));
    const KeyId = await anExternalKey(kms);
    expect(await kms.refusal('ImportKeyMaterial', { ...input, KeyId })).toBe('InvalidImportTokenException');
  });

  it('lasts for 24 hours', async () => {
    const kms = await aKmsService();
    const input = await importInput(kms, await anExternalKey(kms), randomBytes(32));
    kms.clock.nowMs += DAY_MS + 1;
    expect(await kms.refusal('ImportKeyMaterial', input)).toBe('ExpiredImportTokenException');
    kms.clock.nowMs -= 1;
    expect(await kms.refusal('ImportKeyMaterial', input)).toBe('none');
  });

  it('is not used up by a call that was refused', async () => {
    const kms = await aKmsService();
    const input = await importInput(kms, await anExternalKey(kms), randomBytes(32));
    const { ExpirationModel, ...without } = input;
    expect(await kms.refusalText('ImportKeyMaterial', without)).toBe(
      'ValidationException: A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES',
    );
    expect(await kms.refusal('ImportKeyMaterial', { ...without, ExpirationModel })).toBe('none');
  });

  it.each([
    ['strict', 'InvalidImportTokenException'],
    ['lenient', 'none'],
  ] as const)('%s: an older one, and one that was used: %s', async (tokens, expected) => {
    const kms = await aKmsService({ tokens });
    const KeyId = await anExternalKey(kms);
    const material = randomBytes(32);
    const older = await importInput(kms, KeyId, material);
    const newer = await importInput(kms, KeyId, material);
    expect(await kms.refusal('ImportKeyMaterial', older)).toBe(expected);
    expect(await kms.refusal('ImportKeyMaterial', newer)).toBe('none');
    expect(await kms.refusal('ImportKeyMaterial', newer)).toBe(expected);
  });
});

describe('importing again', () => {
  it('the same material works, and gives the same id', async () => {
    const kms = await aKmsService();
    const material = randomBytes(32);
    const KeyId = await anExternalKey(kms);
    const first = await importing(kms, KeyId, material);
    const second = await importing(kms, KeyId, material, {
      ImportType: 'EXISTING_KEY_MATERIAL',
      KeyMaterialId: first.KeyMaterialId,
    });
    expect(second.KeyMaterialId).toBe(first.KeyMaterialId);
    expect((await kms.call('DescribeKey', { KeyId })).KeyMetadata.CurrentKeyMaterialId).toBe(first.KeyMaterialId);
  });

  it('other material is refused, before and after deletion', async () => {
    const kms = await aKmsService();
    const material = randomBytes(32);
    const KeyId = await anImportedKey(kms, material);
    expect(await refusedImport(kms, KeyId, randomBytes(32))).toBe('IncorrectKeyMaterialException');
    await kms.call('DeleteImportedKeyMaterial', { KeyId });
    expect(await refusedImport(kms, KeyId, randomBytes(32))).toBe('IncorrectKeyMaterialException');
    expect(await stateOf(kms, KeyId)).toBe('PendingImport');
    await importing(kms, KeyId, material);
    expect(await stateOf(kms, KeyId)).toBe('Enabled');
  });

  it('other material is refused for RSA and HMAC for ever', async () => {
    const kms = await aKmsService();
    const KeyId = await anExternalKey(kms, { KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    await importing(kms, KeyId, randomBytes(32));
    expect(await refusedImport(kms, KeyId, randomBytes(32))).toBe('IncorrectKeyMaterialException');
    expect(await refusedImport(kms, KeyId, randomBytes(32), { ImportType: 'NEW_KEY_MATERIAL' })).toBe(
      'ValidationException',
    );
  });

  it('the id of the same material differs from key to key', async () => {
    const kms = await aKmsService();
    const material = randomBytes(32);
    const ids = [];
    for (let n = 0; n < 2; n += 1) ids.push((await importing(kms, await anExternalKey(kms), material)).KeyMaterialId);
    expect(ids[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it('into a disabled key leaves it disabled', async () => {
    const kms = await aKmsService();
    const material = randomBytes(32);
    const KeyId = await anImportedKey(kms, material);
    await kms.call('DisableKey', { KeyId });
    await importing(kms, KeyId, material);
    expect(await stateOf(kms, KeyId)).toBe('Disabled');
  });
});

describe('expiry', () => {
  it('takes the material away by the clock; ciphertexts work again after the same material came back', async () => {
    const kms = await aKmsService();
    const material = randomBytes(32);
    const KeyId = await anExternalKey(kms);
    const validTo = (START_MS + HOUR_MS) / 1000 + 0.5;
    await importing(kms, KeyId, material, { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: validTo });
    expect((await kms.call('DescribeKey', { KeyId })).KeyMetadata).toMatchObject({
      ExpirationModel: 'KEY_MATERIAL_EXPIRES',
      ValidTo: validTo,
    });
    const { CiphertextBlob } = await kms.call('Encrypt', { KeyId, Plaintext: 'aGk=' });
    kms.clock.nowMs += HOUR_MS + 500;
    expect(await kms.refusal('Decrypt', { CiphertextBlob })).toBe('KMSInvalidStateException');
    const { KeyMetadata } = await kms.call('DescribeKey', { KeyId });
    expect(KeyMetadata).toMatchObject({ KeyState: 'PendingImport', CurrentKeyMaterialId: expect.any(String) });
    expect(KeyMetadata.ValidTo).toBeUndefined();
    expect(KeyMetadata.ExpirationModel).toBeUndefined();
    await importing(kms, KeyId, material);
    expect((await kms.call('Decrypt', { CiphertextBlob })).Plaintext).toBe('aGk=');
  });

  it('is set anew by each import', async () => {
    const kms = await aKmsService();
    const material = randomBytes(32);
    const KeyId = await anExternalKey(kms);
    await importing(kms, KeyId, material, { ValidTo: (START_MS + HOUR_MS) / 1000 });
    await importing(kms, KeyId, material);
    kms.clock.nowMs += 2 * HOUR_MS;
    expect(await stateOf(kms, KeyId)).toBe('Enabled');
  });

  it.each<[string, Answer]>([
    ['none given', { ExpirationModel: 'KEY_MATERIAL_EXPIRES' }],
    ['in the past', { ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: START_MS / 1000 - 1 }],
    ['after more than 365 days', { ValidTo: (START_MS + 366 * DAY_MS) / 1000 }],
    [
      'beside "does not expire"',
      { ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE', ValidTo: (START_MS + HOUR_MS) / 1000 },
    ],
  ])('%s: ValidationException', async (_what, more) => {
    const kms = await aKmsService();
    expect(await refusedImport(kms, await anExternalKey(kms), randomBytes(32), more)).toBe('ValidationException');
  });
});

describe('DeleteImportedKeyMaterial', () => {
  it('makes the key unusable, keeps the id of the material, and may be repeated', async () => {
    const kms = await aKmsService();
    const KeyId = await anImportedKey(kms);
    const { KeyMetadata } = await kms.call('DescribeKey', { KeyId });
    const answer = await kms.call('DeleteImportedKeyMaterial', { KeyId });
    expect(answer).toEqual({ KeyId: KeyMetadata.Arn, KeyMaterialId: KeyMetadata.CurrentKeyMaterialId });
    await kms.call('DeleteImportedKeyMaterial', { KeyId });
    const after = (await kms.call('DescribeKey', { KeyId })).KeyMetadata;
    expect(after).toMatchObject({ KeyState: 'PendingImport', CurrentKeyMaterialId: KeyMetadata.CurrentKeyMaterialId });
    expect(after.ExpirationModel).toBeUndefined();
    expect(await kms.refusalText('Encrypt', { KeyId, Plaintext: 'aGk=' })).toBe(
      `KMSInvalidStateException: ${KeyMetadata.Arn} is pending import.`,
    );
  });

  it('is refused for material that KMS made, and for material the key never had', async () => {
    const kms = await aKmsService();
    expect(await kms.refusal('DeleteImportedKeyMaterial', { KeyId: await aKey(kms) })).toBe(
      'UnsupportedOperationException',
    );
    const KeyId = await anImportedKey(kms);
    expect(await kms.refusal('DeleteImportedKeyMaterial', { KeyId, KeyMaterialId: 'a'.repeat(64) })).toBe(
      'NotFoundException',
    );
    expect(await stateOf(kms, KeyId)).toBe('Enabled');
  });
});
