/** Mechanisms that simulated clusters have beside the standard's: AES-GCM with the IV before the ciphertext, OAEP with SHA-224, ECDSA. */
import { createDecipheriv, createPublicKey, verify } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { CLOUDHSM_CKM } from '../../../../../src/adapters/cloudhsm/profile.ts';
import { CKA, CKG, CKM, CKR } from '../../../../../src/adapters/pkcs11/constants.ts';
import type { Mechanism } from '../../../../../src/adapters/pkcs11/cryptoki.ts';
import { parametersOf, spkiFromPoint } from '../../../../../src/keys/curve.ts';
import {
  aCluster,
  type Client,
  flag,
  logIn,
  makeAes,
  rsaTemplates,
  unwrapTemplate,
} from '../../../../support/cluster-fixtures.ts';
import { slowRefusalOf } from '../../../../support/cryptoki-templates.ts';

let client: Client;
const kcvOf = (key: bigint): Uint8Array | null | undefined =>
  client.module.C_GetAttributeValue(client.session, key, [CKA.CHECK_VALUE])[0]?.value;

const gcm = (aad = '', tagBits = 128): Mechanism => ({
  type: CLOUDHSM_CKM.AES_GCM,
  parameter: { kind: 'gcm', aad: new Uint8Array(Buffer.from(aad)), tagBits },
});

const wrap = (mechanism: Mechanism, wrapping: bigint, key: bigint): Promise<Uint8Array> =>
  client.module.C_WrapKey(client.session, mechanism, wrapping, key);
const unwrap = (mechanism: Mechanism, key: bigint, wrapped: Uint8Array): Promise<bigint> =>
  client.module.C_UnwrapKey(client.session, mechanism, key, wrapped, unwrapTemplate());

beforeAll(async () => {
  client = logIn(await aCluster());
});

describe('AES-GCM', () => {
  const makePayload = (): Promise<bigint> => makeAes(client, [flag(CKA.EXTRACTABLE, true)]);

  test.each([64, 96, 128])('goes both ways with a tag of %i bits, and a new IV each time', async (tagBits) => {
    const [kek, key] = [await makeAes(client), await makePayload()];
    const wrapped = await wrap(gcm('header', tagBits), kek, key);
    expect(wrapped).toHaveLength(12 + 32 + tagBits / 8);
    expect(await wrap(gcm('header', tagBits), kek, key)).not.toEqual(wrapped);
    expect(kcvOf(await unwrap(gcm('header', tagBits), kek, wrapped))).toEqual(kcvOf(key));
  });

  test('node:crypto opens what it makes', async () => {
    const kek = await makeAes(client, [flag(CKA.SENSITIVE, false), flag(CKA.EXTRACTABLE, true)]);
    const key = await makeAes(client, [flag(CKA.SENSITIVE, false), flag(CKA.EXTRACTABLE, true)]);
    const [bytes, payload] = [kek, key].map(
      (each) => client.module.C_GetAttributeValue(client.session, each, [CKA.VALUE])[0]?.value ?? new Uint8Array(),
    );
    const wrapped = await wrap(gcm('aad'), kek, key);
    const cipher = createDecipheriv('aes-256-gcm', bytes ?? '', wrapped.subarray(0, 12));
    cipher.setAAD(Buffer.from('aad'));
    cipher.setAuthTag(wrapped.subarray(-16));
    expect(Buffer.concat([cipher.update(wrapped.subarray(12, -16)), cipher.final()])).toEqual(
      Buffer.from(payload ?? []),
    );
  });

  test('does not open with other data, another tag length, or a byte changed', async () => {
    const kek = await makeAes(client);
    const wrapped = await wrap(gcm('one'), kek, await makePayload());
    expect(await slowRefusalOf(unwrap(gcm('two'), kek, wrapped))).toBe(CKR.WRAPPED_KEY_INVALID);
    expect(await slowRefusalOf(unwrap(gcm('one', 96), kek, wrapped))).toBe(CKR.WRAPPED_KEY_INVALID);
    const changed = wrapped.map((byte, at) => (at === 20 ? byte ^ 1 : byte));
    expect(await slowRefusalOf(unwrap(gcm('one'), kek, changed))).toBe(CKR.WRAPPED_KEY_INVALID);
    expect(await slowRefusalOf(unwrap(gcm('one'), kek, wrapped.subarray(0, 28)))).toBe(CKR.WRAPPED_KEY_LEN_RANGE);
  });

  test('takes no tag below 8 bytes and no other parameter', async () => {
    const [kek, key] = [await makeAes(client), await makePayload()];
    expect(await slowRefusalOf(wrap(gcm('', 32), kek, key))).toBe(CKR.MECHANISM_PARAM_INVALID);
    expect(await slowRefusalOf(wrap({ type: CLOUDHSM_CKM.AES_GCM }, kek, key))).toBe(CKR.MECHANISM_PARAM_INVALID);
  });
});

test('OAEP with SHA-224, and with its own MGF only', async () => {
  const oaep = (mgf: number): Mechanism => ({
    type: CKM.RSA_PKCS_OAEP,
    parameter: { kind: 'oaep', hash: CKM.SHA224, mgf },
  });
  const pair = await client.module.C_GenerateKeyPair(
    client.session,
    { type: CKM.RSA_X9_31_KEY_PAIR_GEN },
    ...rsaTemplates(),
  );
  const key = await makeAes(client, [flag(CKA.EXTRACTABLE, true)]);
  const wrapped = await wrap(oaep(CKG.MGF1_SHA224), pair.publicKey, key);
  expect(kcvOf(await unwrap(oaep(CKG.MGF1_SHA224), pair.privateKey, wrapped))).toEqual(kcvOf(key));
  expect(await slowRefusalOf(wrap(oaep(CKG.MGF1_SHA256), pair.publicKey, key))).toBe(CKR.MECHANISM_PARAM_INVALID);
});

describe('ECDSA', () => {
  const DATA = Buffer.from('what is signed');
  const makePair = (): Promise<{ publicKey: bigint; privateKey: bigint }> =>
    client.module.C_GenerateKeyPair(
      client.session,
      { type: CKM.EC_KEY_PAIR_GEN },
      [{ type: CKA.EC_PARAMS, value: parametersOf('P-256') }, flag(CKA.VERIFY, true)],
      [flag(CKA.SIGN, true)],
    );

  test.each([
    ['sha224', CKM.ECDSA_SHA224],
    ['sha512', CKM.ECDSA_SHA512],
  ])('signs the %s of the data, r before s', async (hash, type) => {
    const pair = await makePair();
    const signature = await client.module.sign(client.session, { type }, pair.privateKey, DATA);
    const point = client.module.C_GetAttributeValue(client.session, pair.publicKey, [CKA.EC_POINT])[0]?.value;
    const spki = Buffer.from(spkiFromPoint('P-256', point ?? new Uint8Array()));
    const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    expect(verify(hash, DATA, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
    expect(verify('sha256', DATA, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(false);
  });

  test('does not sign with the public half or an AES key', async () => {
    const pair = await makePair();
    const aes = await makeAes(client, [flag(CKA.SIGN, true)]);
    const sign = (key: bigint): Promise<Uint8Array> =>
      client.module.sign(client.session, { type: CKM.ECDSA_SHA256 }, key, DATA);
    expect(await slowRefusalOf(sign(pair.publicKey))).toBe(CKR.KEY_FUNCTION_NOT_PERMITTED);
    expect(await slowRefusalOf(sign(aes))).toBe(CKR.KEY_TYPE_INCONSISTENT);
  });
});
