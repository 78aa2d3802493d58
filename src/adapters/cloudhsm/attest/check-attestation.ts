/**
 * Is an attestation true? The chain leads to the pinned root, the HSM that it names signed the statement, the statement answers this
 * question, and what it says of the key is what the device shows of it. All of it, or it is refused.
 */
import { verify, type X509Certificate } from 'node:crypto';
import { AttestationRefusal, checkChain, commonNames } from './check-chain.ts';
import { type Attestation, type AttestationStatement, decodeStatement } from './statement.ts';

/** The key as the device shows it on another way. null: it does not show that, or the key has no such thing. */
export type ShownKey = Pick<
  AttestationStatement,
  | 'serial'
  | 'firmware'
  | 'handle'
  | 'class'
  | 'type'
  | 'kcv'
  | 'spkiSha256'
  | 'local'
  | 'extractable'
  | 'sensitive'
  | 'neverExtractable'
>;

export interface AttestationQuestion {
  readonly nonce: Uint8Array;
  /** Id of the HSM that was asked. */
  readonly node: number;
  readonly shown: ShownKey;
  readonly root: X509Certificate;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export interface CheckedAttestation {
  readonly statement: AttestationStatement;
  /** Hex, over the certificates from the HSM's to the root. */
  readonly chainSha256: string;
}

/** Name in an HSM's certificate. */
export const hsmName = (cluster: string, node: number): string => `${cluster} HSM ${node}`;

const SHOWN: Readonly<Record<keyof ShownKey, string>> = {
  serial: 'the serial number',
  firmware: 'the firmware',
  handle: 'the key handle',
  class: 'the class',
  type: 'the key type',
  kcv: 'the check value',
  spkiSha256: 'the public key',
  local: 'whether the key was made there',
  extractable: 'whether it may be wrapped',
  sensitive: 'whether it is sensitive',
  neverExtractable: 'whether it never could be wrapped',
};

/** Throws AttestationRefusal, which says what does not hold. */
export function checkAttestation(answer: Attestation, question: AttestationQuestion): CheckedAttestation {
  const { leaf, sha256 } = checkChain(answer.chain, question.root, question.nowMs);
  if (!verify('sha256', answer.statement, leaf.publicKey, answer.signature)) {
    throw new AttestationRefusal('the signature on the statement is not that of the certificate');
  }
  const statement = decodeStatement(answer.statement);
  if (statement === null) throw new AttestationRefusal('what was signed is no statement about a key');
  if (statement.nonce !== Buffer.from(question.nonce).toString('hex')) {
    throw new AttestationRefusal('the statement answers another question: it was made at another time');
  }
  const names = commonNames(leaf.subject);
  if (statement.node !== question.node || names.join('\n') !== hsmName(statement.cluster, statement.node)) {
    throw new AttestationRefusal('the statement or the certificate is of another HSM than the one that was asked');
  }
  compare(statement, question.shown);
  return { statement, chainSha256: sha256 };
}

function compare(statement: AttestationStatement, shown: ShownKey): void {
  for (const name of Object.keys(SHOWN) as (keyof ShownKey)[]) {
    // A check value or public key that the device does not show cannot be compared; the other facts are always there.
    if (shown[name] === null && (name === 'kcv' || name === 'spkiSha256')) continue;
    if (statement[name] !== shown[name]) {
      throw new AttestationRefusal(
        `${SHOWN[name]} is ${statement[name]} in the statement, and ${shown[name]} as the device shows it`,
      );
    }
  }
}
