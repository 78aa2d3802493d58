/** Approvers of the devices file: a name and a public key, told apart by the SHA-256 of its SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
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

/** undefined when a problem was reported: the file is not there, is no public key, or is a private one. */
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
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    return { name, publicKeyFile: file, publicKey, spkiSha256: createHash('sha256').update(spki).digest('hex') };
  } catch {
    problems.add(place, `${file} is no public key in PEM`);
    return undefined;
  }
}
