/** Bytes of commands, written out from the format: using keys. */
import { describe, expect, test } from 'vitest';
import {
  decryptCbc,
  decryptEcb,
  encryptCbc,
  encryptEcb,
} from '../../../../../src/adapters/yubihsm/commands/block-cipher.ts';
import { decryptOaep, decryptPkcs1 } from '../../../../../src/adapters/yubihsm/commands/decrypt-rsa.ts';
import { deriveEcdh } from '../../../../../src/adapters/yubihsm/commands/derive-ecdh.ts';
import { getPseudoRandom } from '../../../../../src/adapters/yubihsm/commands/get-pseudo-random.ts';
import { signEcdsa, signEddsa, signPkcs1, signPss } from '../../../../../src/adapters/yubihsm/commands/sign.ts';
import { signAttestationCertificate } from '../../../../../src/adapters/yubihsm/commands/sign-attestation-certificate.ts';
import { signHmac, verifyHmac } from '../../../../../src/adapters/yubihsm/commands/sign-hmac.ts';
import { WireError } from '../../../../../src/adapters/yubihsm/wire/wire-error.ts';
import { describeCommands, type Example, example, fill, times } from '../../../../support/yubihsm-wire-examples.ts';
import { fromHex } from '../../../../support/yubihsm-wire-vectors.ts';

function fromHexArray(hex: string): Uint8Array {
  return new Uint8Array(fromHex(hex));
}

const EXAMPLES: readonly Example[] = [
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
];

describeCommands(EXAMPLES);

describe('requests that cannot be made', () => {
  test.each<[string, () => Uint8Array]>([
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
  ])('%s', (_, encode) => {
    expect(encode).toThrow(WireError);
  });
});
