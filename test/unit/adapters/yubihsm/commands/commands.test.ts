/** Every command: its bytes, its reply, replies that are not it, and requests that cannot be made. Bytes are written out from the format. */
import { describe, expect, test } from 'vitest';
import { blinkDevice } from '../../../../../src/adapters/yubihsm/commands/blink-device.ts';
import {
  decryptCbc,
  decryptEcb,
  encryptCbc,
  encryptEcb,
} from '../../../../../src/adapters/yubihsm/commands/block-cipher.ts';
import { changeAuthenticationKey } from '../../../../../src/adapters/yubihsm/commands/change-authentication-key.ts';
import { closeSession } from '../../../../../src/adapters/yubihsm/commands/close-session.ts';
import type { Command } from '../../../../../src/adapters/yubihsm/commands/command.ts';
import { decryptOaep, decryptPkcs1 } from '../../../../../src/adapters/yubihsm/commands/decrypt-rsa.ts';
import { deleteObject } from '../../../../../src/adapters/yubihsm/commands/delete-object.ts';
import { deriveEcdh } from '../../../../../src/adapters/yubihsm/commands/derive-ecdh.ts';
import {
  getOption,
  OPTION,
  readSwitch,
  readSwitches,
  setOption,
} from '../../../../../src/adapters/yubihsm/commands/device-option.ts';
import { echo } from '../../../../../src/adapters/yubihsm/commands/echo.ts';
import { exportRsaWrapped, getRsaWrappedKey } from '../../../../../src/adapters/yubihsm/commands/export-rsa-wrapped.ts';
import { exportWrapped } from '../../../../../src/adapters/yubihsm/commands/export-wrapped.ts';
import { generateAsymmetricKey } from '../../../../../src/adapters/yubihsm/commands/generate-asymmetric-key.ts';
import { generateHmacKey } from '../../../../../src/adapters/yubihsm/commands/generate-hmac-key.ts';
import { generateSymmetricKey } from '../../../../../src/adapters/yubihsm/commands/generate-symmetric-key.ts';
import { generateWrapKey } from '../../../../../src/adapters/yubihsm/commands/generate-wrap-key.ts';
import { getDeviceInfo, getPartNumber } from '../../../../../src/adapters/yubihsm/commands/get-device-info.ts';
import { getDevicePublicKey } from '../../../../../src/adapters/yubihsm/commands/get-device-public-key.ts';
import { getLogEntries } from '../../../../../src/adapters/yubihsm/commands/get-log-entries.ts';
import { getObjectInfo } from '../../../../../src/adapters/yubihsm/commands/get-object-info.ts';
import { getOpaque } from '../../../../../src/adapters/yubihsm/commands/get-opaque.ts';
import { getPseudoRandom } from '../../../../../src/adapters/yubihsm/commands/get-pseudo-random.ts';
import { getPublicKey } from '../../../../../src/adapters/yubihsm/commands/get-public-key.ts';
import { getStorageInfo } from '../../../../../src/adapters/yubihsm/commands/get-storage-info.ts';
import { importRsaWrapped } from '../../../../../src/adapters/yubihsm/commands/import-rsa-wrapped.ts';
import { importWrapped } from '../../../../../src/adapters/yubihsm/commands/import-wrapped.ts';
import { listObjects } from '../../../../../src/adapters/yubihsm/commands/list-objects.ts';
import { putAsymmetricKey } from '../../../../../src/adapters/yubihsm/commands/put-asymmetric-key.ts';
import { putAuthenticationKey } from '../../../../../src/adapters/yubihsm/commands/put-authentication-key.ts';
import { putHmacKey } from '../../../../../src/adapters/yubihsm/commands/put-hmac-key.ts';
import { putOpaque } from '../../../../../src/adapters/yubihsm/commands/put-opaque.ts';
import { putPublicWrapKey } from '../../../../../src/adapters/yubihsm/commands/put-public-wrap-key.ts';
import { putRsaWrappedKey } from '../../../../../src/adapters/yubihsm/commands/put-rsa-wrapped-key.ts';
import { putSymmetricKey } from '../../../../../src/adapters/yubihsm/commands/put-symmetric-key.ts';
import { putWrapKey } from '../../../../../src/adapters/yubihsm/commands/put-wrap-key.ts';
import { resetDevice } from '../../../../../src/adapters/yubihsm/commands/reset-device.ts';
import { setLogIndex } from '../../../../../src/adapters/yubihsm/commands/set-log-index.ts';
import { signEcdsa, signEddsa, signPkcs1, signPss } from '../../../../../src/adapters/yubihsm/commands/sign.ts';
import { signAttestationCertificate } from '../../../../../src/adapters/yubihsm/commands/sign-attestation-certificate.ts';
import { signHmac, verifyHmac } from '../../../../../src/adapters/yubihsm/commands/sign-hmac.ts';
import { unwrapData, wrapData } from '../../../../../src/adapters/yubihsm/commands/wrap-data.ts';
import { ALGORITHM } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import { labelOf } from '../../../../../src/adapters/yubihsm/wire/label.ts';
import { WireError } from '../../../../../src/adapters/yubihsm/wire/wire-error.ts';
import { KeyferryError } from '../../../../../src/errors/keyferry-error.ts';
import { factoryLogin, openWireSession, WireConnector } from '../../../../support/yubihsm-wire-connector.ts';
import { errorFrame, frameOf, WireDevice } from '../../../../support/yubihsm-wire-device.ts';
import { fromHex, toHex } from '../../../../support/yubihsm-wire-vectors.ts';

const fill = (length: number, byte = 0xaa): Uint8Array => new Uint8Array(length).fill(byte);
const times = (hex: string, count: number): string => hex.repeat(count);

const LABEL = `6b31${times('00', 38)}`;
const base = { id: 0x0150, label: labelOf('k1'), domains: 5, capabilities: 0x10080n };
/** id | label | domains | capabilities, then the algorithm. */
const HEADER = `0150${LABEL}00050000000000010080`;
const DELEGATED = '0000000000000080';
const delegated = { delegatedCapabilities: 0x80n };
const oaep = {
  oaepAlgorithm: ALGORITHM['rsa-oaep-sha256'],
  mgf1Algorithm: ALGORITHM['mgf1-sha256'],
  labelDigest: fill(32, 0xee),
};
const DIGEST = times('ee', 32);

interface Example {
  readonly name: string;
  readonly code: number;
  readonly effect: string;
  readonly sent: string;
  readonly reply: string;
  readonly value: unknown;
  /** Replies that must not be taken, in hex. */
  readonly wrong: readonly string[];
  encode(): Uint8Array;
  decode(reply: Uint8Array): unknown;
  call(session: { call<Q, R>(command: Command<Q, R>, request: Q): Promise<R> }): Promise<unknown>;
}

function example<Request, Reply>(
  name: string,
  command: Command<Request, Reply>,
  request: Request,
  expected: { readonly sent: string; readonly reply: string; readonly value: Reply; readonly wrong: readonly string[] },
): Example {
  return {
    name,
    code: command.code,
    effect: command.effect,
    ...expected,
    encode: () => command.encode(request),
    decode: (reply) => command.decode(reply, request),
    call: (session) => session.call(command, request),
  };
}

const CREATED = { reply: '0150', value: 0x0150, wrong: ['', '01', '0151', '0000', 'ffff', '015000'] };
const IMPORTED = {
  reply: '030150',
  value: { type: 3, id: 0x150 },
  wrong: ['', '0301', '030000', '03ffff', '03015000'],
};
const NOTHING = { reply: '', value: undefined, wrong: ['00', '0150'] };
const INFO = `00000000000100800150006000050 30c0102${LABEL}0000000000000000`.replaceAll(' ', '');
const RSA_BLOB = times('bb', 256 + 24);
const exportRequest = { wrapKeyId: 0x0200, object: { type: 3, id: 0x150 }, aesAlgorithm: ALGORITHM.aes256, ...oaep };
const EXPORT = `0200 03 0150 34 1a 21 ${DIGEST}`;

const EXAMPLES: readonly Example[] = [
  example('echo', echo, fill(2), {
    sent: 'aaaa',
    reply: 'aaaa',
    value: undefined,
    wrong: ['', 'aa', 'aaab', 'aaaaaa'],
  }),
  example('close-session', closeSession, undefined, { sent: '', ...NOTHING }),
  example('reset-device', resetDevice, undefined, { sent: '', ...NOTHING }),
  example('blink-device', blinkDevice, { seconds: 5 }, { sent: '05', ...NOTHING }),
  example('get-storage-info', getStorageInfo, undefined, {
    sent: '',
    reply: '0100 00ff 0400 03f0 007e',
    value: { totalRecords: 256, freeRecords: 255, totalPages: 1024, freePages: 1008, pageBytes: 126 },
    wrong: ['', '010000ff040003f000', '010000ff040003f0007e00', '0100 0101 0400 03f0 007e', '0100 00ff 0400 0401 007e'],
  }),
  example(
    'put-opaque',
    putOpaque,
    { ...base, algorithm: 30, data: fill(3) },
    { sent: `${HEADER}1eaaaaaa`, ...CREATED },
  ),
  example(
    'get-opaque',
    getOpaque,
    { id: 0x150 },
    { sent: '0150', reply: '0102', value: Uint8Array.of(1, 2), wrong: [] },
  ),
  example(
    'put-authentication-key',
    putAuthenticationKey,
    { ...base, ...delegated, material: { kind: 'symmetric', enc: fill(16, 1), mac: fill(16, 2) } },
    { sent: `${HEADER}26${DELEGATED}${times('01', 16)}${times('02', 16)}`, ...CREATED },
  ),
  example(
    'put-authentication-key, public',
    putAuthenticationKey,
    { ...base, ...delegated, material: { kind: 'public-key', point: fill(64) } },
    { sent: `${HEADER}31${DELEGATED}${times('aa', 64)}`, ...CREATED },
  ),
  example(
    'change-authentication-key',
    changeAuthenticationKey,
    { id: 0x150, material: { kind: 'symmetric', enc: fill(16, 1), mac: fill(16, 2) } },
    { sent: `015026${times('01', 16)}${times('02', 16)}`, ...CREATED },
  ),
  example(
    'put-asymmetric-key',
    putAsymmetricKey,
    { ...base, algorithm: ALGORITHM.ecp521, key: fill(66) },
    { sent: `${HEADER}0e${times('aa', 66)}`, ...CREATED },
  ),
  example(
    'generate-asymmetric-key',
    generateAsymmetricKey,
    { ...base, algorithm: 9 },
    { sent: `${HEADER}09`, ...CREATED },
  ),
  example(
    'put-symmetric-key',
    putSymmetricKey,
    { ...base, algorithm: 52, key: fill(32) },
    { sent: `${HEADER}34${times('aa', 32)}`, ...CREATED },
  ),
  example(
    'generate-symmetric-key',
    generateSymmetricKey,
    { ...base, algorithm: 50 },
    { sent: `${HEADER}32`, ...CREATED },
  ),
  example(
    'put-hmac-key',
    putHmacKey,
    { ...base, algorithm: 20, key: fill(5) },
    { sent: `${HEADER}14aaaaaaaaaa`, ...CREATED },
  ),
  example('generate-hmac-key', generateHmacKey, { ...base, algorithm: 22 }, { sent: `${HEADER}16`, ...CREATED }),
  example(
    'put-wrap-key',
    putWrapKey,
    { ...base, ...delegated, algorithm: 42, key: fill(32) },
    { sent: `${HEADER}2a${DELEGATED}${times('aa', 32)}`, ...CREATED },
  ),
  example(
    'put-wrap-key, RSA',
    putWrapKey,
    { ...base, ...delegated, algorithm: 9, key: fill(256) },
    { sent: `${HEADER}09${DELEGATED}${times('aa', 256)}`, ...CREATED },
  ),
  example(
    'generate-wrap-key',
    generateWrapKey,
    { ...base, ...delegated, algorithm: 29 },
    { sent: `${HEADER}1d${DELEGATED}`, ...CREATED },
  ),
  example(
    'put-public-wrap-key',
    putPublicWrapKey,
    { ...base, ...delegated, algorithm: 10, modulus: fill(384) },
    { sent: `${HEADER}0a${DELEGATED}${times('aa', 384)}`, ...CREATED },
  ),
  example(
    'list-objects',
    listObjects,
    { domains: 0xffff },
    {
      sent: '03ffff',
      reply: '0150 03 00 0150 08 02',
      value: [
        { id: 0x150, type: 3, sequence: 0 },
        { id: 0x150, type: 8, sequence: 2 },
      ],
      wrong: ['0150', '01500300 01', '01500300 01500301'],
    },
  ),
  example(
    'list-objects, filtered',
    listObjects,
    { id: 0x150, type: 3, domains: 1, capabilities: 0x80n, algorithm: 12, label: labelOf('k1') },
    {
      sent: `010150 0203 030001 040000000000000080 050c 06${LABEL}`,
      reply: '',
      value: [],
      wrong: ['01500400', '01510300'],
    },
  ),
  example(
    'get-object-info',
    getObjectInfo,
    { id: 0x150, type: 3 },
    {
      sent: '015003',
      reply: INFO,
      value: { ...base, length: 96, type: 3, algorithm: 12, sequence: 1, origin: 2, delegatedCapabilities: 0n },
      wrong: ['', INFO.slice(2), `${INFO}00`, INFO.replace('0150006', '0151006'), INFO.replace('0005030c', '0005040c')],
    },
  ),
  example(
    'get-public-key',
    getPublicKey,
    { id: 0x150, type: 3 },
    {
      sent: '0150',
      reply: `0c${times('aa', 64)}`,
      value: { algorithm: 12, bytes: fill(64) },
      wrong: ['', '0c', `0c${times('aa', 63)}`, `0c${times('aa', 65)}`, `32${times('aa', 16)}`, `09${times('aa', 64)}`],
    },
  ),
  example(
    'get-public-key of a wrap key',
    getPublicKey,
    { id: 0x150, type: 9 },
    {
      sent: '015009',
      reply: `09${times('aa', 256)}`,
      value: { algorithm: 9, bytes: fill(256) },
      wrong: [`09${times('aa', 255)}`],
    },
  ),
  example(
    'get-pseudo-random',
    getPseudoRandom,
    { count: 4 },
    {
      sent: '0004',
      reply: 'aaaaaaaa',
      value: fill(4),
      wrong: ['', 'aaaaaa', 'aaaaaaaaaa'],
    },
  ),
  example('delete-object', deleteObject, { id: 0x150, type: 8 }, { sent: '015008', ...NOTHING }),
  example(
    'export-wrapped',
    exportWrapped,
    { wrapKeyId: 0x200, object: { type: 3, id: 0x150 } },
    {
      sent: '0200 03 0150',
      reply: times('aa', 13 + 59 + 16 + 32),
      value: fill(120),
      wrong: ['', times('aa', 13 + 59 + 16)],
    },
  ),
  example(
    'export-wrapped with its seed',
    exportWrapped,
    { wrapKeyId: 1, object: { type: 3, id: 2 }, withSeed: true },
    {
      sent: '0001 03 0002 01',
      reply: times('aa', 216),
      value: fill(216),
      wrong: [times('aa', 40)],
    },
  ),
  example(
    'import-wrapped',
    importWrapped,
    { wrapKeyId: 0x200, wrapped: fill(4) },
    { sent: '0200aaaaaaaa', ...IMPORTED },
  ),
  example('export-rsa-wrapped', exportRsaWrapped, exportRequest, {
    sent: EXPORT,
    reply: RSA_BLOB,
    value: fill(280, 0xbb),
    wrong: ['', times('bb', 256), `${RSA_BLOB}bb`],
  }),
  example('get-rsa-wrapped-key', getRsaWrappedKey, exportRequest, {
    sent: EXPORT,
    reply: RSA_BLOB,
    value: fill(280, 0xbb),
    wrong: ['', times('bb', 256), `${RSA_BLOB}bb`],
  }),
  example(
    'import-rsa-wrapped',
    importRsaWrapped,
    { wrapKeyId: 0x200, wrapped: fill(4), ...oaep },
    {
      sent: `0200 1a 21 aaaaaaaa ${DIGEST}`,
      ...IMPORTED,
    },
  ),
  example(
    'put-rsa-wrapped-key',
    putRsaWrappedKey,
    { ...base, ...oaep, algorithm: 12, type: 3, wrapKeyId: 0x200, wrapped: fill(4) },
    {
      sent: `0200 03 ${HEADER} 0c 1a 21 aaaaaaaa ${DIGEST}`,
      ...IMPORTED,
      wrong: [...IMPORTED.wrong, '080150', '030151'],
    },
  ),
  example(
    'wrap-data',
    wrapData,
    { id: 0x200, data: fill(3) },
    {
      sent: '0200aaaaaa',
      reply: times('bb', 33),
      value: fill(33, 0xbb),
      wrong: ['', times('bb', 32), times('bb', 34)],
    },
  ),
  example(
    'unwrap-data',
    unwrapData,
    { id: 0x200, data: fill(33) },
    {
      sent: `0200${times('aa', 33)}`,
      reply: 'bbbbbb',
      value: fill(3, 0xbb),
      wrong: ['', 'bbbb', 'bbbbbbbb'],
    },
  ),
  ...[
    { name: 'encrypt-ecb', command: encryptEcb },
    { name: 'decrypt-ecb', command: decryptEcb },
  ].map(({ name, command }) =>
    example(
      name,
      command,
      { id: 0x150, data: fill(32) },
      {
        sent: `0150${times('aa', 32)}`,
        reply: times('bb', 32),
        value: fill(32, 0xbb),
        wrong: ['', times('bb', 16), times('bb', 33)],
      },
    ),
  ),
  ...[
    { name: 'encrypt-cbc', command: encryptCbc },
    { name: 'decrypt-cbc', command: decryptCbc },
  ].map(({ name, command }) =>
    example(
      name,
      command,
      { id: 0x150, iv: fill(16, 0xcc), data: fill(16) },
      {
        sent: `0150${times('cc', 16)}${times('aa', 16)}`,
        reply: times('bb', 16),
        value: fill(16, 0xbb),
        wrong: ['', times('bb', 32)],
      },
    ),
  ),
  example(
    'sign-pkcs1',
    signPkcs1,
    { id: 0x150, digest: fill(32) },
    {
      sent: `0150${times('aa', 32)}`,
      reply: times('bb', 256),
      value: fill(256, 0xbb),
      wrong: ['', times('bb', 255), times('bb', 320)],
    },
  ),
  example(
    'sign-pss',
    signPss,
    { id: 0x150, mgf1Algorithm: 33, saltBytes: 32, digest: fill(32) },
    {
      sent: `0150 21 0020 ${times('aa', 32)}`,
      reply: times('bb', 384),
      value: fill(384, 0xbb),
      wrong: ['', times('bb', 64)],
    },
  ),
  example(
    'sign-ecdsa',
    signEcdsa,
    { id: 0x150, digest: fill(48) },
    {
      sent: `0150${times('aa', 48)}`,
      reply: '3006020101020101',
      value: fromHexArray('3006020101020101'),
      wrong: ['', '30', '3006', '300602010102010100', '3106020101020101', '30060201010201', '308106020101020101ff'],
    },
  ),
  example(
    'sign-eddsa',
    signEddsa,
    { id: 0x150, data: fill(3) },
    {
      sent: '0150aaaaaa',
      reply: times('bb', 64),
      value: fill(64, 0xbb),
      wrong: ['', times('bb', 63), times('bb', 65)],
    },
  ),
  example(
    'decrypt-pkcs1',
    decryptPkcs1,
    { id: 0x150, ciphertext: fill(256) },
    {
      sent: `0150${times('aa', 256)}`,
      reply: 'bb',
      value: fill(1, 0xbb),
      wrong: [times('bb', 256)],
    },
  ),
  example(
    'decrypt-oaep',
    decryptOaep,
    { id: 0x150, mgf1Algorithm: 32, ciphertext: fill(256), labelDigest: fill(20) },
    {
      sent: `0150 20 ${times('aa', 276)}`,
      reply: '',
      value: fill(0),
      wrong: [times('bb', 256)],
    },
  ),
  example(
    'derive-ecdh',
    deriveEcdh,
    { id: 0x150, point: Uint8Array.from([4, ...fill(64)]) },
    {
      sent: `015004${times('aa', 64)}`,
      reply: times('bb', 32),
      value: fill(32, 0xbb),
      wrong: ['', times('bb', 31), times('bb', 64)],
    },
  ),
  example(
    'sign-hmac',
    signHmac,
    { id: 0x150, data: fill(3) },
    {
      sent: '0150aaaaaa',
      reply: times('bb', 32),
      value: fill(32, 0xbb),
      wrong: ['', times('bb', 16), times('bb', 33)],
    },
  ),
  example(
    'verify-hmac',
    verifyHmac,
    { id: 0x150, mac: fill(20, 0xcc), data: fill(1) },
    {
      sent: `0150${times('cc', 20)}aa`,
      reply: '01',
      value: true,
      wrong: ['', '02', '0101'],
    },
  ),
  example(
    'sign-attestation-certificate',
    signAttestationCertificate,
    { id: 0x150, attesterId: 0 },
    {
      sent: '01500000',
      reply: '3003020101',
      value: fromHexArray('3003020101'),
      wrong: ['', '0201', 'ff'],
    },
  ),
  example(
    'set-option',
    setOption,
    { option: OPTION.commandAudit, value: Uint8Array.of(0x42, 1) },
    {
      sent: '03 0002 4201',
      ...NOTHING,
    },
  ),
  example(
    'get-option',
    getOption,
    { option: OPTION.forceAudit },
    { sent: '01', reply: '02', value: fill(1, 2), wrong: [] },
  ),
  example('get-log-entries', getLogEntries, undefined, {
    sent: '',
    reply: '0001 0002 00',
    value: { unloggedBoots: 1, unloggedAuthentications: 2, entries: [] },
    wrong: ['', '00010002', '0001000201', '000100020000'],
  }),
  example('set-log-index', setLogIndex, { number: 0x1234 }, { sent: '1234', ...NOTHING }),
];

function fromHexArray(hex: string): Uint8Array {
  return new Uint8Array(fromHex(hex));
}

const PLAIN: readonly Example[] = [
  example('get-device-info', getDeviceInfo, undefined, {
    sent: '',
    reply: '020401 00000001 3e 05 0102',
    value: { firmware: { major: 2, minor: 4, patch: 1 }, serial: 1, logTotal: 62, logUsed: 5, algorithms: [1, 2] },
    wrong: ['', '0204010000000 13e'],
  }),
  example('get-device-info, page 1', getPartNumber, undefined, {
    sent: '01',
    reply: '534c45',
    value: 'SLE',
    wrong: ['', '534c00'],
  }),
  example('get-device-public-key', getDevicePublicKey, undefined, {
    sent: '',
    reply: `31${times('aa', 64)}`,
    value: fill(64),
    wrong: ['', '31', `0c${times('aa', 64)}`, `31${times('aa', 63)}`, `31${times('aa', 65)}`],
  }),
];

describe.each([...EXAMPLES, ...PLAIN])('$name', (command) => {
  test('is written to the byte', () => {
    expect(toHex(command.encode())).toBe(command.sent.replaceAll(' ', ''));
  });

  test('is read as it is', () => {
    expect(command.decode(fromHex(command.reply))).toEqual(command.value);
  });

  test.each(command.wrong.map((hex) => ({ hex })))('is not $hex', ({ hex }) => {
    expect(() => command.decode(fromHex(hex))).toThrow(WireError);
  });
});

test('every command changes what its name says', () => {
  const effects = Object.fromEntries(EXAMPLES.map(({ name, effect }) => [name, effect]));
  for (const [name, effect] of Object.entries(effects)) {
    const creates = /^(?:put|generate|import)-/.test(name);
    const changes = /^(?:change|set)-/.test(name);
    const destroys = /^(?:delete|reset)-/.test(name);
    expect([name, effect]).toEqual([name, creates ? 'create' : changes ? 'change' : destroys ? 'destroy' : 'read']);
  }
});

describe('over a session', async () => {
  const login = await factoryLogin();

  test.each(EXAMPLES.filter(({ code }) => code !== closeSession.code))('$name succeeds', async (command) => {
    const device = new WireDevice({ answer: ({ type }) => frameOf(type | 0x80, fromHex(command.reply)) });
    const session = await openWireSession(new WireConnector(device), { login });
    expect(await command.call(session)).toEqual(command.value);
    expect(device.commands.map(toHex)).toEqual([toHex(frameOf(command.code, fromHex(command.sent)))]);
    expect(session.isOpen).toBe(true);
  });

  test.each(EXAMPLES.filter(({ code }) => code !== closeSession.code))('$name is refused', async (command) => {
    const device = new WireDevice({ answer: () => errorFrame(0x09) });
    const session = await openWireSession(new WireConnector(device), { login });
    await expect(command.call(session)).rejects.toMatchObject({
      code: 'key-not-permitted',
      outcome: 'not-applied',
      native: { value: 9 },
    });
    expect(session.isOpen).toBe(true);
  });

  const malformed = EXAMPLES.filter(({ code }) => code !== closeSession.code).flatMap((command) =>
    command.wrong.slice(0, 2).map((hex) => ({ name: command.name, hex, command })),
  );
  test.each(malformed)('$name ends the session with a reply of $hex', async ({ hex, command }) => {
    const device = new WireDevice({ answer: ({ type }) => frameOf(type | 0x80, fromHex(hex)) });
    const session = await openWireSession(new WireConnector(device), { login });
    const error = await command.call(session).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(KeyferryError);
    expect(error).toMatchObject({
      code: 'reply-malformed',
      outcome: command.effect === 'read' ? 'not-applied' : 'unknown',
    });
    expect(session.isOpen).toBe(false);
  });
});

describe('requests that cannot be made', () => {
  test.each<[string, () => Uint8Array]>([
    ['an id of 17 bits', () => getOpaque.encode({ id: 0x10000 })],
    ['an asymmetric key of AES', () => generateAsymmetricKey.encode({ ...base, algorithm: 52 })],
    ['an AES key of RSA', () => generateSymmetricKey.encode({ ...base, algorithm: 9 })],
    ['an HMAC key of AES', () => generateHmacKey.encode({ ...base, algorithm: 52 })],
    ['a wrap key of plain AES', () => generateWrapKey.encode({ ...base, ...delegated, algorithm: 52 })],
    ['an AES key of 31 bytes', () => putSymmetricKey.encode({ ...base, algorithm: 52, key: fill(31) })],
    ['an AES key under another algorithm', () => putSymmetricKey.encode({ ...base, algorithm: 42, key: fill(32) })],
    ['a private key that is too short', () => putAsymmetricKey.encode({ ...base, algorithm: 12, key: fill(31) })],
    ['a private key of no algorithm', () => putAsymmetricKey.encode({ ...base, algorithm: 52, key: fill(32) })],
    ['an empty HMAC key', () => putHmacKey.encode({ ...base, algorithm: 20, key: fill(0) })],
    ['an HMAC key of 65 bytes', () => putHmacKey.encode({ ...base, algorithm: 20, key: fill(65) })],
    ['an HMAC key of no algorithm', () => putHmacKey.encode({ ...base, algorithm: 12, key: fill(20) })],
    ['a wrap key of 16 bytes for 32', () => putWrapKey.encode({ ...base, ...delegated, algorithm: 42, key: fill(16) })],
    ['a wrap key of no algorithm', () => putWrapKey.encode({ ...base, ...delegated, algorithm: 12, key: fill(32) })],
    [
      'a public wrap key on a curve',
      () => putPublicWrapKey.encode({ ...base, ...delegated, algorithm: 12, modulus: fill(64) }),
    ],
    [
      'a modulus of another length',
      () => putPublicWrapKey.encode({ ...base, ...delegated, algorithm: 9, modulus: fill(257) }),
    ],
    [
      'a K-MAC of 15 bytes',
      () =>
        putAuthenticationKey.encode({
          ...base,
          ...delegated,
          material: { kind: 'symmetric', enc: fill(16), mac: fill(15) },
        }),
    ],
    [
      'a public key with its 04',
      () => changeAuthenticationKey.encode({ id: 1, material: { kind: 'public-key', point: fill(65) } }),
    ],
    ['a one-use key that is not AES', () => exportRsaWrapped.encode({ ...exportRequest, aesAlgorithm: 42 })],
    ['no OAEP', () => exportRsaWrapped.encode({ ...exportRequest, oaepAlgorithm: 33 })],
    ['no MGF1', () => exportRsaWrapped.encode({ ...exportRequest, mgf1Algorithm: 26 })],
    ['a digest of another hash', () => exportRsaWrapped.encode({ ...exportRequest, labelDigest: fill(20) })],
    ['an HMAC key alone', () => getRsaWrappedKey.encode({ ...exportRequest, object: { type: 5, id: 1 } })],
    [
      'an AES key as an asymmetric one',
      () => putRsaWrappedKey.encode({ ...base, ...oaep, algorithm: 52, type: 3, wrapKeyId: 1, wrapped: fill(4) }),
    ],
    ['half a block', () => encryptEcb.encode({ id: 1, data: fill(15) })],
    ['no block', () => decryptEcb.encode({ id: 1, data: fill(0) })],
    ['an IV of 12 bytes', () => encryptCbc.encode({ id: 1, iv: fill(12), data: fill(16) })],
    ['a digest of no hash', () => signEcdsa.encode({ id: 1, digest: fill(33) })],
    ['PSS without MGF1', () => signPss.encode({ id: 1, mgf1Algorithm: 26, saltBytes: 32, digest: fill(32) })],
    ['a ciphertext of no RSA key', () => decryptPkcs1.encode({ id: 1, ciphertext: fill(255) })],
    [
      'OAEP with a digest of no hash',
      () => decryptOaep.encode({ id: 1, mgf1Algorithm: 33, ciphertext: fill(256), labelDigest: fill(31) }),
    ],
    ['a compressed point', () => deriveEcdh.encode({ id: 1, point: Uint8Array.from([2, ...fill(32)]) })],
    ['a MAC of no hash', () => verifyHmac.encode({ id: 1, mac: fill(16), data: fill(1) })],
    ['a minute of 256 seconds', () => blinkDevice.encode({ seconds: 256 })],
  ])('%s', (_, encode) => {
    expect(encode).toThrow(WireError);
  });
});

describe('what a create may answer', () => {
  test('any id where the device was to pick one, but no reserved one', () => {
    const request = { ...base, id: 0, algorithm: 50 };
    expect(generateSymmetricKey.decode(fromHex('1234'), request)).toBe(0x1234);
    expect(() => generateSymmetricKey.decode(fromHex('0000'), request)).toThrow(WireError);
    expect(() => generateSymmetricKey.decode(fromHex('ffff'), request)).toThrow(WireError);
  });
});

describe('option values', () => {
  test('of one switch', () => {
    expect([0, 1, 2].map((value) => readSwitch(Uint8Array.of(value)))).toEqual([0, 1, 2]);
    for (const wrong of [[], [3], [0, 0]]) expect(() => readSwitch(Uint8Array.from(wrong))).toThrow(WireError);
  });

  test('of many', () => {
    expect([...readSwitches(Uint8Array.of(0x42, 1, 0x43, 2))]).toEqual([
      [0x42, 1],
      [0x43, 2],
    ]);
    expect(() => readSwitches(Uint8Array.of(0x42))).toThrow(WireError);
    expect(() => readSwitches(Uint8Array.of(0x42, 1, 0x42, 0))).toThrow(WireError);
  });
});
