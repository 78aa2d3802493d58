/**
 * Sign, Verify, DeriveSharedSecret. ECDSA signatures are DER; RSASSA-PSS has a salt as long as the hash. With MessageType DIGEST the
 * message is the hash already.
 */
import { createHash, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { signDigestEcdsa, verifyDigestEcdsa } from '../ecdsa-digest.ts';
import { privateKeyOf } from '../key-material.ts';
import { type KeyRecord, keyArn } from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import { algorithmsOf } from '../key-specs.ts';
import { endDryRun, requireUsable } from '../key-state.ts';
import { blob, oneOf, required } from '../members.ts';
import { acting } from '../operation.ts';
import { type RsaDigest, signDigestRsa, verifyDigestRsa } from '../rsa-digest.ts';
import { refuse } from '../service-error.ts';
import { refuseRecipient } from './encrypt.ts';
import { cryptographic, recipient, requiredKeyId } from './request-members.ts';

const SIGNING_ALGORITHMS = [
  'RSASSA_PSS_SHA_256',
  'RSASSA_PSS_SHA_384',
  'RSASSA_PSS_SHA_512',
  'RSASSA_PKCS1_V1_5_SHA_256',
  'RSASSA_PKCS1_V1_5_SHA_384',
  'RSASSA_PKCS1_V1_5_SHA_512',
  'ECDSA_SHA_256',
  'ECDSA_SHA_384',
  'ECDSA_SHA_512',
  'SM2DSA',
  'ML_DSA_SHAKE_256',
  'ED25519_SHA_512',
  'ED25519_PH_SHA_512',
] as const;

const signing = {
  KeyId: requiredKeyId,
  Message: required(blob(4096)),
  MessageType: oneOf(['RAW', 'DIGEST', 'EXTERNAL_MU']),
  SigningAlgorithm: required(oneOf(SIGNING_ALGORITHMS)),
  ...cryptographic,
};

interface SigningRequest {
  readonly SigningAlgorithm: string;
  readonly MessageType: string | undefined;
  readonly Message: Uint8Array;
}

/** The digest that is signed, and how. */
function digestOf(key: KeyRecord, request: SigningRequest): RsaDigest {
  const { SigningAlgorithm: algorithm, MessageType: type = 'RAW', Message: message } = request;
  if (algorithmsOf(key.spec, key.usage).SigningAlgorithms?.includes(algorithm) !== true)
    return refuse('InvalidKeyUsageException', `Algorithm ${algorithm} and key spec ${key.spec} are incompatible.`);
  if (type === 'EXTERNAL_MU') return refuse('ValidationException', `MessageType ${type} is for ML-DSA keys only.`);
  const bits = Number(algorithm.slice(-3));
  const hash = `sha${bits}`;
  if (type === 'DIGEST' && message.length !== bits / 8)
    return refuse('ValidationException', `Digest is invalid length for algorithm ${algorithm}.`);
  const digest = type === 'DIGEST' ? message : createHash(hash).update(message).digest();
  return { hash, isPss: algorithm.startsWith('RSASSA_PSS'), digest };
}

const isEcdsa = (key: KeyObject): boolean => key.asymmetricKeyType === 'ec';

export const sign = acting(signing, ({ view, place }, input) => {
  const key = findKey(view, place, input.KeyId, 'keys-and-aliases');
  requireUsable(key, place, 'SIGN_VERIFY', 'Sign');
  const request = digestOf(key, input);
  endDryRun(input.DryRun);
  const privateKey = privateKeyOf(key.materials[0]);
  const signature = isEcdsa(privateKey)
    ? signDigestEcdsa(privateKey, request.digest)
    : signDigestRsa(privateKey, request);
  return {
    KeyId: keyArn(place, key.id),
    Signature: signature.toString('base64'),
    SigningAlgorithm: input.SigningAlgorithm,
  };
});

export const verify = acting({ ...signing, Signature: required(blob(6144)) }, ({ view, place }, input) => {
  const key = findKey(view, place, input.KeyId, 'keys-and-aliases');
  requireUsable(key, place, 'SIGN_VERIFY', 'Verify');
  const request = digestOf(key, input);
  const publicKey = createPublicKey(privateKeyOf(key.materials[0]));
  const isRight = isEcdsa(publicKey)
    ? verifyDigestEcdsa(publicKey, request.digest, input.Signature)
    : verifyDigestRsa(publicKey, request, input.Signature);
  if (!isRight) return refuse('KMSInvalidSignatureException');
  endDryRun(input.DryRun);
  return { KeyId: keyArn(place, key.id), SignatureValid: true, SigningAlgorithm: input.SigningAlgorithm };
});

export const deriveSharedSecret = acting(
  {
    KeyId: requiredKeyId,
    KeyAgreementAlgorithm: required(oneOf(['ECDH'])),
    PublicKey: required(blob(8192)),
    Recipient: recipient,
    ...cryptographic,
  },
  ({ view, place }, input) => {
    refuseRecipient(input.Recipient);
    const key = findKey(view, place, input.KeyId, 'keys-and-aliases');
    requireUsable(key, place, 'KEY_AGREEMENT', 'DeriveSharedSecret');
    const privateKey = privateKeyOf(key.materials[0]);
    const publicKey = readPublicKey(input.PublicKey, privateKey);
    endDryRun(input.DryRun);
    return {
      KeyId: keyArn(place, key.id),
      SharedSecret: diffieHellman({ privateKey, publicKey }).toString('base64'),
      KeyAgreementAlgorithm: 'ECDH',
      KeyOrigin: key.origin,
    };
  },
);

function readPublicKey(bytes: Uint8Array, privateKey: KeyObject): KeyObject {
  const wrong = 'The public key is not a DER-encoded X.509 public key on the curve of the KMS key.';
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(bytes), format: 'der', type: 'spki' });
  } catch {
    return refuse('ValidationException', wrong);
  }
  const isSameCurve = key.asymmetricKeyDetails?.namedCurve === privateKey.asymmetricKeyDetails?.namedCurve;
  return key.asymmetricKeyType === 'ec' && isSameCurve ? key : refuse('ValidationException', wrong);
}
