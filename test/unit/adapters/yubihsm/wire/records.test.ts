import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ALGORITHM } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import {
  decodeDeviceInfo,
  decodePartNumber,
  encodeDeviceInfo,
  firmwareText,
} from '../../../../../src/adapters/yubihsm/wire/device-info.ts';
import { labelOf } from '../../../../../src/adapters/yubihsm/wire/label.ts';
import {
  decodeDeviceLog,
  encodeDeviceLog,
  encodeLogEntry,
  followsInLog,
  type LogEntry,
  logDigest,
  readLogEntry,
} from '../../../../../src/adapters/yubihsm/wire/log-entry.ts';
import {
  OBJECT_HEADER_BYTES,
  readObjectHeader,
  writeObjectHeader,
} from '../../../../../src/adapters/yubihsm/wire/object-header.ts';
import { decodeObjectInfo, encodeObjectInfo } from '../../../../../src/adapters/yubihsm/wire/object-info.ts';
import { ByteReader } from '../../../../../src/adapters/yubihsm/wire/reader.ts';
import { WireError } from '../../../../../src/adapters/yubihsm/wire/wire-error.ts';
import {
  decodeDelegatingBody,
  decodeEcBody,
  decodeEd25519Body,
  decodeHmacBody,
  decodeRsaBody,
  encodeDelegatingBody,
  encodeEcBody,
  encodeEd25519Body,
  encodeHmacBody,
  encodeRsaBody,
} from '../../../../../src/adapters/yubihsm/wire/wrapped-body.ts';
import { decodeWrappedObject, encodeWrappedObject } from '../../../../../src/adapters/yubihsm/wire/wrapped-object.ts';
import { ByteWriter } from '../../../../../src/adapters/yubihsm/wire/writer.ts';
import { fromHex, toHex, VECTORS } from '../../../../support/yubihsm-wire-vectors.ts';

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

describe('objects', () => {
  const info = {
    capabilities: 0x0000000000010080n,
    id: 0x0100,
    length: 96,
    domains: 0x0005,
    type: 3,
    algorithm: ALGORITHM.ecp256,
    sequence: 2,
    origin: 0x11,
    label: labelOf('ec'),
    delegatedCapabilities: 0n,
  };

  test('are described in 66 bytes, field by field', () => {
    const label = `6563${'00'.repeat(38)}`;
    const hex = `00000000000100800100006000050 30c0211${label}0000000000000000`.replaceAll(' ', '');
    expect(toHex(encodeObjectInfo(info))).toBe(hex);
    expect(decodeObjectInfo(fromHex(hex))).toEqual(info);
  });

  test.each([65, 67])('are not described in %i bytes', (length) => {
    expect(() => decodeObjectInfo(new Uint8Array(length))).toThrow(WireError);
  });

  test('begin with 53 bytes when they are created', () => {
    const header = { id: 0, label: labelOf('x'), domains: 0xffff, capabilities: 1n << 55n, algorithm: 52 };
    const written = writeObjectHeader(new ByteWriter(), header).toBytes();
    expect(written.length).toBe(OBJECT_HEADER_BYTES);
    expect(toHex(written)).toBe(`000078${'00'.repeat(39)}ffff008000000000000034`);
    expect(readObjectHeader(new ByteReader(written))).toEqual(header);
  });
});

describe('device info', () => {
  test('is what Yubico recorded', () => {
    const payload = fromHex(VECTORS.deviceInfo.reply).subarray(3);
    const info = decodeDeviceInfo(payload);
    expect(firmwareText(info.firmware)).toBe('2.0.0');
    expect(info.serial).toBe(7_550_140);
    expect(toHex(encodeDeviceInfo(info))).toBe(payload.toString('hex'));
    expect(() => decodeDeviceInfo(payload.subarray(0, 8))).toThrow(WireError);
  });

  test('has a part number of printable characters', () => {
    expect(decodePartNumber(Buffer.from('SLE78CLUFX5000PH'))).toBe('SLE78CLUFX5000PH');
    // libyubihsm gives its callers room for twelve characters and the zero byte behind them.
    expect(decodePartNumber(Buffer.from('78CLUFX5000P\0'))).toBe('78CLUFX5000P');
    expect(() => decodePartNumber(Buffer.from('a\0b'))).toThrow(WireError);
    expect(() => decodePartNumber(Buffer.from('\0'))).toThrow(WireError);
    expect(() => decodePartNumber(Buffer.from('a\u001b[2J'))).toThrow(WireError);
    expect(() => decodePartNumber(new Uint8Array(0))).toThrow(WireError);
  });
});

describe('the log', () => {
  const [first, second] = VECTORS.log.entries.map((hex) => readLogEntry(new ByteReader(fromHex(hex)))) as [
    LogEntry,
    LogEntry,
  ];

  test("chains as Yubico's own example does", () => {
    expect(followsInLog(second, first)).toBe(true);
    expect(toHex(logDigest(second, first.digest))).toBe(toHex(second.digest));
    expect(toHex(encodeLogEntry(second))).toBe(VECTORS.log.entries[1]);
    expect(second).toMatchObject({ number: 3, command: 3, length: 10, sessionKey: 0xffff, result: 0x83, tick: 35 });
  });

  test.each<[string, Partial<LogEntry>]>([
    ['another command', { command: 4 }],
    ['another result', { result: 0x04 }],
    ['another time', { tick: 36 }],
    ['another number', { number: 4 }],
    ['another digest', { digest: new Uint8Array(16) }],
  ])('does not chain with %s', (_, change) => {
    expect(followsInLog({ ...second, ...change }, first)).toBe(false);
  });

  test('does not chain over a missing entry, nor backwards', () => {
    expect(followsInLog(first, second)).toBe(false);
    expect(followsInLog(second, { ...first, digest: second.digest })).toBe(false);
  });

  test('goes on after number 65535', () => {
    const last = { ...first, number: 0xffff };
    const next = { ...second, number: 0 };
    expect(followsInLog({ ...next, digest: logDigest(next, last.digest) }, last)).toBe(true);
  });

  test('is as many entries as it says', () => {
    const log = { unloggedBoots: 1, unloggedAuthentications: 2, entries: [first, second] };
    const encoded = encodeDeviceLog(log);
    expect(encoded.length).toBe(5 + 64);
    expect(decodeDeviceLog(encoded)).toEqual(log);
    expect(() => decodeDeviceLog(encoded.subarray(0, -1))).toThrow(WireError);
    expect(() => decodeDeviceLog(Buffer.concat([encoded, Buffer.alloc(32)]))).toThrow(WireError);
    expect(() => decodeDeviceLog(new Uint8Array(4))).toThrow(WireError);
  });
});

describe('wrapped objects', () => {
  const object = {
    wrapAlgorithm: ALGORITHM['aes256-ccm-wrap'],
    capabilities: 0x10000n,
    id: 0x0102,
    domains: 1,
    type: 8,
    algorithm: ALGORITHM.aes256,
    sequence: 0,
    origin: 2,
    label: labelOf('a'),
    body: bytes(32, 7),
  };

  test('are 59 bytes of header and the body', () => {
    const encoded = encodeWrappedObject(object);
    expect(toHex(encoded)).toBe(
      `2a0000000000010000010200200001083400 0261${'00'.repeat(39)}${'07'.repeat(32)}`.replaceAll(' ', ''),
    );
    expect(decodeWrappedObject(encoded)).toEqual(object);
  });

  test('are refused when they are not as long as they say', () => {
    const encoded = encodeWrappedObject(object);
    expect(() => decodeWrappedObject(encoded.subarray(0, -1))).toThrow(WireError);
    expect(() => decodeWrappedObject(Buffer.concat([encoded, Buffer.alloc(1)]))).toThrow(WireError);
    expect(() => decodeWrappedObject(encoded.subarray(0, 58))).toThrow(WireError);
  });

  test('hold RSA keys with their CRT components, 7/2 of the modulus', () => {
    const body = {
      p: bytes(128, 1),
      q: bytes(128, 2),
      dp: bytes(128, 3),
      dq: bytes(128, 4),
      qinv: bytes(128, 5),
      n: bytes(256, 6),
    };
    const encoded = encodeRsaBody(ALGORITHM.rsa2048, body);
    expect(encoded.length).toBe(896);
    expect(decodeRsaBody(ALGORITHM.rsa2048, encoded)).toEqual(body);
    expect(() => decodeRsaBody(ALGORITHM.rsa3072, encoded)).toThrow(WireError);
    expect(() => decodeRsaBody(ALGORITHM.ecp256, encoded)).toThrow(WireError);
    expect(() => encodeRsaBody(ALGORITHM.rsa2048, { ...body, p: bytes(127, 1) })).toThrow(WireError);
  });

  test('hold EC keys with their points, three coordinates', () => {
    const body = { d: bytes(66, 1), x: bytes(66, 2), y: bytes(66, 3) };
    const encoded = encodeEcBody(ALGORITHM.ecp521, body);
    expect(encoded.length).toBe(198);
    expect(decodeEcBody(ALGORITHM.ecp521, encoded)).toEqual(body);
    expect(() => decodeEcBody(ALGORITHM.ecp384, encoded)).toThrow(WireError);
    expect(() => decodeEcBody(ALGORITHM.rsa2048, encoded)).toThrow(WireError);
  });

  test('hold HMAC keys such that the key comes out again and MACs the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (key) => {
        const encoded = encodeHmacBody(ALGORITHM['hmac-sha256'], key);
        expect(encoded.length).toBe(128);
        const back = decodeHmacBody(ALGORITHM['hmac-sha256'], encoded);
        const mac = (with_: Uint8Array): string => createHmac('sha256', with_).update('m').digest('hex');
        expect(mac(back)).toBe(mac(key));
      }),
      { numRuns: 30 },
    );
  });

  test('of HMAC keys are refused when their halves disagree or the key is too long', () => {
    const encoded = encodeHmacBody(ALGORITHM['hmac-sha1'], bytes(20, 1));
    encoded[70] = (encoded[70] ?? 0) ^ 1;
    expect(() => decodeHmacBody(ALGORITHM['hmac-sha1'], encoded)).toThrow('not of one key');
    expect(() => decodeHmacBody(ALGORITHM['hmac-sha512'], encoded)).toThrow(WireError);
    expect(() => encodeHmacBody(ALGORITHM['hmac-sha1'], bytes(65, 1))).toThrow(WireError);
    expect(() => encodeHmacBody(ALGORITHM.aes128, bytes(16, 1))).toThrow(WireError);
  });

  test('hold Ed25519 keys with or without their seed', () => {
    const body = { scalar: bytes(32, 1), prefix: bytes(32, 2), publicKey: bytes(32, 3), seed: null };
    expect(decodeEd25519Body(encodeEd25519Body(body))).toEqual(body);
    const seeded = { ...body, seed: bytes(32, 4) };
    expect(encodeEd25519Body(seeded).length).toBe(128);
    expect(decodeEd25519Body(encodeEd25519Body(seeded))).toEqual(seeded);
    expect(() => decodeEd25519Body(bytes(95, 0))).toThrow(WireError);
    expect(() => decodeEd25519Body(bytes(129, 0))).toThrow(WireError);
  });

  test('hold delegated capabilities before the keys that have them', () => {
    const body = { delegatedCapabilities: 0x8000000000000001n, key: bytes(32, 9) };
    expect(toHex(encodeDelegatingBody(body))).toBe(`8000000000000001${'09'.repeat(32)}`);
    expect(decodeDelegatingBody(encodeDelegatingBody(body))).toEqual(body);
    expect(() => decodeDelegatingBody(bytes(7, 0))).toThrow(WireError);
  });
});

test('no record is read from bytes of any kind without a WireError or a value', () => {
  const decoders = [
    decodeObjectInfo,
    decodeDeviceInfo,
    decodeDeviceLog,
    decodeWrappedObject,
    decodeEd25519Body,
    decodeDelegatingBody,
    (data: Uint8Array) => decodeHmacBody(ALGORITHM['hmac-sha256'], data),
    (data: Uint8Array) => decodeRsaBody(ALGORITHM.rsa2048, data),
    (data: Uint8Array) => decodeEcBody(ALGORITHM.ecp256, data),
  ];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
      for (const decode of decoders) {
        try {
          decode(data);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }
    }),
    { numRuns: 60 },
  );
});
