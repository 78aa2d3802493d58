/** A simulated HSM's statement about a key in it, from the key itself and not from what PKCS#11 shows. */
import { createPublicKey, sign } from 'node:crypto';
import { spkiSha256 } from '../../../keys/public-key.ts';
import { keyTypeOf } from '../../pkcs11/attribute-codec.ts';
import { CKO } from '../../pkcs11/constants.ts';
import { FLAG } from '../../pkcs11/simulator/attribute-table.ts';
import { asymmetricKey, checkValue, has, type SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import { HsmRefusal } from '../cluster/cluster.ts';
import type { ClusterIdentity } from './simulated-identity.ts';
import { type Attestation, type AttestationStatement, encodeStatement } from './statement.ts';

type KeyStatement = Omit<AttestationStatement, 'nonce' | 'cluster' | 'serial' | 'node' | 'firmware' | 'handle'>;

function keyStatement(key: SimulatedObject): KeyStatement {
  const isPublic = key.class === CKO.PUBLIC_KEY;
  const isSecret = key.class === CKO.SECRET_KEY;
  const kcv = isSecret ? checkValue(key.keyType, key.material) : null;
  return {
    class: isPublic ? 'public' : isSecret ? 'secret' : 'private',
    type: keyTypeOf(key.keyType),
    kcv: kcv === null ? null : Buffer.from(kcv).toString('hex'),
    spkiSha256: isSecret ? null : spkiSha256(spkiOf(key)),
    local: has(key, FLAG.LOCAL),
    extractable: isPublic ? null : has(key, FLAG.EXTRACTABLE),
    sensitive: isPublic ? null : has(key, FLAG.SENSITIVE),
    neverExtractable: isPublic ? null : has(key, FLAG.NEVER_EXTRACTABLE),
  };
}

function spkiOf(key: SimulatedObject): Uint8Array {
  const own = asymmetricKey(key);
  const half = own.type === 'public' ? own : createPublicKey(own);
  return new Uint8Array(half.export({ type: 'spki', format: 'der' }));
}

export interface StatementRequest {
  readonly identity: ClusterIdentity;
  readonly record: { readonly id: string; readonly serial: string };
  readonly node: { readonly id: number };
  readonly firmware: string;
  readonly nonce: Uint8Array;
  readonly handle: number;
  readonly key: SimulatedObject;
}

/** Throws HsmRefusal `no-identity`. */
export function signStatement(request: StatementRequest): Attestation {
  const { identity, record, node, firmware, handle } = request;
  const hsm = identity.hsms[node.id];
  if (hsm === undefined) throw new HsmRefusal('no-identity', null, `HSM ${node.id} has no key to sign with`);
  const statement = encodeStatement({
    nonce: Buffer.from(request.nonce).toString('hex'),
    cluster: record.id,
    serial: record.serial,
    node: node.id,
    firmware,
    handle,
    ...keyStatement(request.key),
  });
  const signature = new Uint8Array(sign('sha256', statement, hsm.privateKey));
  return { statement, signature, chain: hsm.chain };
}
