/** Signatures, decryption, agreement, ciphers and MACs of the device, against node:crypto. */
import {
  constants,
  createCipheriv,
  createECDH,
  createHash,
  createHmac,
  createPublicKey,
  ECDH,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { openSimulatedYubiHsm } from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { ALGORITHM, type AlgorithmName } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import { digestOfLabel } from '../../../../../src/adapters/yubihsm/wire/oaep.ts';
import { ByteWriter } from '../../../../../src/adapters/yubihsm/wire/writer.ts';
import { DeviceClient, withId } from '../../../../support/yubihsm-device-client.ts';
import { aPrivateKey, modulusOf, primesOf } from '../../../../support/yubihsm-device-keys.ts';
import { expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

let client: DeviceClient;

beforeEach(async () => {
  client = await DeviceClient.open(await openSimulatedYubiHsm({ stateDir: null }));
});

const MESSAGE = Buffer.from('a message');
const HASHES = ['sha1', 'sha256', 'sha384', 'sha512'] as const;
const digest = (hash: string): Uint8Array => createHash(hash).update(MESSAGE).digest();

describe('RSA', () => {
  const key = aPrivateKey('rsa2048');
  const publicKey = createPublicKey(key);
  const put = (can: Parameters<DeviceClient['create']>[1]['can']): Promise<number> =>
    client.create('put-asymmetric-key', { algorithm: 'rsa2048', can: can ?? [] }, primesOf(key));

  test.each(HASHES)('PKCS #1 v1.5 signature over %s', async (hash) => {
    const signature = await client.call('sign-pkcs1', withId(await put(['sign-pkcs']), digest(hash)));
    expect(verify(hash, MESSAGE, publicKey, signature)).toBe(true);
  });
  test.each([
    ['sha1', '3021300906052b0e03021a05000414'],
    ['sha256', '3031300d060960864801650304020105000420'],
    ['sha384', '3041300d060960864801650304020205000430'],
    ['sha512', '3051300d060960864801650304020305000440'],
  ])('PKCS #1 v1.5 signature over the DigestInfo of %s, as programs on PKCS #11 send it', async (hash, info) => {
    const id = await put(['sign-pkcs']);
    const signature = await client.call('sign-pkcs1', withId(id, Buffer.from(info, 'hex'), digest(hash)));
    expect(verify(hash, MESSAGE, publicKey, signature)).toBe(true);
  });
  test('no signature over a DigestInfo of another hash, or with a digest of another length', async () => {
    const id = await put(['sign-pkcs']);
    const sha224 = Buffer.from('302d300d06096086480165030402040500041c', 'hex');
    const sha256 = Buffer.from('3031300d060960864801650304020105000420', 'hex');
    const sign = (...parts: Uint8Array[]): Promise<Uint8Array> => client.call('sign-pkcs1', withId(id, ...parts));
    await expectRefused(sign(sha224, digest('sha224')), 'invalid-data');
    await expectRefused(sign(sha256, randomBytes(31)), 'wrong-length');
  });
  test.each([
    ['sha256', 32, 0],
    ['sha256', 32, 222],
    ['sha384', 48, 48],
    ['sha1', 20, 20],
  ] as const)('PSS signature over %s (%i bytes) with %i bytes of salt', async (hash, _bytes, saltLength) => {
    const payload = new ByteWriter()
      .u16(await put(['sign-pss']))
      .u8(ALGORITHM[`mgf1-${hash}`])
      .u16(saltLength)
      .bytes(digest(hash));
    const signature = await client.call('sign-pss', payload.toBytes());
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    expect(verify(hash, MESSAGE, { key: publicKey, padding, saltLength }, signature)).toBe(true);
  });
  test('refuses a salt that does not fit, a digest of no hash, a mask of no hash', async () => {
    const id = await put(['sign-pss', 'sign-pkcs']);
    const pss = (mgf1: number, salt: number, bytes: Uint8Array): Uint8Array =>
      new ByteWriter().u16(id).u8(mgf1).u16(salt).bytes(bytes).toBytes();
    await expectRefused(client.call('sign-pss', pss(ALGORITHM['mgf1-sha256'], 223, digest('sha256'))), 'invalid-data');
    await expectRefused(
      client.call('sign-pss', pss(ALGORITHM['rsa-oaep-sha256'], 0, digest('sha256'))),
      'invalid-data',
    );
    await expectRefused(client.call('sign-pkcs1', withId(id, randomBytes(33))), 'wrong-length');
  });
  test('PKCS #1 v1.5 decryption; a wrong padding is invalid data', async () => {
    const id = await put(['decrypt-pkcs']);
    const ciphertext = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, MESSAGE);
    expect(Buffer.from(await client.call('decrypt-pkcs1', withId(id, ciphertext)))).toEqual(MESSAGE);
    for (const head of ['000200', '0102ffff', '0001ffff', `0002${'c3'.repeat(7)}00`]) {
      const padded = Buffer.alloc(256, 0xc3);
      padded.write(head, 'hex');
      if (head !== '000200' && head.length < 20) padded[240] = 0;
      const raw = publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, padded.subarray(0, 256));
      await expectRefused(client.call('decrypt-pkcs1', withId(id, raw)), 'invalid-data');
    }
    await expectRefused(client.call('decrypt-pkcs1', withId(id, randomBytes(255))), 'wrong-length');
  });
  test.each(['sha1', 'sha256'] as const)('OAEP decryption with %s', async (oaepHash) => {
    const ciphertext = publicEncrypt({ key: publicKey, oaepHash, oaepLabel: Buffer.from('label') }, MESSAGE);
    const id = await put(['decrypt-oaep']);
    const payload = (label: string): Uint8Array =>
      withId(id, Uint8Array.of(ALGORITHM[`mgf1-${oaepHash}`]), ciphertext, digestOfLabel(oaepHash, Buffer.from(label)));
    expect(Buffer.from(await client.call('decrypt-oaep', payload('label')))).toEqual(MESSAGE);
    await expectRefused(client.call('decrypt-oaep', payload('another')), 'invalid-data');
  });
  test('the public key is the modulus', async () => {
    const reply = await client.call('get-public-key', withId(await put([])));
    expect(reply[0]).toBe(ALGORITHM.rsa2048);
    expect(Buffer.from(reply.slice(1))).toEqual(modulusOf(key));
  });
  test('a generated key signs', async () => {
    const id = await client.create('generate-asymmetric-key', { algorithm: 'rsa2048', can: ['sign-pkcs'] });
    const n = Buffer.from((await client.call('get-public-key', withId(id))).slice(1)).toString('base64url');
    const signature = await client.call('sign-pkcs1', withId(id, digest('sha256')));
    expect(
      verify('sha256', MESSAGE, createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' }), signature),
    ).toBe(true);
  });
});

const CURVES: readonly (readonly [AlgorithmName, string])[] = [
  ['ecp224', 'secp224r1'],
  ['ecp256', 'prime256v1'],
  ['ecp384', 'secp384r1'],
  ['ecp521', 'secp521r1'],
  ['eck256', 'secp256k1'],
  ['ecbp256', 'brainpoolP256r1'],
  ['ecbp384', 'brainpoolP384r1'],
  ['ecbp512', 'brainpoolP512r1'],
];

describe.each(CURVES)('%s', (algorithm, namedCurve) => {
  test('signs every digest, with its own key and with an imported one', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
    const id = await client.create(
      'put-asymmetric-key',
      { algorithm, can: ['sign-ecdsa'] },
      scalarOf(privateKey, namedCurve),
    );
    for (const hash of HASHES) {
      const signature = await client.call('sign-ecdsa', withId(id, digest(hash)));
      expect(verify(hash, MESSAGE, publicKey, signature), hash).toBe(true);
      expect(verify(hash, Buffer.from('another message'), publicKey, signature), hash).toBe(false);
    }
    await expectRefused(client.call('sign-ecdsa', withId(id, randomBytes(19))), 'wrong-length');
  });
  test('agrees with a point of the curve and refuses any other', async () => {
    const id = await client.create('generate-asymmetric-key', { algorithm, can: ['derive-ecdh'] });
    const host = createECDH(namedCurve);
    const point = host.generateKeys();
    const own = Buffer.concat([Uint8Array.of(4), (await client.call('get-public-key', withId(id))).slice(1)]);
    expect(Buffer.from(await client.call('derive-ecdh', withId(id, point)))).toEqual(host.computeSecret(own));
    point[5] = (point[5] ?? 0) ^ 1;
    await expectRefused(client.call('derive-ecdh', withId(id, point)), 'invalid-data');
    await expectRefused(client.call('derive-ecdh', withId(id, new Uint8Array(point.length))), 'invalid-data');
    await expectRefused(client.call('derive-ecdh', withId(id, point.subarray(1))), 'wrong-length');
  });
});

function scalarOf(key: KeyObject, namedCurve: string): Uint8Array {
  const der = key.export({ type: 'sec1', format: 'der' });
  const start = der.indexOf(Buffer.from('020101', 'hex')) + 3;
  const scalar = der.subarray(start + 2, start + 2 + (der[start + 1] ?? 0));
  // What was cut out must be the key: its point is in the same structure.
  const ecdh = createECDH(namedCurve);
  ecdh.setPrivateKey(scalar);
  expect(der.includes(ECDH.convertKey(ecdh.getPublicKey(), namedCurve) as Buffer)).toBe(true);
  return scalar;
}

describe('Ed25519', () => {
  test('signs as RFC 8032 says (test 2)', async () => {
    const seed = Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex');
    const id = await client.create('put-asymmetric-key', { algorithm: 'ed25519', can: ['sign-eddsa'] }, seed);
    expect(Buffer.from((await client.call('get-public-key', withId(id))).slice(1)).toString('hex')).toBe(
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    );
    expect(Buffer.from(await client.call('sign-eddsa', withId(id, Uint8Array.of(0x72)))).toString('hex')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
  });
  test('signs nothing else', async () => {
    const id = await client.create('generate-asymmetric-key', {
      algorithm: 'ed25519',
      can: ['sign-ecdsa', 'derive-ecdh'],
    });
    await expectRefused(client.call('sign-ecdsa', withId(id, digest('sha256'))), 'invalid-data');
    await expectRefused(client.call('derive-ecdh', withId(id, randomBytes(65))), 'invalid-data');
  });
});

describe('AES', () => {
  test.each([
    ['aes128', 16],
    ['aes192', 24],
    ['aes256', 32],
  ] as const)('%s in ECB and CBC, there and back', async (algorithm, bytes) => {
    const key = randomBytes(bytes);
    const can = ['encrypt-ecb', 'decrypt-ecb', 'encrypt-cbc', 'decrypt-cbc'] as const;
    const id = await client.create('put-symmetric-key', { algorithm, can }, key);
    const [iv, data] = [randomBytes(16), randomBytes(48)];
    const expected = (mode: string): Buffer =>
      createCipheriv(`${algorithm.slice(0, 3)}-${bytes * 8}-${mode}`, key, mode === 'ecb' ? null : iv)
        .setAutoPadding(false)
        .update(data);
    const ecb = await client.call('encrypt-ecb', withId(id, data));
    const cbc = await client.call('encrypt-cbc', withId(id, iv, data));
    expect(Buffer.from(ecb)).toEqual(expected('ecb'));
    expect(Buffer.from(cbc)).toEqual(expected('cbc'));
    expect(Buffer.from(await client.call('decrypt-ecb', withId(id, ecb)))).toEqual(data);
    expect(Buffer.from(await client.call('decrypt-cbc', withId(id, iv, cbc)))).toEqual(data);
    await expectRefused(client.call('encrypt-ecb', withId(id, randomBytes(17))), 'wrong-length');
    await expectRefused(client.call('encrypt-ecb', withId(id)), 'wrong-length');
    await expectRefused(client.call('decrypt-cbc', withId(id, randomBytes(15))), 'wrong-length');
  });
});

test.each(HASHES)('HMAC with %s, made and checked', async (hash) => {
  const key = randomBytes(20);
  const id = await client.create('put-hmac-key', { algorithm: `hmac-${hash}`, can: ['sign-hmac', 'verify-hmac'] }, key);
  const mac = await client.call('sign-hmac', withId(id, MESSAGE));
  expect(Buffer.from(mac)).toEqual(createHmac(hash, key).update(MESSAGE).digest());
  expect(await client.call('verify-hmac', withId(id, mac, MESSAGE))).toEqual(Uint8Array.of(1));
  expect(await client.call('verify-hmac', withId(id, mac, Buffer.from('other')))).toEqual(Uint8Array.of(0));
  await expectRefused(client.call('verify-hmac', withId(id, mac.subarray(1))), 'wrong-length');
});
