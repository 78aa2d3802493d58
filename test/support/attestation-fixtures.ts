/** Statements about a key that never was, signed by simulated HSMs, for tests that spoil one thing at a time. */
import { sign, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import type { AttestationQuestion, ShownKey } from '../../src/adapters/cloudhsm/attest/check-attestation.ts';
import { type ClusterIdentity, makeClusterIdentity } from '../../src/adapters/cloudhsm/attest/simulated-identity.ts';
import {
  type Attestation,
  type AttestationStatement,
  encodeStatement,
} from '../../src/adapters/cloudhsm/attest/statement.ts';

export const CLUSTER = 'cluster-0123456789a';
export const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
export const DAY_MS = 86_400_000;

export const identityOf = (nowMs = NOW_MS): Promise<ClusterIdentity> =>
  makeClusterIdentity({ cluster: CLUSTER, nodes: [3, 4], nowMs });

export const SHOWN: ShownKey = {
  serial: 'SIM0123',
  firmware: '5.0',
  handle: 786_433,
  class: 'secret',
  type: 'aes',
  kcv: 'a1b2c3',
  spkiSha256: null,
  local: true,
  extractable: false,
  sensitive: true,
  neverExtractable: true,
};

export const NONCE = new Uint8Array(32).fill(7);

export const STATEMENT: AttestationStatement = {
  ...SHOWN,
  nonce: Buffer.from(NONCE).toString('hex'),
  cluster: CLUSTER,
  node: 3,
};

export function hsmOf(identity: ClusterIdentity, node: number): ClusterIdentity['hsms'][string] {
  const hsm = identity.hsms[node];
  if (hsm === undefined) throw new Error(`no HSM ${node}`);
  return hsm;
}

/** Bytes signed by that HSM. */
export function signedBy(identity: ClusterIdentity, node: number, statement: Uint8Array): Attestation {
  const { privateKey, chain } = hsmOf(identity, node);
  return { statement, signature: new Uint8Array(sign('sha256', statement, privateKey)), chain };
}

export const stated = (identity: ClusterIdentity, changes: Partial<AttestationStatement> = {}): Attestation =>
  signedBy(identity, changes.node ?? 3, encodeStatement({ ...STATEMENT, ...changes }));

export const question = (root: string, changes: Partial<AttestationQuestion> = {}): AttestationQuestion => ({
  nonce: NONCE,
  node: 3,
  shown: SHOWN,
  root: new X509Certificate(root),
  nowMs: NOW_MS,
  ...changes,
});

/** A certificate that an HSM issued with its own key, which it has no right to. */
export function issuedByHsm(identity: ClusterIdentity, node: number): Attestation['chain'] {
  const { privateKey, chain } = hsmOf(identity, node);
  const issuer = forge.pki.certificateFromPem(chain[0] ?? '');
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = issuer.publicKey;
  certificate.serialNumber = '77';
  certificate.validity.notBefore = new Date(NOW_MS - DAY_MS);
  certificate.validity.notAfter = new Date(NOW_MS + DAY_MS);
  certificate.setSubject([{ shortName: 'CN', value: `${CLUSTER} HSM 3` }]);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
  return [forge.pki.certificateToPem(certificate), ...chain];
}

/** The same certificate with one byte of its DER changed. */
export function bent(pem: string, place: (der: Buffer) => number): string {
  const der = Buffer.from(new X509Certificate(pem).raw);
  const at = place(der);
  der[at] = (der[at] ?? 0) ^ 1;
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
}
