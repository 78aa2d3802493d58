/** Put and generate, for every type of key. */
import {
  ALGORITHM,
  aesKeyBytes,
  ccmWrapKeyBytes,
  hmacSizes,
  isAes,
  isAsymmetric,
  isCcmWrap,
  isHmac,
  isRsa,
  privateKeyBytes,
  rsaModulusBytes,
} from '../../wire/algorithms.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import { type FirmwareVersion, isFirmwareAtLeast } from '../../wire/frame.ts';
import { OBJECT_TYPE } from '../../wire/object-types.ts';
import type { ByteReader } from '../../wire/reader.ts';
import { encodeHmacBody } from '../../wire/wrapped-body.ts';
import {
  asymmetricMaterial,
  generateAsymmetric,
  isAuthenticationMaterial,
  isModulus,
  randomKey,
} from '../key-material.ts';
import { refuse } from '../refusal.ts';
import type { CommandHandler } from './command.ts';
import { creation, generated, imported, keyOf } from './created-object.ts';

const ASYMMETRIC = { type: OBJECT_TYPE['asymmetric-key'], isOfType: isAsymmetric } as const;
const SYMMETRIC = { type: OBJECT_TYPE['symmetric-key'], isOfType: isAes } as const;
const HMAC = { type: OBJECT_TYPE['hmac-key'], isOfType: isHmac } as const;

const putAsymmetricKey = creation({
  ...ASYMMETRIC,
  ...imported,
  code: COMMAND['put-asymmetric-key'],
  capability: 'put-asymmetric-key',
  material: (algorithm, rest) => asymmetricMaterial(algorithm, keyOf(rest, privateKeyBytes(algorithm))),
});

const generateAsymmetricKey = creation({
  ...ASYMMETRIC,
  ...generated,
  code: COMMAND['generate-asymmetric-key'],
  capability: 'generate-asymmetric-key',
  material: (algorithm, rest) => {
    rest.end();
    return generateAsymmetric(algorithm);
  },
});

const putSymmetricKey = creation({
  ...SYMMETRIC,
  ...imported,
  code: COMMAND['put-symmetric-key'],
  capability: 'put-symmetric-key',
  material: (algorithm, rest) => keyOf(rest, aesKeyBytes(algorithm)),
});

const generateSymmetricKey = creation({
  ...SYMMETRIC,
  ...generated,
  code: COMMAND['generate-symmetric-key'],
  capability: 'generate-symmetric-key',
  material: (algorithm) => randomKey(aesKeyBytes(algorithm) ?? 0),
});

const putHmacKey = creation({
  ...HMAC,
  ...imported,
  code: COMMAND['put-hmac-key'],
  capability: 'put-mac-key',
  material: (algorithm, rest) => {
    const isOfLength = rest.remaining > 0 && rest.remaining <= (hmacSizes(algorithm)?.block ?? 0);
    return isOfLength ? encodeHmacBody(algorithm, rest.rest()) : refuse('wrong-length');
  },
});

const generateHmacKey = creation({
  ...HMAC,
  ...generated,
  code: COMMAND['generate-hmac-key'],
  capability: 'generate-hmac-key',
  material: (algorithm) => encodeHmacBody(algorithm, randomKey(hmacSizes(algorithm)?.output ?? 0)),
});

/** RSA wrap keys came with firmware 2.4; before it only the AES ones are wrap keys. */
const isWrapAlgorithm = (algorithm: number, firmware: FirmwareVersion): boolean =>
  isCcmWrap(algorithm) || (isRsa(algorithm) && isFirmwareAtLeast(firmware, 2, 4));

const putWrapKey = creation({
  ...imported,
  type: OBJECT_TYPE['wrap-key'],
  isOfType: isWrapAlgorithm,
  code: COMMAND['put-wrap-key'],
  capability: 'put-wrap-key',
  material: (algorithm, rest) =>
    isRsa(algorithm)
      ? asymmetricMaterial(algorithm, keyOf(rest, rsaModulusBytes(algorithm)))
      : keyOf(rest, ccmWrapKeyBytes(algorithm)),
});

const generateWrapKey = creation({
  ...generated,
  type: OBJECT_TYPE['wrap-key'],
  isOfType: isWrapAlgorithm,
  code: COMMAND['generate-wrap-key'],
  capability: 'generate-wrap-key',
  material: (algorithm) =>
    isRsa(algorithm) ? generateAsymmetric(algorithm) : randomKey(ccmWrapKeyBytes(algorithm) ?? 0),
});

const putPublicWrapKey = creation({
  ...imported,
  type: OBJECT_TYPE['public-wrap-key'],
  isOfType: isRsa,
  code: COMMAND['put-public-wrap-key'],
  capability: 'put-public-wrap-key',
  material: (algorithm, rest) => {
    const modulus = keyOf(rest, rsaModulusBytes(algorithm));
    return isModulus(algorithm, modulus) ? modulus : null;
  },
});

const AUTHENTICATION_BYTES: ReadonlyMap<number, number> = new Map([
  [ALGORITHM['aes128-yubico-authentication'], 32],
  [ALGORITHM['ecp256-yubico-authentication'], 64],
]);

/** K-ENC | K-MAC, or the host's public point. */
export function authenticationMaterial(algorithm: number, rest: ByteReader): Uint8Array | null {
  const material = keyOf(rest, AUTHENTICATION_BYTES.get(algorithm));
  return isAuthenticationMaterial(algorithm, material) ? material : null;
}

const putAuthenticationKey = creation({
  ...imported,
  type: OBJECT_TYPE['authentication-key'],
  isOfType: (algorithm) => AUTHENTICATION_BYTES.has(algorithm),
  code: COMMAND['put-authentication-key'],
  capability: 'put-authentication-key',
  material: authenticationMaterial,
});

export const KEY_COMMANDS: readonly CommandHandler[] = [
  putAsymmetricKey,
  generateAsymmetricKey,
  putSymmetricKey,
  generateSymmetricKey,
  putHmacKey,
  generateHmacKey,
  putWrapKey,
  generateWrapKey,
  putPublicWrapKey,
  putAuthenticationKey,
];
