/**
 * The quorum token file of Client SDK 5: JSON with what is to be signed, its SHA-256, and the signatures. Officers sign `approval_data`
 * (RSA-2048, SHA-256, PKCS#1 v1.5). Source: user guide, `quorum-auth-chsm-cli-*`. The cluster checks signatures; this only reads and writes.
 */
import { createHash } from 'node:crypto';

export interface TokenFile {
  readonly version: string;
  /** What the officers sign: one entry per HSM. */
  readonly approvalData: Uint8Array;
  readonly signatures: readonly TokenSignature[];
  /** Of a token for one key: which, and what for. */
  readonly key?: { readonly service: string; readonly reference: string };
}

export interface TokenSignature {
  readonly username: string;
  readonly signature: Uint8Array;
}

const VERSION = '2.0';

export const newTokenFile = (approvalData: Uint8Array): TokenFile => ({
  version: VERSION,
  approvalData,
  signatures: [],
});

export const tokenDigest = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest();

export function encodeTokenFile({ version, approvalData, signatures, key }: TokenFile): string {
  const document = {
    version,
    ...(key === undefined ? {} : { service: key.service, key_reference: key.reference }),
    approval_data: base64(approvalData),
    token: base64(tokenDigest(approvalData)),
    signatures: signatures.map(({ username, signature }) => ({ username, signature: base64(signature) })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** null: not such a file, or one whose digest is not that of its data. */
export function decodeTokenFile(text: string): TokenFile | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const { version, approval_data: data, token, signatures } = parsed as Readonly<Record<string, unknown>>;
  if (typeof version !== 'string' || typeof data !== 'string' || !Array.isArray(signatures)) return null;
  const approvalData = new Uint8Array(Buffer.from(data, 'base64'));
  if (base64(tokenDigest(approvalData)) !== token) return null;
  const read: TokenSignature[] = [];
  for (const entry of signatures as readonly unknown[]) {
    const { username, signature } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof username !== 'string' || typeof signature !== 'string') return null;
    read.push({ username, signature: new Uint8Array(Buffer.from(signature, 'base64')) });
  }
  const { service, key_reference: reference } = parsed as Readonly<Record<string, unknown>>;
  const key = typeof service === 'string' && typeof reference === 'string' ? { key: { service, reference } } : {};
  return { version, approvalData, signatures: read, ...key };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
