/** X.509 certificates (RFC 5280 §4.1) with an ECDSA or RSA signature over SHA-256. node-forge's own signs with RSA only. */
import { type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  bits,
  type DerNode,
  decodeDer,
  encodeDer,
  explicit,
  integer,
  isContext,
  nothing,
  octets,
  oid,
  partsOf,
  sequence,
  set,
  utf8,
} from './der.ts';

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  rsaWithSha256: '1.2.840.113549.1.1.11',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

const SERIAL_BYTES = 16;

export interface Extension {
  readonly oid: string;
  readonly value: DerNode;
}

export interface CertificateRequest {
  readonly subject: DerNode;
  readonly issuer: DerNode;
  readonly validity: DerNode;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Extension[];
  /** The issuer's: EC or RSA. */
  readonly signingKey: KeyObject;
}

/** DER. The serial number is random. */
export function issueCertificate(request: CertificateRequest): Uint8Array {
  const { signingKey } = request;
  const algorithm =
    signingKey.asymmetricKeyType === 'rsa'
      ? sequence(oid(OID.rsaWithSha256), nothing())
      : sequence(oid(OID.ecdsaWithSha256));
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const spki = decodeDer(request.publicKey.export({ type: 'spki', format: 'der' }));
  if (spki === null) throw new Error('a public key without a DER form');
  const body = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(serial),
    algorithm,
    request.issuer,
    request.validity,
    request.subject,
    spki,
    explicit(3, sequence(...request.extensions.map(extensionNode))),
  );
  const signature = sign('sha256', encodeDer(body), signingKey);
  return encodeDer(sequence(body, algorithm, bits(signature)));
}

const extensionNode = ({ oid: id, value }: Extension): DerNode => sequence(oid(id), octets(encodeDer(value)));

/** O and CN, or CN alone. */
export function nameOf(commonName: string, organization?: string): DerNode {
  const part = (id: string, text: string): DerNode => set(sequence(oid(id), utf8(Buffer.from(text, 'utf8'))));
  const parts = organization === undefined ? [] : [part(OID.organization, organization)];
  return sequence(...parts, part(OID.commonName, commonName));
}

export interface TemplateParts {
  readonly subject: DerNode;
  readonly validity: DerNode;
}

/** What an attestation takes over of its issuer's certificate. null: that is no certificate. */
export function readTemplate(certificate: Uint8Array): TemplateParts | null {
  const der = decodeDer(certificate);
  const body = der === null ? undefined : partsOf(der)[0];
  const parts = body === undefined ? [] : partsOf(body);
  // Serial, algorithm, issuer, validity, subject; the version before them is optional.
  const start = parts[0] !== undefined && isContext(parts[0], 0) ? 1 : 0;
  const [validity, subject] = [parts[start + 3], parts[start + 4]];
  if (validity === undefined || subject === undefined) return null;
  return partsOf(validity).length === 2 && partsOf(subject).length > 0 ? { validity, subject } : null;
}
