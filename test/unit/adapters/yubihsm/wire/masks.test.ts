import { describe, expect, test } from 'vitest';
import {
  ALGORITHM,
  type AlgorithmName,
  aesKeyBytes,
  algorithmName,
  ccmWrapKeyBytes,
  ecCoordinateBytes,
  hmacSizes,
  isAes,
  isAlgorithmName,
  isAsymmetric,
  isCcmWrap,
  isEc,
  isEd25519,
  isHmac,
  isOpaque,
  isRsa,
  mgf1Hash,
  oaepHash,
  privateKeyBytes,
  publicKeyBytes,
  rsaModulusBytes,
} from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import {
  ALL_CAPABILITIES,
  CAPABILITY_NAMES,
  capabilitiesBeyond,
  capabilityMask,
  capabilityNames,
  hasCapability,
  isCapabilityName,
} from '../../../../../src/adapters/yubihsm/wire/capabilities.ts';
import {
  domainsMask,
  domainsText,
  isObjectTypeName,
  isReservedId,
  objectTypeName,
  originName,
} from '../../../../../src/adapters/yubihsm/wire/object-types.ts';

describe('capabilities', () => {
  test.each([
    ['get-opaque', 0x00],
    ['export-wrapped', 0x0c],
    ['exportable-under-wrap', 0x10],
    ['put-mac-key', 0x14],
    ['rewrap-to-otp-aead-key', 0x21],
    ['sign-attestation-certificate', 0x22],
    ['unwrap-data', 0x26],
    ['change-authentication-key', 0x2e],
    ['put-symmetric-key', 0x2f],
    ['encrypt-cbc', 0x35],
    ['put-public-wrap-key', 0x36],
    ['delete-public-wrap-key', 0x37],
  ] as const)('%s is bit %i', (name, bit) => {
    expect(capabilityMask([name])).toBe(1n << BigInt(bit));
  });

  test('are 56, and a mask names them in their order', () => {
    expect(CAPABILITY_NAMES.length).toBe(0x38);
    expect(ALL_CAPABILITIES).toBe(0x00ffffffffffffffn);
    expect(capabilityNames(capabilityMask(['sign-ecdsa', 'get-opaque']))).toEqual(['get-opaque', 'sign-ecdsa']);
    expect(capabilityNames(ALL_CAPABILITIES)).toEqual(CAPABILITY_NAMES);
  });

  test('of newer firmware are not lost', () => {
    expect(capabilityNames((1n << 56n) | (1n << 63n))).toEqual(['bit-56', 'bit-63']);
  });

  test('that one mask has and another has not can be told', () => {
    const has = capabilityMask(['sign-pss', 'sign-pkcs']);
    expect(capabilityNames(capabilitiesBeyond(has, capabilityMask(['sign-pkcs'])))).toEqual(['sign-pss']);
    expect(capabilitiesBeyond(has, ALL_CAPABILITIES)).toBe(0n);
    expect(hasCapability(has, 'sign-pss')).toBe(true);
    expect(hasCapability(has, 'sign-ecdsa')).toBe(false);
  });

  test.each(['', 'Sign-PSS', 'export_wrapped', 'sign'])('%j is none', (name) => {
    expect(isCapabilityName(name)).toBe(false);
  });
});

describe('domains', () => {
  test.each([
    ['1', 1],
    ['1,3', 5],
    ['16', 0x8000],
    [' 2 , 1', 3],
    ['1,1', 1],
    ['all', 0xffff],
  ])('%j', (text, mask) => {
    expect(domainsMask(text)).toBe(mask);
  });

  test.each(['', '0', '17', '1,', '1;2', '-1', '1.5', 'ALL', '001'])('%j are none', (text) => {
    expect(domainsMask(text)).toBeUndefined();
  });

  test('are shown in their order', () => {
    expect([domainsText(5), domainsText(0), domainsText(0x8001)]).toEqual(['1,3', '', '1,16']);
  });
});

describe('algorithms', () => {
  test('have the numbers 1 to 55, one each', () => {
    expect(Object.values(ALGORITHM).sort((a, b) => a - b)).toEqual(Array.from({ length: 55 }, (_, at) => at + 1));
    expect(algorithmName(42)).toBe('aes256-ccm-wrap');
    expect(algorithmName(200)).toBe('algorithm-200');
    expect(isAlgorithmName('ecp256')).toBe(true);
    expect(isAlgorithmName('toString')).toBe(false);
  });

  test.each<[AlgorithmName, number | undefined, number | undefined]>([
    ['rsa2048', 256, 256],
    ['rsa4096', 512, 512],
    ['ecp224', 28, 56],
    ['ecp256', 32, 64],
    ['ecp521', 66, 132],
    ['ecbp512', 64, 128],
    ['ed25519', 32, 32],
    ['aes256', undefined, undefined],
    ['ecdh', undefined, undefined],
  ])('%s: private %s bytes, public %s bytes', (name, privateBytes, publicBytes) => {
    expect(privateKeyBytes(ALGORITHM[name])).toBe(privateBytes);
    expect(publicKeyBytes(ALGORITHM[name])).toBe(publicBytes);
  });

  test('are of one kind at most', () => {
    const kinds = [isRsa, isEc, isEd25519, isAes, isCcmWrap, isHmac, isOpaque];
    for (const value of Object.values(ALGORITHM)) {
      expect(kinds.filter((isKind) => isKind(value)).length).toBeLessThanOrEqual(1);
      expect(isAsymmetric(value)).toBe(isRsa(value) || isEc(value) || isEd25519(value));
    }
  });

  test('have lengths where they have keys', () => {
    expect([50, 51, 52, 53].map(aesKeyBytes)).toEqual([16, 24, 32, undefined]);
    expect([29, 41, 42, 50].map(ccmWrapKeyBytes)).toEqual([16, 24, 32, undefined]);
    expect(rsaModulusBytes(12)).toBeUndefined();
    expect(ecCoordinateBytes(9)).toBeUndefined();
    expect(hmacSizes(22)).toEqual({ block: 128, output: 64, hash: 'sha512' });
    expect(hmacSizes(23)).toBeUndefined();
    expect([25, 26, 27, 28, 32].map(oaepHash)).toEqual(['sha1', 'sha256', 'sha384', 'sha512', undefined]);
    expect([32, 33, 34, 35, 25].map(mgf1Hash)).toEqual(['sha1', 'sha256', 'sha384', 'sha512', undefined]);
  });
});

test('types, origins and ids in words', () => {
  expect(objectTypeName(9)).toBe('public-wrap-key');
  expect(objectTypeName(0x83)).toBe('type-131');
  expect(isObjectTypeName('wrap-key')).toBe(true);
  expect(isObjectTypeName('constructor')).toBe(false);
  expect(originName(0x11)).toBe('generated, imported under wrap');
  expect(originName(0x02)).toBe('imported');
  expect(originName(0)).toBe('0x00');
  expect([0, 1, 0xfffe, 0xffff].map(isReservedId)).toEqual([true, false, false, true]);
});
