import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { COMMAND, commandName } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { DEVICE_ERROR, deviceErrorName } from '../../../../../src/adapters/yubihsm/wire/device-errors.ts';
import {
  commandLimit,
  decodeFrame,
  encodeErrorFrame,
  encodeFrame,
  errorOf,
  isFirmwareAtLeast,
  LARGE_MESSAGE_BYTES,
  messageLimit,
  replyType,
  SMALL_MESSAGE_BYTES,
} from '../../../../../src/adapters/yubihsm/wire/frame.ts';
import { labelOf, labelText, trimLabel } from '../../../../../src/adapters/yubihsm/wire/label.ts';
import { ByteReader } from '../../../../../src/adapters/yubihsm/wire/reader.ts';
import { WireError } from '../../../../../src/adapters/yubihsm/wire/wire-error.ts';
import { ByteWriter } from '../../../../../src/adapters/yubihsm/wire/writer.ts';
import { toHex } from '../../../../support/yubihsm-wire-vectors.ts';

describe('frames', () => {
  test('are type, length in 16 bits, payload', () => {
    expect(toHex(encodeFrame(0x06, new Uint8Array(0)))).toBe('060000');
    expect(toHex(encodeFrame(0x43, Uint8Array.of(1, 2)))).toBe('4300020102');
    expect(toHex(encodeFrame(0x42, new Uint8Array(300))).slice(0, 6)).toBe('42012c');
    expect(toHex(encodeErrorFrame(DEVICE_ERROR['object-not-found']))).toBe('7f00010b');
    expect(replyType(COMMAND['get-device-info'])).toBe(0x86);
  });

  test('come back as they were', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 600 }), (type, payload) => {
        const frame = decodeFrame(encodeFrame(type, payload));
        expect(frame.type).toBe(type);
        expect(toHex(frame.payload)).toBe(toHex(payload));
      }),
      { numRuns: 50 },
    );
  });

  test.each([[[]], [[1]], [[1, 0]], [[1, 0, 1]], [[1, 0, 0, 0]], [[1, 1, 0, 0]]])('are not %j', (bytes) => {
    expect(() => decodeFrame(Uint8Array.from(bytes))).toThrow(WireError);
  });

  test('carry an error of one byte and no other', () => {
    expect(errorOf({ type: 0x7f, payload: Uint8Array.of(9) })).toBe(9);
    expect(errorOf({ type: 0x86, payload: Uint8Array.of(9) })).toBeUndefined();
    expect(() => errorOf({ type: 0x7f, payload: new Uint8Array(0) })).toThrow(WireError);
    expect(() => errorOf({ type: 0x7f, payload: new Uint8Array(2) })).toThrow(WireError);
  });

  test('may be as long as the firmware allows', () => {
    const limit = (major: number, minor: number): number => messageLimit({ major, minor, patch: 0 });
    expect([limit(2, 0), limit(2, 3), limit(2, 4), limit(3, 0)]).toEqual([
      SMALL_MESSAGE_BYTES,
      SMALL_MESSAGE_BYTES,
      LARGE_MESSAGE_BYTES,
      LARGE_MESSAGE_BYTES,
    ]);
    expect(isFirmwareAtLeast({ major: 2, minor: 3, patch: 9 }, 2, 4)).toBe(false);
    expect(isFirmwareAtLeast({ major: 2, minor: 10, patch: 0 }, 2, 4)).toBe(true);
    expect(commandLimit(2048)).toBe(2048 - 31);
    expect(() => encodeFrame(1, new Uint8Array(65_536))).toThrow(WireError);
  });
});

describe('reader and writer', () => {
  test('agree on every field', () => {
    const bytes = new ByteWriter()
      .u8(0xff)
      .u16(0x1234)
      .u32(0xdeadbeef)
      .u64(0xfedcba9876543210n)
      .label(labelOf('k'))
      .bytes(Uint8Array.of(7))
      .toBytes();
    expect(bytes.length).toBe(1 + 2 + 4 + 8 + 40 + 1);
    const reader = new ByteReader(bytes);
    expect([reader.u8(), reader.u16(), reader.u32(), reader.u64()]).toEqual([
      0xff,
      0x1234,
      0xdeadbeef,
      0xfedcba9876543210n,
    ]);
    expect(labelText(reader.label())).toBe('k');
    expect(reader.remaining).toBe(1);
    expect([...reader.rest()]).toEqual([7]);
    reader.end();
  });

  test('read a view of a larger buffer, and give copies', () => {
    const buffer = Uint8Array.of(9, 9, 0, 5, 6);
    const reader = new ByteReader(buffer.subarray(2));
    expect(reader.u16()).toBe(5);
    const copy = reader.bytes(1);
    buffer.fill(0);
    expect([...copy]).toEqual([6]);
  });

  test('give copies of a Buffer too, whose own slices are views', () => {
    const buffer = Buffer.from([1, 2, 0x61, ...new Uint8Array(39)]);
    const reader = new ByteReader(buffer);
    const copies = [reader.bytes(2), reader.label()];
    buffer.fill(0);
    expect(copies.map(toHex)).toEqual(['0102', '61']);
  });

  test.each<[string, (reader: ByteReader) => unknown]>([
    ['u8', (reader) => [reader.u16(), reader.u8()]],
    ['u16', (reader) => [reader.u8(), reader.u16()]],
    ['u32', (reader) => reader.u32()],
    ['u64', (reader) => reader.u64()],
    ['label', (reader) => reader.label()],
    ['bytes', (reader) => reader.bytes(3)],
    ['bytes backwards', (reader) => reader.bytes(-1)],
    ['end', (reader) => reader.end()],
  ])('never read beyond the end: %s', (_, read) => {
    expect(() => read(new ByteReader(new Uint8Array(2)))).toThrow(WireError);
  });

  test.each<[string, (writer: ByteWriter) => unknown]>([
    ['256 in a byte', (writer) => writer.u8(256)],
    ['a negative number', (writer) => writer.u16(-1)],
    ['a fraction', (writer) => writer.u8(0.5)],
    ['not a number', (writer) => writer.u8(Number.NaN)],
    ['33 bits', (writer) => writer.u32(2 ** 32)],
    ['65 bits', (writer) => writer.u64(1n << 64n)],
    ['a negative mask', (writer) => writer.u64(-1n)],
    ['a label of 41 bytes', (writer) => writer.label(new Uint8Array(41))],
    ['a key of another length', (writer) => writer.fixed(new Uint8Array(15), 16, 'the key')],
  ])('never cut what does not fit: %s', (_, write) => {
    expect(() => write(new ByteWriter())).toThrow(WireError);
  });
});

describe('labels', () => {
  test.each(['', 'payments-1', 'Schlüssel', '鍵', '🔑', ' spaces kept ', 'x'.repeat(40), 'a\0b'])(
    '%j comes back as it was',
    (text) => {
      const padded = new ByteWriter().label(labelOf(text)).toBytes();
      expect(labelText(trimLabel(padded))).toBe(text);
    },
  );

  test.each(['x'.repeat(41), 'ü'.repeat(21), '🔑'.repeat(11), '\ud83d', 'ends with zero\0'])(
    '%j is refused',
    (text) => {
      expect(() => labelOf(text)).toThrow(WireError);
    },
  );

  test('that are not UTF-8 are not text', () => {
    expect(labelText(Uint8Array.of(0xff, 0xfe))).toBeNull();
    expect(labelText(Uint8Array.of(0xc3))).toBeNull();
    expect(labelText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
  });

  test('of any bytes come back but for zeros at the end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (label) => {
        const back = trimLabel(new ByteWriter().label(label).toBytes());
        expect(toHex(back)).toBe(toHex(label).replace(/^((?:..)*?)(?:00)+$/, '$1'));
      }),
      { numRuns: 40 },
    );
  });
});

test('codes have names, and what has none is shown as it is', () => {
  expect(commandName(0x74)).toBe('get-rsa-wrapped-key');
  expect(commandName(0x99)).toBe('0x99');
  expect(deviceErrorName(0x09)).toBe('insufficient-permissions');
  expect(deviceErrorName(0x0d)).toBe('0x0d');
  expect(new Set(Object.values(COMMAND)).size).toBe(Object.keys(COMMAND).length);
});
