/** The keys that officers approve with: RSA-2048, SHA-256, PKCS#1 v1.5 (user guide, quorum authentication pages). */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { HsmRefusal } from './cluster.ts';

const PROOF_BYTES = 245;

/** The key in one spelling. Throws HsmRefusal `quorum-key`, `quorum-proof` when the proof was not signed with it. */
export function checkedQuorumKey(proof: Uint8Array, signature: Uint8Array, publicKeyPem: string): string {
  const key = rsa2048Pem(publicKeyPem);
  if (key === null) throw new HsmRefusal('quorum-key', null, 'a quorum key is an RSA public key of 2048 bits in PEM');
  if (proof.length === 0 || proof.length > PROOF_BYTES || !isSigned(proof, signature, key)) {
    throw new HsmRefusal('quorum-proof', null, 'the registration token is not signed with the private key');
  }
  return key;
}

/** In one spelling; null: it is something else. */
export function rsa2048Pem(pem: string): string | null {
  const key = parsedKey(pem);
  const isFit = key?.asymmetricKeyType === 'rsa' && key.asymmetricKeyDetails?.modulusLength === 2048;
  return isFit ? key.export({ format: 'pem', type: 'spki' }).toString() : null;
}

function parsedKey(pem: string): KeyObject | null {
  try {
    return createPublicKey({ key: pem, format: 'pem' });
  } catch {
    return null;
  }
}

export function isSigned(data: Uint8Array, signature: Uint8Array, publicKey: KeyObject | string): boolean {
  return verify('sha256', data, publicKey, signature);
}
