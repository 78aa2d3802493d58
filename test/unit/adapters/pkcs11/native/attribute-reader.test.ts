import { beforeEach, describe, expect, test } from 'vitest';
import { CKA, CKK, CKO, CKR } from '../../../../../src/adapters/pkcs11/constants.ts';
import { CryptokiError } from '../../../../../src/adapters/pkcs11/cryptoki.ts';
import { AttributeReader } from '../../../../../src/adapters/pkcs11/native/attribute-reader.ts';

type FakeObject = ReadonlyMap<number, number | 'sensitive'>;

const object = (
  cls: number,
  type: number,
  attributes: readonly (readonly [number, number | 'sensitive'])[],
): FakeObject => new Map<number, number | 'sensitive'>([[CKA.CLASS, cls], [CKA.KEY_TYPE, type], ...attributes]);

const aes = (extra: readonly (readonly [number, number | 'sensitive'])[] = []): FakeObject =>
  object(CKO.SECRET_KEY, CKK.AES, [[CKA.LABEL, 1], ...extra]);
const rsa = (): FakeObject =>
  object(CKO.PUBLIC_KEY, CKK.RSA, [
    [CKA.LABEL, 2],
    [CKA.MODULUS, 3],
  ]);

let reader: AttributeReader;
let calls: number;

beforeEach(() => {
  reader = new AttributeReader();
  calls = 0;
});

/** As a module does it: one attribute that cannot be had spoils the whole call. */
function read(from: FakeObject, types: readonly number[]): (number | null)[] {
  const readings = reader.read(types, (wanted) => {
    calls += 1;
    return wanted.map((type) => {
      const value = from.get(type);
      if (value === undefined) throw new CryptokiError('C_GetAttributeValue', CKR.ATTRIBUTE_TYPE_INVALID);
      if (value === 'sensitive') throw new CryptokiError('C_GetAttributeValue', CKR.ATTRIBUTE_SENSITIVE);
      return Uint8Array.of(value);
    });
  });
  expect(readings.map(({ type }) => type)).toEqual(types);
  return readings.map(({ value }) => value?.[0] ?? null);
}

const WANTED = [CKA.LABEL, CKA.MODULUS];

describe('AttributeReader', () => {
  test('needs one call where all is there', () => {
    expect(read(rsa(), WANTED)).toEqual([2, 3]);
    expect(calls).toBe(1);
  });

  test('learns what objects of a kind lack, and then needs one call', () => {
    for (let n = 0; n < 4; n++) expect(read(aes(), WANTED)).toEqual([1, null]);
    calls = 0;
    expect(read(aes(), WANTED)).toEqual([1, null]);
    expect(calls).toBe(1);
  });

  test('does not let what one kind lacks hide it in another', () => {
    for (let n = 0; n < 6; n++) read(aes(), WANTED);
    expect(read(rsa(), WANTED)).toEqual([2, 3]);
    expect(read(aes(), WANTED)).toEqual([1, null]);
    expect(read(rsa(), WANTED)).toEqual([2, 3]);
  });

  test('does not take an attribute for missing that one object of the kind had', () => {
    read(aes([[CKA.MODULUS, 9]]), [CKA.LABEL, CKA.MODULUS, CKA.EC_POINT]);
    for (let n = 0; n < 9; n++) expect(read(aes(), WANTED)).toEqual([1, null]);
    expect(read(aes([[CKA.MODULUS, 8]]), WANTED)).toEqual([1, 8]);
  });

  test('remembers that an object had it also when that reading needed one call', () => {
    expect(read(aes([[CKA.MODULUS, 9]]), WANTED)).toEqual([1, 9]);
    for (let n = 0; n < 9; n++) expect(read(aes(), WANTED)).toEqual([1, null]);
    expect(read(aes([[CKA.MODULUS, 8]]), WANTED)).toEqual([1, 8]);
  });

  test('never takes a sensitive attribute for missing: another key may show it', () => {
    for (let n = 0; n < 9; n++)
      expect(read(aes([[CKA.VALUE, 'sensitive']]), [CKA.VALUE, CKA.LABEL])).toEqual([null, 1]);
    expect(read(aes([[CKA.VALUE, 7]]), [CKA.VALUE, CKA.LABEL])).toEqual([7, 1]);
  });

  test('reads objects without class and key type', () => {
    expect(read(new Map([[CKA.LABEL, 4]]), WANTED)).toEqual([4, null]);
  });

  test('passes every other refusal on', () => {
    const gone = (): never => {
      throw new CryptokiError('C_GetAttributeValue', CKR.OBJECT_HANDLE_INVALID);
    };
    expect(() => reader.read(WANTED, gone)).toThrow(expect.objectContaining({ value: CKR.OBJECT_HANDLE_INVALID }));
  });
});
