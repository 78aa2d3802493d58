/** Attestation certificates: node:crypto reads them, their chain holds, and their extensions say what the object is. */
import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { issueCertificate, nameOf } from '../../../../../src/adapters/yubihsm/simulator/certificate.ts';
import { sequence, time } from '../../../../../src/adapters/yubihsm/simulator/der.ts';
import {
  openSimulatedYubiHsm,
  type SimulatedYubiHsm,
} from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import type { AlgorithmName } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import { ByteWriter } from '../../../../../src/adapters/yubihsm/wire/writer.ts';
import { DeviceClient, withId } from '../../../../support/yubihsm-device-client.ts';
import { aPrivateKey, primesOf } from '../../../../support/yubihsm-device-keys.ts';
import { expectRefused } from '../../../../support/yubihsm-device-refusals.ts';

let device: SimulatedYubiHsm;
let client: DeviceClient;

beforeEach(async () => {
  device = await openSimulatedYubiHsm({ stateDir: null, serial: 7_654_321 });
  client = await DeviceClient.open(device);
});

const attest = async (id: number, attester = 0): Promise<X509Certificate> =>
  new X509Certificate(
    await client.call('sign-attestation-certificate', new ByteWriter().u16(id).u16(attester).toBytes()),
  );

/** The DER of one of Yubico's extensions inside its octet string, in hex, as it stands in the certificate. */
const hasExtension = (certificate: X509Certificate, arc: number, der: string): boolean =>
  certificate.raw.includes(
    Buffer.from(
      `060a2b0601040182c40a04${arc.toString(16).padStart(2, '0')}04${(der.length / 2).toString(16).padStart(2, '0')}${der}`,
      'hex',
    ),
  );

describe('the built-in attestation', () => {
  test('has a certificate as opaque 0, issued by the simulator root', async () => {
    const own = new X509Certificate(await client.call('get-opaque', withId(0)));
    const root = new X509Certificate(device.attestationRoot);
    expect(own.verify(root.publicKey)).toBe(true);
    expect(own.checkIssued(root)).toBe(true);
    expect(own.subject).toContain('not a vendor certificate');
    expect(hasExtension(own, 1, '0403020401')).toBe(true);
    expect(hasExtension(own, 2, '020374cbb1')).toBe(true);
  });
  test('is no object that can be listed, described or deleted', async () => {
    await expectRefused(client.info('opaque', 0), 'object-not-found');
    await expectRefused(client.remove('opaque', 0), 'object-not-found');
  });
  test.each<AlgorithmName>(['rsa2048', 'ecp224', 'ecp256', 'ecp521', 'eck256', 'ecbp256'])(
    'of %s',
    async (algorithm) => {
      const id = await client.create('generate-asymmetric-key', {
        id: 0x1234,
        algorithm,
        label: 'a signer',
        domains: 0x8001,
        can: ['sign-ecdsa', 'sign-pkcs'],
      });
      const certificate = await attest(id);
      const own = new X509Certificate(await client.call('get-opaque', withId(0)));
      expect(certificate.verify(own.publicKey)).toBe(true);
      expect(certificate.checkIssued(own)).toBe(true);
      expect(certificate.subject).toBe('CN=YubiHSM Attestation id 0x1234');
      expect([certificate.validFrom, certificate.validTo]).toEqual([own.validFrom, own.validTo]);
      const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
      expect(spki.includes(Buffer.from((await client.call('get-public-key', withId(id))).slice(1)))).toBe(true);
      expect(hasExtension(certificate, 1, '0403020401')).toBe(true);
      expect(hasExtension(certificate, 2, '020374cbb1')).toBe(true);
      expect(hasExtension(certificate, 3, '03020001')).toBe(true);
      expect(hasExtension(certificate, 4, '0303008001')).toBe(true);
      expect(hasExtension(certificate, 5, '03090000000000000000a0')).toBe(true);
      expect(hasExtension(certificate, 6, '02021234')).toBe(true);
      expect(hasExtension(certificate, 9, `0c08${Buffer.from('a signer').toString('hex')}`)).toBe(true);
      expect(certificate.serialNumber).toHaveLength(32);
    },
  );
  test('each certificate has a serial number of its own', async () => {
    const id = await client.create('generate-asymmetric-key', { algorithm: 'ecp256' });
    expect((await attest(id)).serialNumber).not.toBe((await attest(id)).serialNumber);
  });
  test('survives a reset', async () => {
    const before = await client.call('get-opaque', withId(0));
    await client.call('reset-device');
    expect(await (await DeviceClient.open(device)).call('get-opaque', withId(0))).toEqual(before);
  });
});

describe('an attesting key of the user', () => {
  const validity = sequence(time('260101000000Z'), time('270101000000Z'));
  const selfSigned = (key: KeyObject): Uint8Array => {
    const subject = nameOf('our own attestation');
    return issueCertificate({
      subject,
      issuer: subject,
      validity,
      publicKey: createPublicKey(key),
      extensions: [],
      signingKey: key,
    });
  };
  async function putAttester(key: KeyObject, certificate: Uint8Array | null): Promise<number> {
    const isRsa = key.asymmetricKeyType === 'rsa';
    const bytes = isRsa ? primesOf(key) : Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
    const id = await client.create(
      'put-asymmetric-key',
      { algorithm: isRsa ? 'rsa2048' : 'ecp256', can: ['sign-attestation-certificate'] },
      bytes,
    );
    if (certificate !== null)
      await client.create('put-opaque', { id, algorithm: 'opaque-x509-certificate' }, certificate);
    return id;
  }
  const ecKey = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;

  test.each([
    ['RSA', aPrivateKey('rsa2048')],
    ['EC', ecKey],
  ])('%s: signs with it and takes issuer and dates over', async (_name, key) => {
    const id = await client.create('generate-asymmetric-key', { algorithm: 'ecp384' });
    const certificate = await attest(id, await putAttester(key, selfSigned(key)));
    expect(certificate.verify(createPublicKey(key))).toBe(true);
    expect(certificate.issuer).toBe('CN=our own attestation');
    expect(certificate.validTo).toContain('2027');
  });
  test('needs its certificate, of its own id, and one that can be read', async () => {
    const id = await client.create('generate-asymmetric-key', { algorithm: 'ecp384' });
    await expectRefused(attest(id, await putAttester(ecKey, null)), 'object-not-found');
    await expectRefused(attest(id, await putAttester(ecKey, Buffer.from('no certificate'))), 'invalid-data');
  });
  test('needs the capability', async () => {
    const id = await client.create('generate-asymmetric-key', { algorithm: 'ecp384' });
    await expectRefused(attest(id, id), 'insufficient-permissions');
  });
});

test('Ed25519 keys are not attested, and what is not there neither', async () => {
  const id = await client.create('generate-asymmetric-key', { algorithm: 'ed25519' });
  await expectRefused(attest(id), 'invalid-data');
  await expectRefused(attest(id + 1), 'object-not-found');
});
