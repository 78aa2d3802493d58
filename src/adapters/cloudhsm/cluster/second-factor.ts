/**
 * Second factors of officers: each HSM gives the SHA-256 of something random, which the officer's key signs (RSA-2048, PKCS#1 v1.5; user
 * guide, `reference-2fa` and `create-2fa`). What is random stays with whoever asked, so a challenge is good in one process and once.
 */
import { createHash, randomBytes } from 'node:crypto';
import { HsmRefusal, type SecondFactor, type UserType } from './cluster.ts';
import type { ClusterCore } from './cluster-core.ts';
import type { NodeRecord } from './cluster-record.ts';
import { isSigned, rsa2048Pem } from './quorum-keys.ts';

export function newChallenge({ challenges }: ClusterCore, nodeId: number): Uint8Array {
  const secret = new Uint8Array(randomBytes(32));
  challenges.set(nodeId, secret);
  return new Uint8Array(createHash('sha256').update(secret).digest());
}

/** The challenge is used up, whatever the answer is. */
export function hasAnswered(
  { challenges }: ClusterCore,
  nodeId: number,
  publicKey: string,
  signature: Uint8Array,
): boolean {
  const secret = challenges.get(nodeId);
  challenges.delete(nodeId);
  return secret !== undefined && isSigned(secret, signature, publicKey);
}

/** The key to keep with a user, null for none. Throws HsmRefusal `second-factor`. */
export function checkedSecondFactor(
  core: ClusterCore,
  node: NodeRecord,
  type: UserType,
  second: SecondFactor | undefined,
): string | null {
  if (second === undefined) return null;
  if (type !== 'CO' && type !== 'PCO') {
    throw new HsmRefusal('second-factor', null, 'only officers have second factors');
  }
  const key = rsa2048Pem(second.publicKeyPem);
  if (key === null) throw new HsmRefusal('second-factor', null, 'a second factor is an RSA key of 2048 bits in PEM');
  if (hasAnswered(core, node.id, key, second.signature)) return key;
  throw new HsmRefusal('second-factor', null, 'the digest of this HSM is not signed with the private key');
}
