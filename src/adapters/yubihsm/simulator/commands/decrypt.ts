/** Decryption with RSA keys and key agreement with EC keys. */
import { ALGORITHM, HASH_BYTES, isEc, isRsa, mgf1Hash, rsaModulusBytes } from '../../wire/algorithms.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import { isFirmwareAtLeast } from '../../wire/frame.ts';
import { oaepDecrypt } from '../../wire/oaep.ts';
import { ecdh } from '../ec-material.ts';
import { privateKeyOf } from '../key-material.ts';
import { refuse } from '../refusal.ts';
import { decryptPkcs1, hashOfLength } from '../rsa-padding.ts';
import type { CommandHandler } from './command.ts';
import { asymmetricKey } from './sign.ts';

const decryptPkcs1Command: CommandHandler = {
  code: COMMAND['decrypt-pkcs1'],
  capability: 'decrypt-pkcs',
  run: (request, context) => {
    const key = asymmetricKey(context, { id: request.u16(), capability: 'decrypt-pkcs', isOfKind: isRsa });
    // The algorithm has a number of its own, to be switched off, since firmware 2.2 only.
    if (isFirmwareAtLeast(context.firmware, 2, 2)) context.requireAlgorithm(ALGORITHM['rsa-pkcs1-decrypt']);
    const ciphertext = request.rest();
    if (ciphertext.length !== rsaModulusBytes(key.algorithm)) refuse('wrong-length');
    const privateKey = privateKeyOf(key);
    return (privateKey === null ? null : decryptPkcs1(privateKey, ciphertext)) ?? refuse('invalid-data');
  },
};

const decryptOaep: CommandHandler = {
  code: COMMAND['decrypt-oaep'],
  capability: 'decrypt-oaep',
  run: (request, context) => {
    const key = asymmetricKey(context, { id: request.u16(), capability: 'decrypt-oaep', isOfKind: isRsa });
    const mgf1Algorithm = request.u8();
    const mask = mgf1Hash(mgf1Algorithm);
    if (mask === undefined) return refuse('invalid-data');
    context.requireAlgorithm(mgf1Algorithm);
    const ciphertext = request.bytes(rsaModulusBytes(key.algorithm) ?? 0);
    const labelDigest = request.rest();
    const hash = hashOfLength(labelDigest.length);
    if (hash === undefined || labelDigest.length !== HASH_BYTES[hash]) return refuse('wrong-length');
    context.requireAlgorithm(ALGORITHM[`rsa-oaep-${hash}`]);
    const privateKey = privateKeyOf(key);
    if (privateKey === null) return refuse('invalid-data');
    return oaepDecrypt(privateKey, ciphertext, { labelDigest, hash, mgf1Hash: mask }) ?? refuse('invalid-data');
  },
};

const UNCOMPRESSED = 4;

const deriveEcdh: CommandHandler = {
  code: COMMAND['derive-ecdh'],
  capability: 'derive-ecdh',
  run: (request, context) => {
    const { algorithm, material } = asymmetricKey(context, {
      id: request.u16(),
      capability: 'derive-ecdh',
      isOfKind: isEc,
    });
    context.requireAlgorithm(ALGORITHM.ecdh);
    const point = request.rest();
    if (point.length !== 1 + (2 * material.length) / 3) refuse('wrong-length');
    if (point[0] !== UNCOMPRESSED) refuse('invalid-data');
    return ecdh(algorithm, material, point) ?? refuse('invalid-data');
  },
};

export const DECRYPT_COMMANDS: readonly CommandHandler[] = [decryptPkcs1Command, decryptOaep, deriveEcdh];
