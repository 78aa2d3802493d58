/** Bytes of commands, written out from the format: objects: making, listing, describing and deleting them. */
import { describe, expect, test } from 'vitest';
import { changeAuthenticationKey } from '../../../../../src/adapters/yubihsm/commands/change-authentication-key.ts';
import { deleteObject } from '../../../../../src/adapters/yubihsm/commands/delete-object.ts';
import { generateAsymmetricKey } from '../../../../../src/adapters/yubihsm/commands/generate-asymmetric-key.ts';
import { generateHmacKey } from '../../../../../src/adapters/yubihsm/commands/generate-hmac-key.ts';
import { generateSymmetricKey } from '../../../../../src/adapters/yubihsm/commands/generate-symmetric-key.ts';
import { generateWrapKey } from '../../../../../src/adapters/yubihsm/commands/generate-wrap-key.ts';
import { getObjectInfo } from '../../../../../src/adapters/yubihsm/commands/get-object-info.ts';
import { getOpaque } from '../../../../../src/adapters/yubihsm/commands/get-opaque.ts';
import { getPublicKey } from '../../../../../src/adapters/yubihsm/commands/get-public-key.ts';
import { listObjects } from '../../../../../src/adapters/yubihsm/commands/list-objects.ts';
import { putAsymmetricKey } from '../../../../../src/adapters/yubihsm/commands/put-asymmetric-key.ts';
import { putAuthenticationKey } from '../../../../../src/adapters/yubihsm/commands/put-authentication-key.ts';
import { putHmacKey } from '../../../../../src/adapters/yubihsm/commands/put-hmac-key.ts';
import { putOpaque } from '../../../../../src/adapters/yubihsm/commands/put-opaque.ts';
import { putPublicWrapKey } from '../../../../../src/adapters/yubihsm/commands/put-public-wrap-key.ts';
import { putSymmetricKey } from '../../../../../src/adapters/yubihsm/commands/put-symmetric-key.ts';
import { putWrapKey } from '../../../../../src/adapters/yubihsm/commands/put-wrap-key.ts';
import { ALGORITHM } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import { labelOf } from '../../../../../src/adapters/yubihsm/wire/label.ts';
import { WireError } from '../../../../../src/adapters/yubihsm/wire/wire-error.ts';
import {
  base,
  CREATED,
  DELEGATED,
  delegated,
  describeCommands,
  type Example,
  example,
  fill,
  HEADER,
  LABEL,
  NOTHING,
  times,
} from '../../../../support/yubihsm-wire-examples.ts';
import { fromHex } from '../../../../support/yubihsm-wire-vectors.ts';

const INFO = `00000000000100800150006000050 30c0102${LABEL}0000000000000000`.replaceAll(' ', '');

const EXAMPLES: readonly Example[] = [
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
  example('delete-object', deleteObject, { id: 0x150, type: 8 }, { sent: '015008', ...NOTHING }),
];

describeCommands(EXAMPLES);

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
