/**
 * Who the HSMs of a simulated cluster are: a key and a certificate for each, issued by a manufacturer that exists in this simulator only
 * and forgets its keys once the HSMs have theirs. Made when first asked for. The certificates' names say that they are no vendor's.
 */
import { createPrivateKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { hsmName } from './check-attestation.ts';

export interface HsmIdentity {
  /** PKCS#8, PEM. */
  readonly privateKey: string;
  /** PEM: the HSM's certificate, then its issuer's. */
  readonly chain: readonly string[];
}

export interface ClusterIdentity {
  readonly format: 1;
  /** PEM. */
  readonly root: string;
  /** By node id, in decimal. */
  readonly hsms: Readonly<Record<string, HsmIdentity>>;
}

export interface IdentityRequest {
  readonly cluster: string;
  readonly nodes: readonly number[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

const ORGANIZATION = 'keyferry simulator - not a vendor certificate';
const DAY_MS = 86_400_000;
const YEARS = { root: 30, issuer: 25, hsm: 20 } as const;

interface Party {
  readonly name: string;
  readonly publicKey: string;
  readonly privateKey: string;
}

interface Issue {
  readonly subject: Party;
  readonly issuer: Party;
  readonly serial: number;
  readonly isAuthority: boolean;
  readonly years: number;
}

export async function makeClusterIdentity({ cluster, nodes, nowMs }: IdentityRequest): Promise<ClusterIdentity> {
  const issue = await certificateMaker(nowMs);
  const [root, issuer, ...parties] = await Promise.all([
    newParty('keyferry simulator root'),
    newParty('keyferry simulator HSM manufacturing'),
    ...nodes.map((node) => newParty(hsmName(cluster, node))),
  ]);
  const rootPem = issue({ subject: root, issuer: root, serial: 1, isAuthority: true, years: YEARS.root });
  const issuerPem = issue({ subject: issuer, issuer: root, serial: 2, isAuthority: true, years: YEARS.issuer });
  const hsms: Record<string, HsmIdentity> = {};
  for (const [place, node] of nodes.entries()) {
    const hsm = parties[place];
    if (hsm === undefined) throw new Error('an HSM without a key');
    const pem = issue({ subject: hsm, issuer, serial: 3 + place, isAuthority: false, years: YEARS.hsm });
    hsms[node] = { privateKey: hsm.privateKey, chain: [pem, issuerPem] };
  }
  return { format: 1, root: rootPem, hsms };
}

const makeKeyPair = promisify(generateKeyPair);

async function newParty(name: string): Promise<Party> {
  const { publicKey, privateKey } = await makeKeyPair('rsa', { modulusLength: 2048 });
  return {
    name,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** The package is loaded for this alone: nothing else here makes certificates. */
async function certificateMaker(nowMs: number): Promise<(issue: Issue) => string> {
  const { default: forge } = await import('node-forge');
  const nameOf = ({ name }: Party) => [
    { shortName: 'O', value: ORGANIZATION },
    { shortName: 'CN', value: name },
  ];
  return ({ subject, issuer, serial, isAuthority, years }) => {
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = forge.pki.publicKeyFromPem(subject.publicKey);
    certificate.serialNumber = serial.toString(16).padStart(2, '0');
    certificate.validity.notBefore = new Date(nowMs - DAY_MS);
    certificate.validity.notAfter = new Date(nowMs + years * 365 * DAY_MS);
    certificate.setSubject(nameOf(subject));
    certificate.setIssuer(nameOf(issuer));
    certificate.setExtensions([
      { name: 'basicConstraints', critical: true, cA: isAuthority },
      { name: 'keyUsage', critical: true, ...(isAuthority ? { keyCertSign: true } : { digitalSignature: true }) },
    ]);
    certificate.sign(forge.pki.privateKeyFromPem(issuer.privateKey), forge.md.sha256.create());
    return forge.pki.certificateToPem(certificate);
  };
}

/** Enough of a look that what follows cannot fail on its form. */
export function isClusterIdentity(value: unknown): value is ClusterIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const { format, root, hsms } = value as Partial<ClusterIdentity>;
  return (
    format === 1 &&
    typeof root === 'string' &&
    typeof hsms === 'object' &&
    hsms !== null &&
    Object.values(hsms).every(
      (hsm) =>
        isPrivateKey(hsm?.privateKey) && Array.isArray(hsm.chain) && hsm.chain.every((pem) => typeof pem === 'string'),
    )
  );
}

function isPrivateKey(pem: unknown): boolean {
  try {
    return typeof pem === 'string' && createPrivateKey(pem).asymmetricKeyType === 'rsa';
  } catch {
    return false;
  }
}
