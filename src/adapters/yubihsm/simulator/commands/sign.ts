/** Signatures: the host brings a digest (Ed25519: the message), the device the private key. */
import { ALGORITHM, HASH_BYTES, isEc, isEd25519, isRsa, mgf1Hash } from '../../wire/algorithms.ts';
import type { CapabilityName } from '../../wire/capabilities.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import { isFirmwareAtLeast } from '../../wire/frame.ts';
import { OBJECT_TYPE } from '../../wire/object-types.ts';
import type { CommandContext } from '../command-context.ts';
import { signDigest } from '../ec-material.ts';
import { signEd25519 } from '../ed25519-material.ts';
import { privateKeyOf } from '../key-material.ts';
import { refuse } from '../refusal.ts';
import { hashedBy, hashOfLength, signPkcs1, signPss } from '../rsa-padding.ts';
import type { StoredObject } from '../stored-object.ts';
import type { CommandHandler } from './command.ts';

interface Signing {
  readonly id: number;
  readonly capability: CapabilityName;
  isOfKind(algorithm: number): boolean;
}

export function asymmetricKey(context: CommandContext, { id, capability, isOfKind }: Signing): StoredObject {
  const key = context.use(OBJECT_TYPE['asymmetric-key'], id, capability);
  return isOfKind(key.algorithm) ? key : refuse('invalid-data');
}

const signPkcs1Command: CommandHandler = {
  code: COMMAND['sign-pkcs1'],
  capability: 'sign-pkcs',
  run: (request, context) => {
    const key = asymmetricKey(context, { id: request.u16(), capability: 'sign-pkcs', isOfKind: isRsa });
    const hashed = hashedBy(request.rest());
    if (hashed === undefined) return refuse('wrong-length');
    if (hashed === null) return refuse('invalid-data');
    const { hash, digest } = hashed;
    context.requireAlgorithm(ALGORITHM[`rsa-pkcs1-${hash}`]);
    const privateKey = privateKeyOf(key);
    return (privateKey === null ? null : signPkcs1(privateKey, hash, digest)) ?? refuse('invalid-data');
  },
};

const signPssCommand: CommandHandler = {
  code: COMMAND['sign-pss'],
  capability: 'sign-pss',
  run: (request, context) => {
    const key = asymmetricKey(context, { id: request.u16(), capability: 'sign-pss', isOfKind: isRsa });
    const mgf1Algorithm = request.u8();
    const saltBytes = request.u16();
    const digest = request.rest();
    const mask = mgf1Hash(mgf1Algorithm);
    if (mask === undefined) return refuse('invalid-data');
    context.requireAlgorithm(mgf1Algorithm);
    const hash = hashOfLength(digest.length);
    if (hash === undefined) return refuse('wrong-length');
    context.requireAlgorithm(ALGORITHM[`rsa-pss-${hash}`]);
    const privateKey = privateKeyOf(key);
    const parameters = { hash, mgf1Hash: mask, saltBytes };
    return (privateKey === null ? null : signPss(privateKey, digest, parameters)) ?? refuse('invalid-data');
  },
};

const SHORTEST_DIGEST = HASH_BYTES.sha1;
const LONGEST_DIGEST = 66;

/** Firmware 2.1 and later cut a long digest themselves; before, the host had to. */
const signEcdsa: CommandHandler = {
  code: COMMAND['sign-ecdsa'],
  capability: 'sign-ecdsa',
  run: (request, context) => {
    const { algorithm, material } = asymmetricKey(context, {
      id: request.u16(),
      capability: 'sign-ecdsa',
      isOfKind: isEc,
    });
    const digest = request.rest();
    if (digest.length < SHORTEST_DIGEST || digest.length > LONGEST_DIGEST) refuse('wrong-length');
    const hash = hashOfLength(digest.length);
    if (hash !== undefined) context.requireAlgorithm(ALGORITHM[`ecdsa-${hash}`]);
    const orderBytes = material.length / 3;
    if (digest.length > orderBytes && !isFirmwareAtLeast(context.firmware, 2, 1)) refuse('wrong-length');
    return signDigest(algorithm, material, digest);
  },
};

const signEddsa: CommandHandler = {
  code: COMMAND['sign-eddsa'],
  capability: 'sign-eddsa',
  run: (request, context) => {
    const key = asymmetricKey(context, { id: request.u16(), capability: 'sign-eddsa', isOfKind: isEd25519 });
    return signEd25519(key.material, request.rest());
  },
};

export const SIGN_COMMANDS: readonly CommandHandler[] = [signPkcs1Command, signPssCommand, signEcdsa, signEddsa];
