/**
 * Commands of a session as Yubico's libyubihsm and python-yubihsm write them, byte by byte, with test vectors of standards where there are some,
 * against the served simulator. No line of keyferry's wire code makes or reads a message here.
 */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
  verify,
} from 'node:crypto';
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServedConnector, serveConnector } from '../../src/adapters/yubihsm/simulator/connector-server.ts';
import type { FirmwareLevel } from '../../src/adapters/yubihsm/simulator/firmware.ts';
import { openSimulatedYubiHsm } from '../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { CAPABILITY_NAMES, capabilityMask } from '../../src/adapters/yubihsm/wire/capabilities.ts';
import { bytes, http, ShellSession } from '../support/yubihsm-shell-bytes.ts';

const served: ServedConnector[] = [];
async function serve(firmware: FirmwareLevel): Promise<string> {
  const connector = await serveConnector(await openSimulatedYubiHsm({ stateDir: null, firmware }), { port: 0 });
  served.push(connector);
  return connector.url;
}
async function login(at: string, id = 1, password = 'password'): Promise<ShellSession> {
  const session = new ShellSession(at);
  expect((await session.login(id, password)).authenticated.toString('hex')).toBe('840000');
  return session;
}

let url = '';
let session: ShellSession;
beforeAll(async () => {
  url = await serve('2.4');
  session = await login(url);
});
afterAll(async () => {
  for (const connector of served) await connector.close();
});

const u16 = (value: number): string => value.toString(16).padStart(4, '0');
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');
const LABEL = Buffer.from('bytes').toString('hex').padEnd(80, '0');
const ALL = 'ff'.repeat(8);

interface Header {
  readonly id: number;
  /** Bits of yubihsm.h. */
  readonly can?: readonly number[];
  readonly algorithm: number;
}
/** Id, label, domains, capabilities, algorithm. */
function header({ id, can = [], algorithm }: Header): string {
  const mask = can.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
  return `${u16(id)}${LABEL}ffff${mask.toString(16).padStart(16, '0')}${algorithm.toString(16).padStart(2, '0')}`;
}
const send = async (type: number, payload: string): Promise<string> => hex(await session.send(type, bytes(payload)));
/** Without type and length, which are checked. */
async function body(type: number, payload: string): Promise<string> {
  const reply = await session.send(type, bytes(payload));
  expect(hex(reply.subarray(0, 3))).toBe(hex(Buffer.of(type | 0x80)) + u16(reply.length - 3));
  return hex(reply.subarray(3));
}

it('has the capability bits of yubihsm.h', () => {
  // In the order of its table, which is that of the alphabet.
  const bits = {
    ...{ 'change-authentication-key': 0x2e, 'create-otp-aead': 0x1e, 'decrypt-cbc': 0x34, 'decrypt-ecb': 0x32 },
    ...{ 'decrypt-oaep': 0x0a, 'decrypt-otp': 0x1d, 'decrypt-pkcs': 0x09, 'delete-asymmetric-key': 0x29 },
    ...{ 'delete-authentication-key': 0x28, 'delete-hmac-key': 0x2b, 'delete-opaque': 0x27 },
    ...{ 'delete-otp-aead-key': 0x2d, 'delete-public-wrap-key': 0x37, 'delete-symmetric-key': 0x31 },
    ...{ 'delete-template': 0x2c, 'delete-wrap-key': 0x2a, 'derive-ecdh': 0x0b, 'encrypt-cbc': 0x35 },
    ...{ 'encrypt-ecb': 0x33, 'export-wrapped': 0x0c, 'exportable-under-wrap': 0x10, 'generate-asymmetric-key': 0x04 },
    ...{ 'generate-hmac-key': 0x15, 'generate-otp-aead-key': 0x24, 'generate-symmetric-key': 0x30 },
    ...{ 'generate-wrap-key': 0x0f, 'get-log-entries': 0x18, 'get-opaque': 0x00, 'get-option': 0x12 },
    ...{ 'get-pseudo-random': 0x13, 'get-template': 0x1a, 'import-wrapped': 0x0d, 'put-asymmetric-key': 0x03 },
    ...{ 'put-authentication-key': 0x02, 'put-mac-key': 0x14, 'put-opaque': 0x01, 'put-otp-aead-key': 0x23 },
    ...{ 'put-public-wrap-key': 0x36, 'put-symmetric-key': 0x2f, 'put-template': 0x1b, 'put-wrap-key': 0x0e },
    ...{ 'randomize-otp-aead': 0x1f, 'reset-device': 0x1c, 'rewrap-from-otp-aead-key': 0x20 },
    ...{ 'rewrap-to-otp-aead-key': 0x21, 'set-option': 0x11, 'sign-attestation-certificate': 0x22 },
    ...{ 'sign-ecdsa': 0x07, 'sign-eddsa': 0x08, 'sign-hmac': 0x16, 'sign-pkcs': 0x05, 'sign-pss': 0x06 },
    ...{ 'sign-ssh-certificate': 0x19, 'unwrap-data': 0x26, 'verify-hmac': 0x17, 'wrap-data': 0x25 },
  };
  const ours = CAPABILITY_NAMES.map((name) => [name, capabilityMask([name]).toString(2).length - 1]);
  expect(Object.fromEntries(ours)).toEqual(bits);
});

describe('put', () => {
  it('an authentication key that may and gives on all there is', async () => {
    const keys = '592fd483f759e29909a04c4505d2ce0a'.repeat(2);
    expect(await send(0x44, `0002${LABEL}ffff${ALL}26${ALL}${keys}`)).toBe('c400020002');
    expect(await body(0x4e, '0002 02')).toBe(`${ALL}0002 0028 ffff 02 26 00 02 ${LABEL}${ALL}`.replaceAll(' ', ''));
  });

  it('an EC key of scalar 1, whose point is the generator', async () => {
    const generator =
      '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
      '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5';
    const scalar = '1'.padStart(64, '0');
    expect(await send(0x45, `${header({ id: 0x10, can: [0x07, 0x0b], algorithm: 0x0c })}${scalar}`)).toBe('c500020010');
    expect(await body(0x54, '0010')).toBe(`0c${generator}`);
    const message = Buffer.from('ecdsa');
    const signature = await body(0x56, `0010${hex(createHash('sha256').update(message).digest())}`);
    const jwk = { kty: 'EC', crv: 'P-256', x: b64(generator.slice(0, 64)), y: b64(generator.slice(64)) };
    expect(verify('sha256', message, createPublicKey({ key: jwk, format: 'jwk' }), bytes(signature))).toBe(true);
    // A shared secret is X of the point times 1. No point of the curve, and none at all: invalid data.
    expect(await body(0x57, `001004${generator}`)).toBe(generator.slice(0, 64));
    expect(await send(0x57, `001004${'00'.repeat(64)}`)).toBe('7f000102');
    expect(await send(0x57, `001004${'ff'.repeat(64)}`)).toBe('7f000102');
    expect(await send(0x57, `001004${generator.slice(0, 126)}00`)).toBe('7f000102');
  });

  it('an Ed25519 key and its signature of RFC 8032, 7.1, test 2', async () => {
    const seed = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb';
    expect(await send(0x45, `${header({ id: 0x11, can: [0x08], algorithm: 0x2e })}${seed}`)).toBe('c500020011');
    expect(await body(0x54, '0011')).toBe('2e3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
    expect(await body(0x6a, '001172')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
  });

  it('an HMAC key and its MAC of RFC 4231, test 1', async () => {
    const mac = 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7';
    const data = hex(Buffer.from('Hi There'));
    expect(await send(0x52, `${header({ id: 0x12, can: [0x16, 0x17], algorithm: 0x14 })}${'0b'.repeat(20)}`)).toBe(
      'd200020012',
    );
    expect(await body(0x53, `0012${data}`)).toBe(mac);
    expect(await body(0x5c, `0012${mac}${data}`)).toBe('01');
    expect(await body(0x5c, `0012${mac}${data}00`)).toBe('00');
  });

  it('an AES key and its blocks of SP 800-38A, F.1.1 and F.2.1', async () => {
    const key = '2b7e151628aed2a6abf7158809cf4f3c';
    const block = '6bc1bee22e409f96e93d7e117393172a';
    const iv = '000102030405060708090a0b0c0d0e0f';
    const can = [0x32, 0x33, 0x34, 0x35];
    expect(await send(0x6d, `${header({ id: 0x13, can, algorithm: 0x32 })}${key}`)).toBe('ed00020013');
    expect(await body(0x70, `0013${block}`)).toBe('3ad77bb40d7a3660a89ecaf32466ef97');
    expect(await body(0x6f, '00133ad77bb40d7a3660a89ecaf32466ef97')).toBe(block);
    expect(await body(0x72, `0013${iv}${block}`)).toBe('7649abac8119b246cee98e9b12e9197d');
    expect(await body(0x71, `0013${iv}7649abac8119b246cee98e9b12e9197d`)).toBe(block);
  });

  it('an opaque, once', async () => {
    expect(await send(0x42, `${header({ id: 0x14, algorithm: 0x1e })}cafe`)).toBe('c200020014');
    expect(await send(0x42, `${header({ id: 0x14, algorithm: 0x1e })}cafe`)).toBe('7f000111');
    expect(await body(0x43, '0014')).toBe('cafe');
  });
});

const b64 = (value: string): string => bytes(value).toString('base64url');

it('signs and decrypts with an RSA key of p and q', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { p = '', q = '', n = '' } = privateKey.export({ format: 'jwk' });
  const key = Buffer.concat([Buffer.from(p, 'base64url'), Buffer.from(q, 'base64url')]);
  const can = [0x05, 0x06, 0x09, 0x0a];
  expect(await send(0x45, `${header({ id: 0x20, can, algorithm: 0x09 })}${hex(key)}`)).toBe('c500020020');
  expect(await body(0x54, '0020')).toBe(`09${hex(Buffer.from(n, 'base64url'))}`);
  const message = Buffer.from('rsa');
  const digest = hex(createHash('sha384').update(message).digest());
  expect(verify('sha384', message, publicKey, bytes(await body(0x47, `0020${digest}`)))).toBe(true);
  // MGF1 with SHA-384, 48 bytes of salt.
  const pss = bytes(await body(0x55, `0020 22 0030 ${digest}`));
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  expect(verify('sha384', message, { key: publicKey, padding, saltLength: 48 }, pss)).toBe(true);
  const pkcs1 = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, message);
  expect(await body(0x49, `0020${hex(pkcs1)}`)).toBe(hex(message));
  const unpadded = publicEncrypt(
    { key: publicKey, padding: constants.RSA_NO_PADDING },
    Buffer.concat([bytes('0001'), Buffer.alloc(254, 7)]),
  );
  expect(await send(0x49, `0020${hex(unpadded)}`)).toBe('7f000102');
  const label = Buffer.from('label');
  const oaep = publicEncrypt({ key: publicKey, oaepHash: 'sha256', oaepLabel: label }, message);
  const labelDigest = hex(createHash('sha256').update(label).digest());
  expect(await body(0x59, `0020 21 ${hex(oaep)} ${labelDigest}`)).toBe(hex(message));
  expect(await send(0x59, `0020 21 ${hex(oaep)} ${'00'.repeat(32)}`)).toBe('7f000102');
});

describe('under a wrap key that is known', () => {
  const key = randomBytes(32);
  const ccm = (plain: Buffer): string => {
    const nonce = randomBytes(13);
    const cipher = createCipheriv('aes-256-ccm', key, nonce, { authTagLength: 16 });
    return hex(Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
  };
  const open = (blob: Buffer): string => {
    const decipher = createDecipheriv('aes-256-ccm', key, blob.subarray(0, 13), { authTagLength: 16 });
    decipher.setAuthTag(blob.subarray(-16));
    return hex(Buffer.concat([decipher.update(blob.subarray(13, -16)), decipher.final()]));
  };
  const can = [0x0c, 0x0d, 0x25, 0x26];
  beforeAll(async () => {
    expect(await send(0x4c, `${header({ id: 0x30, can, algorithm: 0x2a })}${ALL}${hex(key)}`)).toBe('cc00020030');
  });

  it('an object goes out and another comes in', async () => {
    const aes = 'aa'.repeat(16);
    await send(0x6d, `${header({ id: 0x31, can: [0x10], algorithm: 0x32 })}${aes}`);
    const inner = open(bytes(await body(0x4a, '0030 08 0031')));
    const rest = `0010 ffff 08 32 00 02 ${LABEL}${aes}`.replaceAll(' ', '');
    expect(inner).toBe(`2a 0000000000010000 0031 ${rest}`.replaceAll(' ', ''));
    expect(await send(0x4b, `0030${ccm(bytes(`2a 0000000000010000 0032 ${rest}`))}`)).toBe('cb0003080032');
    // Imported under wrap: 0x10 beside what it was.
    expect((await body(0x4e, '0032 08')).slice(20, 36)).toBe('0010ffff08320012');
    expect(await send(0x4b, `0030${ccm(bytes(`2a 0000000000010000 0032 ${rest}`))}`)).toBe('7f000111');
    expect(await send(0x4b, `0030${'00'.repeat(60)}`)).toBe('7f000102');
  });

  it('data goes and comes', async () => {
    expect(open(bytes(await body(0x68, '0030cafe')))).toBe('00cafe');
    expect(await body(0x69, `0030${ccm(bytes('00cafe'))}`)).toBe('cafe');
    expect(await send(0x69, `0030${ccm(bytes('01cafe'))}`)).toBe('7f000102');
  });
});

describe('options and the log', () => {
  it('are read and set as TLV', async () => {
    expect(await send(0x50, '01')).toBe('d0000100');
    expect(await send(0x4f, '03 0002 4801')).toBe('cf0000');
    const pairs = (await body(0x50, '03')).match(/..../g) ?? [];
    expect(pairs.filter((pair) => pair.startsWith('48'))).toEqual(['4801']);
    expect(await send(0x4f, '03 0002 4800')).toBe('cf0000');
    expect(await send(0x4f, '03 0003 4800')).toBe('7f000108');
  });

  it('begin a log with two entries, and are let go by who may only read it', async () => {
    const at = await serve('2.1');
    const admin = await login(at);
    const log = hex(await admin.send(0x4d));
    expect(log.slice(0, 16)).toBe(`cd${u16(5 + 4 * 32)}0000000004`);
    const entries = (log.slice(16).match(/.{64}/g) ?? []).map((entry) => entry.slice(0, 32));
    expect(entries.slice(0, 2)).toEqual([`0001${'ff'.repeat(14)}`, '0002000000ffff000000000000000000']);
    // Create session with key 1, then its second half; 10 and 17 bytes, results 83 and 84, and a tick.
    expect(entries[2]?.slice(0, 24)).toBe('000303000affff0001ffff83');
    expect(entries[3]?.slice(0, 24)).toBe('0004040011ffff0001ffff84');
    const reader = `0003${LABEL}ffff${(1 << 0x18).toString(16).padStart(16, '0')}26${'00'.repeat(8)}`;
    expect(
      hex(await admin.send(0x44, bytes(`${reader}090b47dbed595654901dee1cc655e420592fd483f759e29909a04c4505d2ce0a`))),
    ).toBe('c400020003');
    const session = await login(at, 3);
    expect(hex(await session.send(0x67, bytes('0004')))).toBe('e70000');
    expect(hex(await session.send(0x4d)).slice(16, 20)).toBe('0005');
  });
});

describe('a session', () => {
  it('goes on after a command that the device does not know', async () => {
    for (const code of [0x5d, 0x3f, 0x78]) expect(hex(await session.send(code))).toBe('7f000101');
    expect(await send(0x01, 'cafe')).toBe('810002cafe');
  });

  it('stands beside another of the same key', async () => {
    const other = await login(url);
    for (let round = 0; round < 10; round += 1) {
      expect(hex(await other.send(0x01, Buffer.of(round)))).toBe(`810001${u16(round).slice(2)}`);
      expect(await send(0x01, u16(round))).toBe(`810002${u16(round)}`);
    }
    await other.send(0x40);
    expect(await send(0x01, '00')).toBe('81000100');
  });

  it('echoes 2021 bytes on firmware 2.0, whose messages are of 2048', async () => {
    const at = await serve('2.0');
    const old = await login(at);
    const data = Buffer.alloc(2021, 0x61);
    expect(hex(await old.post(Buffer.concat([bytes('0107e5'), data])))).toBe(`8107e5${hex(data)}`);
    expect(hex(await old.send(0x01, data))).toBe(`8107e5${hex(data)}`);
  });
});

describe('the connector', () => {
  const ask = (headers: Record<string, string>, agent?: Agent): Promise<{ status: number; reused: boolean }> =>
    new Promise((resolve, reject) => {
      const sent = request(`${url}/connector/api`, { method: 'POST', headers, agent }, (response) => {
        response.resume();
        response.on('end', () => resolve({ status: response.statusCode ?? 0, reused: sent.reusedSocket }));
      });
      sent.on('error', reject);
      sent.end(bytes('010001aa'));
    });

  it('keeps a connection open for the next message', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const length = { 'Content-Length': '4' };
      expect(await ask(length, agent)).toEqual({ status: 200, reused: false });
      expect(await ask(length, agent)).toEqual({ status: 200, reused: true });
    } finally {
      agent.destroy();
    }
  });

  it('lets a client ask first, as curl does with what is long', async () => {
    expect(await ask({ 'Content-Length': '4', Expect: '100-continue' })).toMatchObject({ status: 200 });
  });

  it('refuses a message of unknown length', async () => {
    expect(await ask({ 'Transfer-Encoding': 'chunked' })).toMatchObject({ status: 400 });
    expect((await http(`${url}/connector/api`, { method: 'POST' })).status).toBe(400);
  });
});
