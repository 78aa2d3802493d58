/**
 * check-usable: encrypts and decrypts, signs and verifies, makes and checks a MAC of random bytes, or agrees on a secret. It shows that the key works, and
 * nothing of whether it is the source's: any key would pass.
 */
import { createPublicKey, diffieHellman, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyMetadata, MacAlgorithmSpec, SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import type { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { KeyRef } from '../../../keys/key-record.ts';
import { done } from '../../actions/action.ts';
import { key, readKey, shape } from '../../actions/arguments.ts';
import type { KmsConnection } from '../connection.ts';
import { NOT_READY, publicKeyOf } from '../fingerprints.ts';
import { describeKey, inWords } from '../locate.ts';
import type { KmsAction } from './action.ts';

const CHALLENGE_BYTES = 32;

/** For services that do not list the algorithms of a key. */
const SIGNING: Readonly<Record<string, SigningAlgorithmSpec>> = {
  RSA_2048: 'RSASSA_PSS_SHA_256',
  RSA_3072: 'RSASSA_PSS_SHA_256',
  RSA_4096: 'RSASSA_PSS_SHA_256',
  ECC_NIST_P256: 'ECDSA_SHA_256',
  ECC_NIST_P384: 'ECDSA_SHA_384',
  ECC_NIST_P521: 'ECDSA_SHA_512',
  ECC_SECG_P256K1: 'ECDSA_SHA_256',
};
const MAC: Readonly<Record<string, MacAlgorithmSpec>> = {
  HMAC_224: 'HMAC_SHA_224',
  HMAC_256: 'HMAC_SHA_256',
  HMAC_384: 'HMAC_SHA_384',
  HMAC_512: 'HMAC_SHA_512',
};

const unknownSpec = (kms: KmsConnection, ref: KeyRef, { KeySpec: spec }: KeyMetadata): KeyferryError =>
  kms.fail('capability-missing', `the ${inWords(ref.locator)} cannot be tried out: no algorithm of ${spec} is known.`);

/** Does the key undo, or confirm, what it did? */
async function roundTrip(kms: KmsConnection, ref: KeyRef, metadata: KeyMetadata): Promise<boolean> {
  const KeyId = metadata.KeyId ?? '';
  const what = `try out the ${inWords(ref.locator)}`;
  const challenge = new Uint8Array(randomBytes(CHALLENGE_BYTES));
  switch (metadata.KeyUsage) {
    case 'ENCRYPT_DECRYPT': {
      const EncryptionAlgorithm = metadata.KeySpec === 'SYMMETRIC_DEFAULT' ? 'SYMMETRIC_DEFAULT' : 'RSAES_OAEP_SHA_256';
      const { CiphertextBlob } = await kms.callSeen(
        'Encrypt',
        { KeyId, EncryptionAlgorithm, Plaintext: challenge },
        what,
        NOT_READY,
      );
      const { Plaintext } = await kms.callSeen(
        'Decrypt',
        { KeyId, EncryptionAlgorithm, CiphertextBlob },
        what,
        NOT_READY,
      );
      return Plaintext !== undefined && Buffer.compare(Plaintext, challenge) === 0;
    }
    case 'SIGN_VERIFY': {
      const SigningAlgorithm =
        metadata.SigningAlgorithms?.find((name) => !name.includes('PKCS1')) ??
        metadata.SigningAlgorithms?.[0] ??
        SIGNING[metadata.KeySpec ?? ''];
      if (SigningAlgorithm === undefined) throw unknownSpec(kms, ref, metadata);
      const message = { KeyId, SigningAlgorithm, Message: challenge, MessageType: 'RAW' } as const;
      const { Signature } = await kms.callSeen('Sign', message, what, NOT_READY);
      const { SignatureValid } = await kms.callSeen('Verify', { ...message, Signature }, what, NOT_READY);
      return SignatureValid === true;
    }
    case 'GENERATE_VERIFY_MAC': {
      const MacAlgorithm = metadata.MacAlgorithms?.[0] ?? MAC[metadata.KeySpec ?? ''];
      if (MacAlgorithm === undefined) throw unknownSpec(kms, ref, metadata);
      const message = { KeyId, MacAlgorithm, Message: challenge };
      const { Mac } = await kms.callSeen('GenerateMac', message, what, NOT_READY);
      const { MacValid } = await kms.callSeen('VerifyMac', { ...message, Mac }, what, NOT_READY);
      return MacValid === true;
    }
    case 'KEY_AGREEMENT':
      return await agrees(kms, ref, metadata);
    default:
      throw kms.fail(
        'capability-missing',
        `keys for ${metadata.KeyUsage} cannot be tried out; compare the public key.`,
      );
  }
}

/** Elliptic-curve Diffie-Hellman with a throw-away key of this process: both sides must come to the same secret. */
async function agrees(kms: KmsConnection, ref: KeyRef, metadata: KeyMetadata): Promise<boolean> {
  const KeyId = metadata.KeyId ?? '';
  const what = `try out the ${inWords(ref.locator)}`;
  const spki = Buffer.from(await publicKeyOf(kms, KeyId, what));
  const theirs = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const namedCurve = theirs.asymmetricKeyDetails?.namedCurve;
  if (namedCurve === undefined) throw unknownSpec(kms, ref, metadata);
  const own = generateKeyPairSync('ec', { namedCurve });
  const request = {
    KeyId,
    KeyAgreementAlgorithm: 'ECDH',
    PublicKey: new Uint8Array(own.publicKey.export({ type: 'spki', format: 'der' })),
  } as const;
  const { SharedSecret: there } = await kms.callSeen('DeriveSharedSecret', request, what, NOT_READY);
  const here = diffieHellman({ privateKey: own.privateKey, publicKey: theirs });
  const isSame = there !== undefined && Buffer.compare(there, here) === 0;
  there?.fill(0);
  here.fill(0);
  return isSame;
}

export const checkUsable: KmsAction = {
  spec: {
    name: 'check-usable',
    summary: 'Show that a KMS key works; not that it is its source',
    effect: 'read',
    input: shape({ key: key('The KMS key') }),
    outputs: {
      method: { type: 'string', lifetime: 'run', description: 'functional' },
      strength: { type: 'string', lifetime: 'run', description: 'none: nothing was compared' },
    },
    quotas: { DescribeKey: 1 },
    role: { kind: 'prove', method: 'method', strength: 'strength' },
  },
  async perform(kms, { args }) {
    const ref = readKey(args, 'key');
    if (!(await roundTrip(kms, ref, await describeKey(kms, ref)))) {
      throw kms.fail('verification-failed', `the ${inWords(ref.locator)} does not undo what it did.`);
    }
    return done({ method: 'functional', strength: 'none' });
  },
};
