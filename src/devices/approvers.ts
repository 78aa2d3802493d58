/** Approvers of the devices file: a name and a public key, told apart by the SHA-256 of its SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { approverKey, keyProblem } from '../approvals/signature.ts';
import type { SourcePlace } from '../source/node.ts';
import type { Problems } from '../source/problems.ts';

export interface Approver {
  readonly name: string;
  /** The PEM file; absolute. */
  readonly publicKeyFile: string;
  readonly publicKey: KeyObject;
  /** Hex. */
  readonly spkiSha256: string;
}

/** undefined when a problem was reported: the file is not there, is no public key, is a private one, or one that cannot sign approvals. */
export function readApprover(name: string, file: string, place: SourcePlace, problems: Problems): Approver | undefined {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch {
    problems.add(place, `the public key of ${name} cannot be read: ${file}`);
    return undefined;
  }
  if (pem.includes('PRIVATE KEY-----')) {
    problems.add(place, `${file} holds a private key`, 'an approver keeps it; put the public key here');
    return undefined;
  }
  try {
    const publicKey = createPublicKey(pem);
    const problem = keyProblem(publicKey);
    if (problem === null) return { name, publicKeyFile: file, publicKey, spkiSha256: approverKey(publicKey).sha256 };
    problems.add(place, `the key of ${name} cannot sign approvals: ${problem}`);
    return undefined;
  } catch {
    problems.add(place, `${file} is no public key in PEM`);
    return undefined;
  }
}
