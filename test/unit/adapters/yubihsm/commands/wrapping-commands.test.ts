/** Bytes of commands, written out from the format: wrapping. */
import { describe, expect, test } from 'vitest';
import { exportRsaWrapped, getRsaWrappedKey } from '../../../../../src/adapters/yubihsm/commands/export-rsa-wrapped.ts';
import { exportWrapped } from '../../../../../src/adapters/yubihsm/commands/export-wrapped.ts';
import { importRsaWrapped } from '../../../../../src/adapters/yubihsm/commands/import-rsa-wrapped.ts';
import { importWrapped } from '../../../../../src/adapters/yubihsm/commands/import-wrapped.ts';
import { putRsaWrappedKey } from '../../../../../src/adapters/yubihsm/commands/put-rsa-wrapped-key.ts';
import { unwrapData, wrapData } from '../../../../../src/adapters/yubihsm/commands/wrap-data.ts';
import { ALGORITHM } from '../../../../../src/adapters/yubihsm/wire/algorithms.ts';
import { WireError } from '../../../../../src/adapters/yubihsm/wire/wire-error.ts';
import {
  base,
  describeCommands,
  type Example,
  example,
  fill,
  HEADER,
  IMPORTED,
  times,
} from '../../../../support/yubihsm-wire-examples.ts';

const oaep = {
  oaepAlgorithm: ALGORITHM['rsa-oaep-sha256'],
  mgf1Algorithm: ALGORITHM['mgf1-sha256'],
  labelDigest: fill(32, 0xee),
};
const DIGEST = times('ee', 32);

const RSA_BLOB = times('bb', 256 + 24);
const exportRequest = { wrapKeyId: 0x0200, object: { type: 3, id: 0x150 }, aesAlgorithm: ALGORITHM.aes256, ...oaep };
const EXPORT = `0200 03 0150 34 1a 21 ${DIGEST}`;

const EXAMPLES: readonly Example[] = [
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
];

describeCommands(EXAMPLES);

describe('requests that cannot be made', () => {
  test.each<[string, () => Uint8Array]>([
    ['a one-use key that is not AES', () => exportRsaWrapped.encode({ ...exportRequest, aesAlgorithm: 42 })],
    ['no OAEP', () => exportRsaWrapped.encode({ ...exportRequest, oaepAlgorithm: 33 })],
    ['no MGF1', () => exportRsaWrapped.encode({ ...exportRequest, mgf1Algorithm: 26 })],
    ['a digest of another hash', () => exportRsaWrapped.encode({ ...exportRequest, labelDigest: fill(20) })],
    ['an HMAC key alone', () => getRsaWrappedKey.encode({ ...exportRequest, object: { type: 5, id: 1 } })],
    [
      'an AES key as an asymmetric one',
      () => putRsaWrappedKey.encode({ ...base, ...oaep, algorithm: 52, type: 3, wrapKeyId: 1, wrapped: fill(4) }),
    ],
  ])('%s', (_, encode) => {
    expect(encode).toThrow(WireError);
  });
});
