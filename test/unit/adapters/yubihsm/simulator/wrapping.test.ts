/** Objects that leave and come back under wrap keys: what travels, who may, and what of it is refused. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { openSimulatedYubiHsm } from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { ALGORITHM } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import { type CapabilityName, capabilityMask } from '../../../../../src/adapters/yubihsm/wire/capabilities.ts';
import { openCcm, sealCcm } from '../../../../../src/adapters/yubihsm/wire/ccm-wrap.ts';
import { digestOfLabel } from '../../../../../src/adapters/yubihsm/wire/oaep.ts';
import { OBJECT_TYPE, type ObjectTypeName } from '../../../../../src/adapters/yubihsm/wire/object-types.ts';
import { rsaUnwrap, rsaWrap } from '../../../../../src/adapters/yubihsm/wire/rsa-wrap.ts';
import {
  decodeWrappedObject,
  encodeWrappedObject,
  type WrappedObject,
} from '../../../../../src/adapters/yubihsm/wire/wrapped-object.ts';
import { ByteWriter } from '../../../../../src/adapters/yubihsm/wire/writer.ts';
import { DeviceClient, headed, loginAs, withId } from '../../../../support/yubihsm-device-client.ts';
import { aPrivateKey, modulusOf, primesOf } from '../../../../support/yubihsm-device-keys.ts';
import { expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

let client: DeviceClient;
const WRAP_KEY = randomBytes(32);
const DELEGATED: readonly CapabilityName[] = [
  'exportable-under-wrap',
  'sign-ecdsa',
  'sign-eddsa',
  'sign-hmac',
  'encrypt-ecb',
];

beforeEach(async () => {
  client = await DeviceClient.open(await openSimulatedYubiHsm({ stateDir: null }));
});

const putWrapKey = (by = client, delegates: readonly CapabilityName[] = DELEGATED): Promise<number> =>
  by.create(
    'put-wrap-key',
    { algorithm: 'aes256-ccm-wrap', can: ['export-wrapped', 'import-wrapped'], delegates },
    WRAP_KEY,
  );

const ask = (wrapId: number, type: ObjectTypeName, id: number, ...format: number[]): Uint8Array =>
  new ByteWriter().u16(wrapId).u8(OBJECT_TYPE[type]).u16(id).bytes(Uint8Array.from(format)).toBytes();

const anEcKey = (can: readonly CapabilityName[] = ['sign-ecdsa', 'exportable-under-wrap']): Promise<number> =>
  client.create('generate-asymmetric-key', { algorithm: 'ecp256', label: 'signer', domains: 3, can });

describe('under an AES-CCM wrap key', () => {
  test('an EC key leaves with all that it is, and comes back the same', async () => {
    const [wrapId, id] = [await putWrapKey(), await anEcKey()];
    const point = Buffer.from(await client.call('get-public-key', withId(id))).subarray(1);
    const blob = await client.call('export-wrapped', ask(wrapId, 'asymmetric-key', id));
    const inside = decodeWrappedObject(openCcm(WRAP_KEY, blob) ?? new Uint8Array(0));
    expect(inside).toMatchObject({
      wrapAlgorithm: ALGORITHM['aes256-ccm-wrap'],
      id,
      domains: 3,
      type: 3,
      algorithm: 12,
      sequence: 0,
      origin: 1,
    });
    expect(Buffer.from(inside.body.slice(32))).toEqual(point);

    await expectRefused(client.call('import-wrapped', withId(wrapId, blob)), 'object-exists');
    await client.remove('asymmetric-key', id);
    expect(await client.call('import-wrapped', withId(wrapId, blob))).toEqual(Uint8Array.of(3, id >> 8, id & 255));
    expect(await client.info('asymmetric-key', id)).toMatchObject({ origin: 0x11, sequence: 1, domains: 3 });
    expect(Buffer.from(await client.call('get-public-key', withId(id))).subarray(1)).toEqual(point);
  });

  test.each<[string, () => Promise<number>, ObjectTypeName]>([
    [
      'opaque',
      () => client.create('put-opaque', { algorithm: 'opaque-data', can: ['exportable-under-wrap'] }, randomBytes(99)),
      'opaque',
    ],
    [
      'AES',
      () =>
        client.create('generate-symmetric-key', { algorithm: 'aes256', can: ['exportable-under-wrap', 'encrypt-ecb'] }),
      'symmetric-key',
    ],
    [
      'HMAC',
      () => client.create('generate-hmac-key', { algorithm: 'hmac-sha384', can: ['exportable-under-wrap'] }),
      'hmac-key',
    ],
    [
      'RSA',
      () =>
        client.create(
          'put-asymmetric-key',
          { algorithm: 'rsa2048', can: ['exportable-under-wrap'] },
          primesOf(aPrivateKey('rsa2048')),
        ),
      'asymmetric-key',
    ],
    [
      'Brainpool',
      () => client.create('generate-asymmetric-key', { algorithm: 'ecbp512', can: ['exportable-under-wrap'] }),
      'asymmetric-key',
    ],
    [
      'authentication key',
      () =>
        client.create(
          'put-authentication-key',
          { algorithm: 'aes128-yubico-authentication', can: ['exportable-under-wrap'], delegates: ['sign-pss'] },
          randomBytes(32),
        ),
      'authentication-key',
    ],
    [
      'wrap key',
      () =>
        client.create('generate-wrap-key', {
          algorithm: 'aes128-ccm-wrap',
          can: ['exportable-under-wrap'],
          delegates: ['sign-pss'],
        }),
      'wrap-key',
    ],
    [
      'public wrap key',
      () =>
        client.create(
          'put-public-wrap-key',
          { algorithm: 'rsa2048', can: ['exportable-under-wrap'], delegates: ['sign-pss'] },
          modulusOf(aPrivateKey('rsa2048')),
        ),
      'public-wrap-key',
    ],
  ])('%s: there and onto another device', async (_name, create, type) => {
    const [wrapId, id] = [await putWrapKey(), await create()];
    const blob = await client.call('export-wrapped', ask(wrapId, type, id));
    const other = await DeviceClient.open(await openSimulatedYubiHsm({ stateDir: null }));
    const otherWrap = await putWrapKey(other);
    await other.call('import-wrapped', withId(otherWrap, blob));
    const { origin, ...before } = await client.info(type, id);
    expect(await other.info(type, id)).toEqual({ ...before, origin: origin | 0x10 });
    expect(openCcm(WRAP_KEY, await other.call('export-wrapped', ask(otherWrap, type, id)))?.slice(59)).toEqual(
      openCcm(WRAP_KEY, blob)?.slice(59),
    );
  });

  test('an Ed25519 key leaves with or without its seed, and signs the same', async () => {
    const wrapId = await putWrapKey();
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
    const can = ['sign-eddsa', 'exportable-under-wrap'] as const;
    const id = await client.create('put-asymmetric-key', { algorithm: 'ed25519', can }, seed);
    const bare = await client.call('export-wrapped', ask(wrapId, 'asymmetric-key', id));
    const seeded = await client.call('export-wrapped', ask(wrapId, 'asymmetric-key', id, 1));
    expect(openCcm(WRAP_KEY, bare)).toHaveLength(59 + 96);
    expect(openCcm(WRAP_KEY, seeded)?.slice(-32)).toEqual(new Uint8Array(seed));
    for (const blob of [seeded, bare]) {
      await client.remove('asymmetric-key', id);
      await client.call('import-wrapped', withId(wrapId, blob));
      const signature = await client.call('sign-eddsa', withId(id, Buffer.from('message')));
      expect(verify(null, Buffer.from('message'), publicKey, signature)).toBe(true);
      expect(await client.info('asymmetric-key', id)).toMatchObject({ length: 128, origin: 0x12 });
    }
    await expectRefused(client.call('export-wrapped', ask(wrapId, 'asymmetric-key', id, 1)), 'invalid-data');
  });

  test.each<[string, () => Promise<unknown>, Parameters<typeof expectRefused>[1]]>([
    [
      'the target is not exportable',
      async () =>
        client.call('export-wrapped', ask(await putWrapKey(), 'asymmetric-key', await anEcKey(['sign-ecdsa']))),
      'insufficient-permissions',
    ],
    [
      'a capability of the target is not delegated',
      async () =>
        client.call(
          'export-wrapped',
          ask(await putWrapKey(), 'asymmetric-key', await anEcKey(['exportable-under-wrap', 'derive-ecdh'])),
        ),
      'insufficient-permissions',
    ],
    [
      'target and wrap key share no domain',
      async () => {
        const wrapId = await client.create('generate-wrap-key', {
          algorithm: 'aes128-ccm-wrap',
          domains: 4,
          can: ['export-wrapped'],
          delegates: DELEGATED,
        });
        return await client.call('export-wrapped', ask(wrapId, 'asymmetric-key', await anEcKey()));
      },
      'insufficient-permissions',
    ],
    [
      'the wrap key may not export',
      async () => {
        const wrapId = await client.create('generate-wrap-key', {
          algorithm: 'aes128-ccm-wrap',
          can: ['import-wrapped'],
          delegates: DELEGATED,
        });
        return await client.call('export-wrapped', ask(wrapId, 'asymmetric-key', await anEcKey()));
      },
      'insufficient-permissions',
    ],
    [
      'there is no wrap key',
      async () => client.call('export-wrapped', ask(99, 'asymmetric-key', await anEcKey())),
      'object-not-found',
    ],
    [
      'there is no target',
      async () => client.call('export-wrapped', ask(await putWrapKey(), 'asymmetric-key', 99)),
      'object-not-found',
    ],
    [
      'the format does not exist',
      async () => client.call('export-wrapped', ask(await putWrapKey(), 'asymmetric-key', await anEcKey(), 2)),
      'invalid-data',
    ],
    [
      'the wrap key is RSA',
      async () => {
        const wanted = { algorithm: 'rsa2048', can: ['export-wrapped'], delegates: DELEGATED } as const;
        const wrapId = await client.create('put-wrap-key', wanted, primesOf(aPrivateKey('rsa2048')));
        return await client.call('export-wrapped', ask(wrapId, 'asymmetric-key', await anEcKey()));
      },
      'invalid-data',
    ],
  ])('no export where %s', async (_name, call, error) => await expectRefused(call(), error));

  describe('an import', () => {
    const object: WrappedObject = {
      wrapAlgorithm: ALGORITHM['aes256-ccm-wrap'],
      capabilities: capabilityMask(['exportable-under-wrap']),
      id: 40,
      domains: 1,
      type: OBJECT_TYPE['symmetric-key'],
      algorithm: ALGORITHM.aes256,
      sequence: 7,
      origin: 1,
      label: Buffer.from('made by hand'),
      body: randomBytes(32),
    };
    const sealed = (changes: Partial<WrappedObject>): Uint8Array =>
      sealCcm(WRAP_KEY, randomBytes(13), encodeWrappedObject({ ...object, ...changes }));

    test('takes what was made elsewhere under the same key', async () => {
      await client.call('import-wrapped', withId(await putWrapKey(), sealed({})));
      expect(await client.info('symmetric-key', 40)).toMatchObject({ sequence: 0, origin: 0x11, domains: 1 });
    });
    test('leaves it the domains that the wrap key has too', async () => {
      const wanted = { algorithm: 'aes256-ccm-wrap', can: ['import-wrapped'], delegates: DELEGATED } as const;
      const wrapId = await client.create('put-wrap-key', { ...wanted, domains: 0b0110 }, WRAP_KEY);
      await client.call('import-wrapped', withId(wrapId, sealed({ domains: 0xffff })));
      expect(await client.info('symmetric-key', 40)).toMatchObject({ domains: 0b0110 });
      await expectRefused(
        client.call('import-wrapped', withId(wrapId, sealed({ id: 41, domains: 1 }))),
        'insufficient-permissions',
      );
    });
    test.each<[string, Partial<WrappedObject>, Parameters<typeof expectRefused>[1]]>([
      [
        'a capability that is not delegated',
        { capabilities: capabilityMask(['decrypt-ecb']) },
        'insufficient-permissions',
      ],
      ['a body of another length', { body: randomBytes(31) }, 'invalid-data'],
      ['an algorithm of another type', { algorithm: ALGORITHM['hmac-sha256'] }, 'invalid-data'],
      ['a type that does not exist', { type: 77 }, 'invalid-data'],
      ['an id of zero', { id: 0 }, 'invalid-data'],
      ['a reserved id', { id: 0xffff }, 'invalid-id'],
      [
        'an RSA key whose parts do not fit',
        { type: 3, algorithm: ALGORITHM.rsa2048, body: randomBytes(896) },
        'invalid-data',
      ],
      [
        'an EC key whose point is another',
        { type: 3, algorithm: ALGORITHM.ecp256, body: Buffer.alloc(96, 1) },
        'invalid-data',
      ],
      [
        'an Ed25519 key whose point is another',
        { type: 3, algorithm: ALGORITHM.ed25519, body: Buffer.alloc(96, 1) },
        'invalid-data',
      ],
      [
        'an HMAC key of two halves',
        { type: 5, algorithm: ALGORITHM['hmac-sha1'], body: randomBytes(128) },
        'invalid-data',
      ],
    ])('refuses %s', async (_name, changes, error) => {
      await expectRefused(client.call('import-wrapped', withId(await putWrapKey(), sealed(changes))), error);
    });
    test('refuses a blob that was altered, cut, or is under another key', async () => {
      const wrapId = await putWrapKey();
      const blob = sealed({});
      for (const at of [0, 20, blob.length - 1]) {
        const altered = blob.slice();
        altered[at] = (altered[at] ?? 0) ^ 1;
        await expectRefused(client.call('import-wrapped', withId(wrapId, altered)), 'invalid-data');
      }
      await expectRefused(client.call('import-wrapped', withId(wrapId, blob.subarray(1))), 'invalid-data');
      await expectRefused(client.call('import-wrapped', withId(wrapId)), 'invalid-data');
    });
  });
});

describe('wrap data', () => {
  test('comes back, and cannot open an exported object', async () => {
    const wanted = { algorithm: 'aes256-ccm-wrap', delegates: DELEGATED } as const;
    const wrapId = await client.create(
      'put-wrap-key',
      { ...wanted, can: ['wrap-data', 'unwrap-data', 'export-wrapped'] },
      WRAP_KEY,
    );
    const data = randomBytes(1989);
    const blob = await client.call('wrap-data', withId(wrapId, data));
    expect(openCcm(WRAP_KEY, blob)?.[0]).toBe(0);
    expect(Buffer.from(await client.call('unwrap-data', withId(wrapId, blob)))).toEqual(data);
    const exported = await client.call('export-wrapped', ask(wrapId, 'asymmetric-key', await anEcKey()));
    await expectRefused(client.call('unwrap-data', withId(wrapId, exported)), 'invalid-data');
    await expectRefused(client.call('wrap-data', withId(wrapId)), 'wrong-length');
  });
  test.each([
    ['2.4', 'invalid-data'],
    ['2.5', 'insufficient-permissions'],
  ] as const)('without the capability on the key, firmware %s says %s', async (firmware, error) => {
    const other = await DeviceClient.open(await openSimulatedYubiHsm({ stateDir: null, firmware }));
    const wrapId = await putWrapKey(other);
    await expectRefused(other.call('wrap-data', withId(wrapId, randomBytes(8))), error);
    await expectRefused(other.call('unwrap-data', withId(wrapId, randomBytes(40))), error);
  });
});

describe('under RSA', () => {
  const host = aPrivateKey('rsa2048');
  const hashes = Uint8Array.of(ALGORITHM.aes256, ALGORITHM['rsa-oaep-sha256'], ALGORITHM['mgf1-sha256']);
  const oaep = { hash: 'sha256', mgf1Hash: 'sha256', labelDigest: digestOfLabel('sha256') } as const;
  const putPublic = (delegates: readonly CapabilityName[] = DELEGATED): Promise<number> =>
    client.create('put-public-wrap-key', { algorithm: 'rsa2048', can: ['export-wrapped'], delegates }, modulusOf(host));
  const putPrivate = (delegates: readonly CapabilityName[] = DELEGATED): Promise<number> =>
    client.create('put-wrap-key', { algorithm: 'rsa2048', can: ['import-wrapped'], delegates }, primesOf(host));
  const askRsa = (wrapId: number, type: ObjectTypeName, id: number, label = digestOfLabel('sha256')): Uint8Array =>
    new ByteWriter()
      .bytes(ask(wrapId, type, id))
      .bytes(hashes)
      .bytes(label)
      .toBytes();
  const give = (wrapId: number, blob: Uint8Array): Uint8Array =>
    withId(wrapId, hashes.subarray(1), blob, digestOfLabel('sha256'));
  const unwrap = (blob: Uint8Array): Uint8Array => rsaUnwrap(blob, host, oaep) ?? new Uint8Array(0);

  test('the key alone is PKCS#8 that node opens, and the same key', async () => {
    const id = await anEcKey();
    const blob = await client.call('get-rsa-wrapped-key', askRsa(await putPublic(), 'asymmetric-key', id));
    expect(blob.length % 8).toBe(0);
    const key = createPrivateKey({ key: Buffer.from(unwrap(blob)), format: 'der', type: 'pkcs8' });
    const { x = '', y = '' } = createPublicKey(key).export({ format: 'jwk' });
    const point = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
    expect(Buffer.from(await client.call('get-public-key', withId(id))).subarray(1)).toEqual(point);
  });
  test('a symmetric key alone is its bytes', async () => {
    const key = randomBytes(32);
    const id = await client.create('put-symmetric-key', { algorithm: 'aes256', can: ['exportable-under-wrap'] }, key);
    const blob = await client.call('get-rsa-wrapped-key', askRsa(await putPublic(), 'symmetric-key', id));
    expect(Buffer.from(unwrap(blob))).toEqual(key);
  });
  test('a whole object keeps its origin, a key alone counts as imported', async () => {
    const [publicId, privateId, id] = [await putPublic(), await putPrivate(), await anEcKey()];
    const whole = await client.call('export-rsa-wrapped', askRsa(publicId, 'asymmetric-key', id));
    const alone = await client.call('get-rsa-wrapped-key', askRsa(publicId, 'asymmetric-key', id));
    await client.remove('asymmetric-key', id);
    await client.call('import-rsa-wrapped', give(privateId, whole));
    expect(await client.info('asymmetric-key', id)).toMatchObject({ origin: 0x11, domains: 3 });
    await client.remove('asymmetric-key', id);
    await client.call('put-rsa-wrapped-key', put75(privateId, { id }, alone));
    expect(await client.info('asymmetric-key', id)).toMatchObject({ origin: 0x12, algorithm: ALGORITHM.ecp256 });
  });
  const put75 = (
    wrapId: number,
    wanted: { id?: number; domains?: number; can?: readonly CapabilityName[] },
    blob: Uint8Array,
    algorithm = 'ecp256' as const,
    type = 3,
  ): Uint8Array =>
    new ByteWriter()
      .u16(wrapId)
      .u8(type)
      .bytes(headed({ algorithm, can: ['sign-ecdsa'], ...wanted }, new Uint8Array(0)))
      .bytes(hashes.subarray(1))
      .bytes(blob)
      .bytes(digestOfLabel('sha256'))
      .toBytes();

  test.each([
    ['rsa2048', 'rsa2048'],
    ['ecp224', 'secp224r1'],
    ['ecp521', 'secp521r1'],
    ['ecbp384', 'brainpoolP384r1'],
  ])('put-rsa-wrapped-key takes %s as PKCS#8 of anybody', async (algorithm, namedCurve) => {
    const key = algorithm === 'rsa2048' ? host : generateKeyPairSync('ec', { namedCurve }).privateKey;
    const blob = rsaWrap(key.export({ format: 'der', type: 'pkcs8' }), {
      publicKey: createPublicKey(host),
      aesKeyBytes: 32,
      oaep,
    });
    const [, idHigh = 0, idLow = 0] = await client.call(
      'put-rsa-wrapped-key',
      put75(await putPrivate(), {}, blob, algorithm as 'ecp256'),
    );
    const reply = await client.call('get-public-key', withId((idHigh << 8) | idLow));
    const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
    expect(spki.includes(Buffer.from(reply.slice(1)))).toBe(true);
  });
  test.each<[string, () => Promise<unknown>, Parameters<typeof expectRefused>[1]]>([
    [
      'an export of an HMAC key alone',
      async () =>
        client.call(
          'get-rsa-wrapped-key',
          askRsa(
            await putPublic(),
            'hmac-key',
            await client.create('generate-hmac-key', { algorithm: 'hmac-sha256', can: ['exportable-under-wrap'] }),
          ),
        ),
      'invalid-data',
    ],
    [
      'an export under a private RSA wrap key',
      async () => client.call('export-rsa-wrapped', askRsa(await putPrivate(), 'asymmetric-key', await anEcKey())),
      'object-not-found',
    ],
    [
      'an export of what is not delegated',
      async () =>
        client.call(
          'export-rsa-wrapped',
          askRsa(await putPublic(['exportable-under-wrap']), 'asymmetric-key', await anEcKey()),
        ),
      'insufficient-permissions',
    ],
    [
      'an export of what is not exportable',
      async () =>
        client.call('get-rsa-wrapped-key', askRsa(await putPublic(), 'asymmetric-key', await anEcKey(['sign-ecdsa']))),
      'insufficient-permissions',
    ],
    [
      'a label digest of another length',
      async () =>
        client.call(
          'export-rsa-wrapped',
          askRsa(await putPublic(), 'asymmetric-key', await anEcKey(), randomBytes(20)),
        ),
      'wrong-length',
    ],
    [
      'an import under an AES wrap key',
      async () => client.call('import-rsa-wrapped', give(await putWrapKey(), randomBytes(300))),
      'invalid-data',
    ],
    [
      'an import of noise',
      async () => client.call('import-rsa-wrapped', give(await putPrivate(), randomBytes(256 + 64))),
      'invalid-data',
    ],
    [
      'an import that is too short',
      async () => client.call('import-rsa-wrapped', withId(await putPrivate(), hashes.subarray(1), randomBytes(31))),
      'wrong-length',
    ],
    [
      'a key alone with capabilities that are not delegated',
      async () =>
        client.call(
          'put-rsa-wrapped-key',
          put75(await putPrivate(), { can: ['derive-ecdh'] }, await wrapped('prime256v1')),
        ),
      'insufficient-permissions',
    ],
    [
      'a key alone of another curve',
      async () => client.call('put-rsa-wrapped-key', put75(await putPrivate(), {}, await wrapped('secp384r1'))),
      'invalid-data',
    ],
    [
      'a key alone as an opaque',
      async () =>
        client.call('put-rsa-wrapped-key', put75(await putPrivate(), {}, await wrapped('prime256v1'), 'ecp256', 1)),
      'invalid-data',
    ],
  ])('%s is refused', async (_name, call, error) => await expectRefused(call(), error));
  const wrapped = async (namedCurve: string): Promise<Uint8Array> =>
    rsaWrap(generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'der', type: 'pkcs8' }), {
      publicKey: createPublicKey(host),
      aesKeyBytes: 32,
      oaep,
    });

  test('SHA-1 with a label of its own, and a 128-bit one-use key', async () => {
    const id = await anEcKey();
    const labelDigest = digestOfLabel('sha1', Buffer.from('label'));
    const payload = new ByteWriter()
      .bytes(ask(await putPublic(), 'asymmetric-key', id))
      .bytes(Uint8Array.of(ALGORITHM.aes128, ALGORITHM['rsa-oaep-sha1'], ALGORITHM['mgf1-sha1']))
      .bytes(labelDigest);
    const blob = await client.call('get-rsa-wrapped-key', payload.toBytes());
    expect(rsaUnwrap(blob, host, { hash: 'sha1', mgf1Hash: 'sha1', labelDigest })).not.toBeNull();
    expect(rsaUnwrap(blob, host, oaep)).toBeNull();
  });
});

test('a session without export-wrapped exports nothing', async () => {
  const [wrapId, id] = [await putWrapKey(), await anEcKey()];
  const other = await loginAs(client, { can: ['import-wrapped'] });
  await expectRefused(other.call('export-wrapped', ask(wrapId, 'asymmetric-key', id)), 'insufficient-permissions');
});
