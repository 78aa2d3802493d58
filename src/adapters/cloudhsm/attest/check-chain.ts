/**
 * A chain of X.509 certificates, checked against one pinned root: issuers, signatures, dates, who may issue (RFC 5280 §6.1, as far as a
 * chain of one manufacturer needs it). Left out: revocation, path length, name constraints, policies.
 */
import { createHash, X509Certificate } from 'node:crypto';

/** The attestation does not hold; the message says why, for people. */
export class AttestationRefusal extends Error {
  override readonly name = 'AttestationRefusal';
}

export interface CheckedChain {
  readonly leaf: X509Certificate;
  /** Hex, over the DER of the certificates from the leaf to the root. */
  readonly sha256: string;
}

const MAX_CERTIFICATES = 5;
const LEAST_RSA_BITS = 2048;

/** Throws AttestationRefusal when it is no certificate of an authority that signed itself. Dates are not looked at. */
export function readRoot(pem: string): X509Certificate {
  const root = readCertificate(pem, 'the pinned root');
  if (!root.ca) throw new AttestationRefusal('the pinned root is not a certificate of an authority');
  if (!root.checkIssued(root) || !isSignedBy(root, root)) {
    throw new AttestationRefusal('the pinned root was issued by somebody else, so it is no root');
  }
  return root;
}

/** `chain`: the leaf first. Throws AttestationRefusal. */
export function checkChain(chain: readonly string[], root: X509Certificate, nowMs: number): CheckedChain {
  if (chain.length === 0) throw new AttestationRefusal('there is no certificate');
  if (chain.length > MAX_CERTIFICATES) throw new AttestationRefusal('the chain has too many certificates');
  const certificates = chain.map((pem) => readCertificate(pem, 'the chain'));
  for (const [place, certificate] of certificates.entries()) {
    checkDates(certificate, nowMs);
    checkIssuer(certificate, certificates[place + 1] ?? null, root);
  }
  checkDates(root, nowMs);
  const [leaf] = certificates;
  if (leaf === undefined || leaf.ca) {
    throw new AttestationRefusal("the first certificate is an authority's, not an HSM's");
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = leaf.publicKey;
  if (asymmetricKeyType !== 'rsa' || (asymmetricKeyDetails?.modulusLength ?? 0) < LEAST_RSA_BITS) {
    throw new AttestationRefusal(`the key of ${nameOf(leaf)} is not RSA of at least ${LEAST_RSA_BITS} bits`);
  }
  const hash = createHash('sha256');
  for (const { raw } of [...certificates, root]) hash.update(raw);
  return { leaf, sha256: hash.digest('hex') };
}

function checkIssuer(certificate: X509Certificate, next: X509Certificate | null, root: X509Certificate): void {
  const issuer = next ?? root;
  if (!certificate.checkIssued(issuer)) {
    const wanted = quoted(certificate.issuer);
    throw new AttestationRefusal(
      next === null
        ? `${nameOf(certificate)} was issued by ${wanted}, which is neither in the chain nor the pinned root`
        : `${nameOf(certificate)} was issued by ${wanted}, not by ${nameOf(next)}, which follows it in the chain`,
    );
  }
  if (!issuer.ca) throw new AttestationRefusal(`${nameOf(issuer)} may not issue certificates`);
  if (!isSignedBy(certificate, issuer)) {
    const whom = next === null ? 'the pinned root' : nameOf(next);
    throw new AttestationRefusal(`the signature on the certificate of ${nameOf(certificate)} is not that of ${whom}`);
  }
}

function checkDates(certificate: X509Certificate, nowMs: number): void {
  const { validFrom, validTo } = certificate;
  // Not the other way round: a date that cannot be read is NaN, which compares as false.
  if (!(Date.parse(validFrom) <= nowMs)) {
    throw new AttestationRefusal(`the certificate of ${nameOf(certificate)} is not valid before ${validFrom}`);
  }
  if (!(nowMs <= Date.parse(validTo))) {
    throw new AttestationRefusal(`the certificate of ${nameOf(certificate)} expired on ${validTo}`);
  }
}

/** OpenSSL throws for keys that cannot have made such a signature. */
function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function readCertificate(pem: string, where: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw new AttestationRefusal(`${where} holds something that is no certificate`);
  }
}

/** Every common name, as one text each. */
export const commonNames = (name: string): readonly string[] =>
  name
    .split('\n')
    .filter((line) => line.startsWith('CN='))
    .map((line) => line.slice('CN='.length));

/** Whoever made the certificate chose its names, so they are not shown as they are. */
const quoted = (name: string): string => `"${(commonNames(name)[0] ?? '').replace(/[^ -~]/g, '?').slice(0, 80)}"`;

const nameOf = (certificate: X509Certificate): string => quoted(certificate.subject);
