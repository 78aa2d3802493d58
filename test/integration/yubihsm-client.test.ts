/** The YubiHSM client against the simulated device: every command of the client, in process and over real HTTP, and what faults do to it. */
import {
  createECDH,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  verify,
  X509Certificate,
} from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blinkDevice } from '../../src/adapters/yubihsm/commands/blink-device.ts';
import { decryptCbc, decryptEcb, encryptCbc, encryptEcb } from '../../src/adapters/yubihsm/commands/block-cipher.ts';
import { changeAuthenticationKey } from '../../src/adapters/yubihsm/commands/change-authentication-key.ts';
import { deleteObject } from '../../src/adapters/yubihsm/commands/delete-object.ts';
import { deriveEcdh } from '../../src/adapters/yubihsm/commands/derive-ecdh.ts';
import { getOption, OPTION, readSwitches, setOption } from '../../src/adapters/yubihsm/commands/device-option.ts';
import { exportRsaWrapped, getRsaWrappedKey } from '../../src/adapters/yubihsm/commands/export-rsa-wrapped.ts';
import { exportWrapped } from '../../src/adapters/yubihsm/commands/export-wrapped.ts';
import { generateAsymmetricKey } from '../../src/adapters/yubihsm/commands/generate-asymmetric-key.ts';
import { generateHmacKey } from '../../src/adapters/yubihsm/commands/generate-hmac-key.ts';
import { generateSymmetricKey } from '../../src/adapters/yubihsm/commands/generate-symmetric-key.ts';
import { generateWrapKey } from '../../src/adapters/yubihsm/commands/generate-wrap-key.ts';
import { getDeviceInfo, getPartNumber } from '../../src/adapters/yubihsm/commands/get-device-info.ts';
import { getLogEntries } from '../../src/adapters/yubihsm/commands/get-log-entries.ts';
import { getObjectInfo } from '../../src/adapters/yubihsm/commands/get-object-info.ts';
import { getOpaque } from '../../src/adapters/yubihsm/commands/get-opaque.ts';
import { getPseudoRandom } from '../../src/adapters/yubihsm/commands/get-pseudo-random.ts';
import { getPublicKey } from '../../src/adapters/yubihsm/commands/get-public-key.ts';
import { getStorageInfo } from '../../src/adapters/yubihsm/commands/get-storage-info.ts';
import { importRsaWrapped } from '../../src/adapters/yubihsm/commands/import-rsa-wrapped.ts';
import { importWrapped } from '../../src/adapters/yubihsm/commands/import-wrapped.ts';
import { listObjects } from '../../src/adapters/yubihsm/commands/list-objects.ts';
import { putAuthenticationKey } from '../../src/adapters/yubihsm/commands/put-authentication-key.ts';
import { putOpaque } from '../../src/adapters/yubihsm/commands/put-opaque.ts';
import { putPublicWrapKey } from '../../src/adapters/yubihsm/commands/put-public-wrap-key.ts';
import { putRsaWrappedKey } from '../../src/adapters/yubihsm/commands/put-rsa-wrapped-key.ts';
import { putWrapKey } from '../../src/adapters/yubihsm/commands/put-wrap-key.ts';
import { resetDevice } from '../../src/adapters/yubihsm/commands/reset-device.ts';
import { setLogIndex } from '../../src/adapters/yubihsm/commands/set-log-index.ts';
import { signEcdsa, signEddsa } from '../../src/adapters/yubihsm/commands/sign.ts';
import { signAttestationCertificate } from '../../src/adapters/yubihsm/commands/sign-attestation-certificate.ts';
import { signHmac, verifyHmac } from '../../src/adapters/yubihsm/commands/sign-hmac.ts';
import { unwrapData, wrapData } from '../../src/adapters/yubihsm/commands/wrap-data.ts';
import type { Connector } from '../../src/adapters/yubihsm/connector/connector.ts';
import { HttpConnector } from '../../src/adapters/yubihsm/connector/http-connector.ts';
import { passwordLogin, privateKeyLogin } from '../../src/adapters/yubihsm/session/login.ts';
import { openSession } from '../../src/adapters/yubihsm/session/open-session.ts';
import { callPlain } from '../../src/adapters/yubihsm/session/plain-exchange.ts';
import type { Session } from '../../src/adapters/yubihsm/session/session.ts';
import { staticKeysFromPassword } from '../../src/adapters/yubihsm/session/static-keys.ts';
import { type ServedConnector, serveConnector } from '../../src/adapters/yubihsm/simulator/connector-server.ts';
import type { YubiHsmFault } from '../../src/adapters/yubihsm/simulator/faults.ts';
import { openSimulatedYubiHsm, type SimulatedYubiHsm } from '../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { ALGORITHM, type AlgorithmName } from '../../src/adapters/yubihsm/wire/algorithms.ts';
import { ALL_CAPABILITIES, type CapabilityName, capabilityMask } from '../../src/adapters/yubihsm/wire/capabilities.ts';
import { COMMAND } from '../../src/adapters/yubihsm/wire/command-codes.ts';
import { LARGE_MESSAGE_BYTES } from '../../src/adapters/yubihsm/wire/frame.ts';
import { labelOf } from '../../src/adapters/yubihsm/wire/label.ts';
import { followsInLog } from '../../src/adapters/yubihsm/wire/log-entry.ts';
import { digestOfLabel } from '../../src/adapters/yubihsm/wire/oaep.ts';
import { OBJECT_TYPE } from '../../src/adapters/yubihsm/wire/object-types.ts';
import { rsaUnwrap } from '../../src/adapters/yubihsm/wire/rsa-wrap.ts';
import { Secret } from '../../src/keys/secret.ts';
import { connectorOf } from '../support/yubihsm-device-connector.ts';
import { aPrivateKey, modulusOf, primesOf } from '../support/yubihsm-device-keys.ts';

let device: SimulatedYubiHsm;
let served: ServedConnector | undefined;
let connector: Connector;

async function start(way: 'in process' | 'over HTTP', faults: readonly YubiHsmFault[] = []): Promise<void> {
  device = await openSimulatedYubiHsm({ stateDir: null, faults: { faults } });
  served = way === 'over HTTP' ? await serveConnector(device, { port: 0 }) : undefined;
  connector = served === undefined ? connectorOf(device) : new HttpConnector({ url: served.url });
}

afterEach(async () => {
  await connector.close();
  await served?.close();
  await device.close();
});

const peer = () => ({ connector, device: 'token' });
const login = async (password = 'password', keyId = 1): Promise<Session> =>
  await openSession({
    peer: peer(),
    login: await passwordLogin(keyId, new Secret(password)),
    messageLimit: LARGE_MESSAGE_BYTES,
  });

const EXPORTABLE: readonly CapabilityName[] = ['exportable-under-wrap', 'sign-ecdsa', 'sign-eddsa', 'derive-ecdh'];
const header = (algorithm: AlgorithmName, can: readonly CapabilityName[] = []) => ({
  id: 0,
  label: labelOf('a test object'),
  domains: 1,
  capabilities: capabilityMask(can),
  algorithm: ALGORITHM[algorithm],
});
const delegatedCapabilities = capabilityMask(EXPORTABLE);
const asymmetric = (id: number) => ({ type: OBJECT_TYPE['asymmetric-key'], id });

describe.each(['in process', 'over HTTP'] as const)('%s', (way) => {
  let session: Session;
  beforeEach(async () => {
    await start(way);
    session = await login();
  });

  test('status and device info', async () => {
    expect(await connector.status()).toMatchObject({ status: 'OK', serial: device.serial });
    expect(await callPlain(peer(), getDeviceInfo, undefined)).toMatchObject({
      serial: Number(device.serial),
      logTotal: 62,
    });
    expect(await callPlain(peer(), getPartNumber, undefined)).toBe('KEYFERRY-SIM');
  });

  test('generate, list, sign, export, delete, import, and the same key again', async () => {
    const id = await session.call(generateAsymmetricKey, header('ecp256', EXPORTABLE));
    const before = await session.call(getPublicKey, asymmetric(id));
    const wrapKeyId = await session.call(generateWrapKey, {
      ...header('aes256-ccm-wrap', ['export-wrapped', 'import-wrapped']),
      delegatedCapabilities,
    });
    expect(await session.call(listObjects, { type: OBJECT_TYPE['asymmetric-key'] })).toEqual([
      { ...asymmetric(id), sequence: 0 },
    ]);
    const wrapped = await session.call(exportWrapped, { wrapKeyId, object: asymmetric(id) });
    await session.call(deleteObject, asymmetric(id));
    await expect(session.call(getObjectInfo, asymmetric(id))).rejects.toMatchObject({ native: { value: 0x0b } });
    expect(await session.call(importWrapped, { wrapKeyId, wrapped })).toEqual(asymmetric(id));
    expect(await session.call(getPublicKey, asymmetric(id))).toEqual(before);
    expect(await session.call(getObjectInfo, asymmetric(id))).toMatchObject({ origin: 0x11, sequence: 1 });
    await expect(session.call(importWrapped, { wrapKeyId, wrapped })).rejects.toMatchObject({
      native: { value: 0x11 },
    });
    const digest = createHash('sha256').update('message').digest();
    const signature = await session.call(signEcdsa, { id, digest });
    const point = createPublicKey({ key: jwkOf(await publicKeyBytes(session, id)), format: 'jwk' });
    expect(verify('sha256', Buffer.from('message'), point, signature)).toBe(true);
  });

  test('attestation', async () => {
    const id = await session.call(generateAsymmetricKey, header('ecp384'));
    const certificate = new X509Certificate(await session.call(signAttestationCertificate, { id, attesterId: 0 }));
    const own = new X509Certificate(await session.call(getOpaque, { id: 0 }));
    expect(certificate.verify(own.publicKey)).toBe(true);
    expect(own.verify(new X509Certificate(device.attestationRoot).publicKey)).toBe(true);
  });

  test('the log, its chain, and freeing it', async () => {
    const pairs = [COMMAND['get-pseudo-random'], COMMAND['put-opaque']].flatMap((command) => [command, 1]);
    await session.call(setOption, { option: OPTION.commandAudit, value: Uint8Array.from(pairs) });
    const settings = readSwitches(await session.call(getOption, { option: OPTION.commandAudit }));
    expect([settings.get(COMMAND['put-opaque']), settings.get(COMMAND['get-opaque'])]).toEqual([1, 0]);
    for (let count = 0; count < 3; count += 1) await session.call(getPseudoRandom, { count: 16 });
    const { entries } = await session.call(getLogEntries, undefined);
    expect(entries.map(({ command }) => command)).toEqual([0xff, 0, 0x51, 0x51, 0x51]);
    for (const [index, entry] of entries.entries())
      if (index > 0) expect(followsInLog(entry, entries[index - 1] ?? entry)).toBe(true);
    await session.call(setLogIndex, { number: entries[3]?.number ?? 0 });
    expect((await session.call(getLogEntries, undefined)).entries).toEqual(entries.slice(4));
  });

  test('RSA wrapped: the key alone for anybody, whole objects for a YubiHSM', async () => {
    const host = aPrivateKey('rsa2048');
    const oaep = {
      oaepAlgorithm: ALGORITHM['rsa-oaep-sha256'],
      mgf1Algorithm: ALGORITHM['mgf1-sha256'],
      labelDigest: digestOfLabel('sha256'),
    };
    const publicId = await session.call(putPublicWrapKey, {
      ...header('rsa2048', ['export-wrapped']),
      delegatedCapabilities,
      modulus: modulusOf(host),
    });
    const privateId = await session.call(putWrapKey, {
      ...header('rsa2048', ['import-wrapped']),
      delegatedCapabilities,
      key: primesOf(host),
    });
    const id = await session.call(generateAsymmetricKey, header('ecp521', EXPORTABLE));
    const request = { wrapKeyId: publicId, object: asymmetric(id), aesAlgorithm: ALGORITHM.aes256, ...oaep };
    const alone = await session.call(getRsaWrappedKey, request);
    const whole = await session.call(exportRsaWrapped, request);
    const before = await session.call(getPublicKey, asymmetric(id));
    const opened = rsaUnwrap(alone, host, { hash: 'sha256', mgf1Hash: 'sha256', labelDigest: oaep.labelDigest });
    const spki = createPublicKey({ key: pem('PRIVATE KEY', opened ?? new Uint8Array(0)) }).export({
      type: 'spki',
      format: 'der',
    });
    expect(spki.includes(Buffer.from(await publicKeyBytes(session, id)))).toBe(true);
    await session.call(deleteObject, asymmetric(id));
    await session.call(importRsaWrapped, { wrapKeyId: privateId, wrapped: whole, ...oaep });
    expect(await session.call(getPublicKey, asymmetric(id))).toEqual(before);
    const wanted = { ...header('ecp521', ['sign-ecdsa']), type: OBJECT_TYPE['asymmetric-key'] };
    const put = await session.call(putRsaWrappedKey, { ...wanted, wrapKeyId: privateId, wrapped: alone, ...oaep });
    expect(await session.call(getPublicKey, put)).toEqual(before);
  });

  test('ciphers, MACs, agreement, EdDSA, data under wrap', async () => {
    const aes = await session.call(
      generateSymmetricKey,
      header('aes256', ['encrypt-ecb', 'decrypt-ecb', 'encrypt-cbc', 'decrypt-cbc']),
    );
    const [data, iv] = [randomBytes(64), randomBytes(16)];
    const ecb = await session.call(encryptEcb, { id: aes, data });
    expect(await session.call(decryptEcb, { id: aes, data: ecb })).toEqual(new Uint8Array(data));
    const cbc = await session.call(encryptCbc, { id: aes, iv, data });
    expect(await session.call(decryptCbc, { id: aes, iv, data: cbc })).toEqual(new Uint8Array(data));
    const hmac = await session.call(generateHmacKey, header('hmac-sha512', ['sign-hmac', 'verify-hmac']));
    const mac = await session.call(signHmac, { id: hmac, data });
    expect(await session.call(verifyHmac, { id: hmac, data, mac })).toBe(true);
    const ec = await session.call(generateAsymmetricKey, header('ecp256', ['derive-ecdh']));
    const ecdh = createECDH('prime256v1');
    const point = ecdh.generateKeys();
    const secret = ecdh.computeSecret(Buffer.concat([Uint8Array.of(4), await publicKeyBytes(session, ec)]));
    expect(await session.call(deriveEcdh, { id: ec, point })).toEqual(new Uint8Array(secret));
    const ed = await session.call(generateAsymmetricKey, header('ed25519', ['sign-eddsa']));
    expect(await session.call(signEddsa, { id: ed, data })).toHaveLength(64);
    const wrap = await session.call(generateWrapKey, {
      ...header('aes128-ccm-wrap', ['wrap-data', 'unwrap-data']),
      delegatedCapabilities: 0n,
    });
    const wrapped = await session.call(wrapData, { id: wrap, data });
    expect(await session.call(unwrapData, { id: wrap, data: wrapped })).toEqual(new Uint8Array(data));
  });

  test('another password, a changed one, and a private key', async () => {
    const { enc, mac } = await staticKeysFromPassword('first');
    const base = {
      id: 9,
      label: labelOf('operator'),
      domains: 1,
      capabilities: ALL_CAPABILITIES,
      delegatedCapabilities,
    };
    await session.call(putAuthenticationKey, { ...base, material: { kind: 'symmetric', enc, mac } });
    const own = await login('first', 9);
    const next = await staticKeysFromPassword('second');
    await own.call(changeAuthenticationKey, { id: 9, material: { kind: 'symmetric', ...next } });
    await expect(login('first', 9)).rejects.toMatchObject({ code: 'login-refused' });
    await (await login('second', 9)).close();
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    const point = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
    await session.call(putAuthenticationKey, { ...base, id: 10, material: { kind: 'public-key', point } });
    const asymmetricSession = await openSession({
      peer: peer(),
      login: privateKeyLogin(10, privateKey, null),
      messageLimit: LARGE_MESSAGE_BYTES,
    });
    expect(await asymmetricSession.call(getPseudoRandom, { count: 8 })).toHaveLength(8);
  });

  test('storage, blink, an opaque, and a reset', async () => {
    const id = await session.call(putOpaque, {
      ...header('opaque-data', EXPORTABLE.slice(0, 1)),
      data: randomBytes(1968),
    });
    expect(await session.call(getOpaque, { id })).toHaveLength(1968);
    expect(await session.call(getStorageInfo, undefined)).toMatchObject({ freeRecords: 254 });
    await session.call(blinkDevice, { seconds: 1 });
    await session.call(resetDevice, undefined);
    await expect(session.call(getStorageInfo, undefined)).rejects.toThrow();
    expect(await (await login()).call(listObjects, {})).toHaveLength(1);
  });

  test('wrong passwords take no session away', async () => {
    for (let attempt = 0; attempt < 20; attempt += 1)
      await expect(login('wrong')).rejects.toMatchObject({ code: 'login-refused' });
    await (await login()).close();
  });

  test('full sessions are said to be', async () => {
    for (let count = 1; count < 16; count += 1) await login();
    await expect(login()).rejects.toMatchObject({ code: 'device-busy', native: { value: 5 } });
  });
});

async function publicKeyBytes(session: Session, id: number): Promise<Uint8Array> {
  const reply: Record<string, unknown> = { ...(await session.call(getPublicKey, asymmetric(id))) };
  const bytes = Object.values(reply).find((value) => value instanceof Uint8Array);
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(0);
}

const jwkOf = (point: Uint8Array) => ({
  kty: 'EC',
  crv: 'P-256',
  x: Buffer.from(point.slice(0, 32)).toString('base64url'),
  y: Buffer.from(point.slice(32)).toString('base64url'),
});

const pem = (name: string, der: Uint8Array): string =>
  `-----BEGIN ${name}-----\n${Buffer.from(der).toString('base64')}\n-----END ${name}-----\n`;

describe.each(['in process', 'over HTTP'] as const)('what faults do to the client, %s', (way) => {
  const put = (session: Session) =>
    session.call(putOpaque, { ...header('opaque-data'), id: 5, data: Buffer.from('data') });
  const exists = async (): Promise<boolean> =>
    (await (await login()).call(listObjects, { type: OBJECT_TYPE.opaque })).length === 1;

  test.each([
    ['lose-reply', true],
    ['drop-before', false],
    ['corrupt-reply', true],
    ['outer-error', false],
  ] as const)('%s: the outcome is unknown and the session over', async (kind, isDone) => {
    await start(way, [{ command: 'put-opaque', kind }]);
    const session = await login();
    await expect(put(session)).rejects.toMatchObject({ outcome: 'unknown' });
    expect(session.isOpen).toBe(false);
    expect(await exists()).toBe(isDone);
  });
  test('log-full: refused for certain, and the session goes on', async () => {
    await start(way, [{ command: 'put-opaque', kind: 'log-full', nth: 1 }]);
    const session = await login();
    await expect(put(session)).rejects.toMatchObject({ outcome: 'not-applied', native: { value: 0x0a } });
    expect(await put(session)).toBe(5);
  });
  test('busy-sessions: busy, and free the next time', async () => {
    await start(way, [{ command: 'create-session', kind: 'busy-sessions', nth: 1 }]);
    await expect(login()).rejects.toMatchObject({ code: 'device-busy' });
    await (await login()).close();
  });
});
