/**
 * What a simulated HSM signs about one of its keys: canonical JSON (RFC 8785), so that there is one text for one statement. The form is
 * keyferry's own; what the vendor's HSMs sign is not published.
 */
import { canonicalJson } from '../../../keys/canonical-json.ts';
import type { KeyClass, KeyType } from '../../../keys/key-spec.ts';

const FORMAT = 'keyferry-simulated-attestation-1';

export interface AttestationStatement {
  /** Hex of the asker's random bytes: an old statement is no answer to a new question. */
  readonly nonce: string;
  readonly cluster: string;
  /** Of the token that PKCS#11 callers see. */
  readonly serial: string;
  readonly node: number;
  readonly firmware: string;
  /** Cluster-wide key handle. */
  readonly handle: number;
  readonly class: KeyClass;
  readonly type: KeyType;
  /** Six hex digits; null for keys that have none. */
  readonly kcv: string | null;
  /** Hex, over SubjectPublicKeyInfo; null for secret keys. */
  readonly spkiSha256: string | null;
  readonly local: boolean;
  /** The next three are null for public keys, which have no such attribute. */
  readonly extractable: boolean | null;
  readonly sensitive: boolean | null;
  readonly neverExtractable: boolean | null;
}

/** An HSM's answer. */
export interface Attestation {
  readonly statement: Uint8Array;
  /** RSA, SHA-256, PKCS#1 v1.5, by the HSM's own key. */
  readonly signature: Uint8Array;
  /** PEM: the HSM's certificate first, then its issuers; without the root. */
  readonly chain: readonly string[];
}

export function encodeStatement(statement: AttestationStatement): Uint8Array {
  return new TextEncoder().encode(canonicalJson({ format: FORMAT, ...statement }));
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const isCount = (value: unknown): boolean => Number.isSafeInteger(value);
const orNull = (is: (value: unknown) => boolean) => (value: unknown) => value === null || is(value);
const oneOf =
  (...values: readonly string[]) =>
  (value: unknown) =>
    typeof value === 'string' && values.includes(value);

const FIELDS: Readonly<Record<keyof AttestationStatement, (value: unknown) => boolean>> = {
  nonce: isText,
  cluster: isText,
  serial: isText,
  node: isCount,
  firmware: isText,
  handle: isCount,
  class: oneOf('secret', 'public', 'private'),
  type: isText,
  kcv: orNull(isText),
  spkiSha256: orNull(isText),
  local: isFlag,
  extractable: orNull(isFlag),
  sensitive: orNull(isFlag),
  neverExtractable: orNull(isFlag),
};

/** null: these bytes are no statement of this format in its one form. */
export function decodeStatement(bytes: Uint8Array): AttestationStatement | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { format, ...fields } = value as Readonly<Record<string, unknown>>;
  const statement = fields as unknown as AttestationStatement;
  const isWhole =
    format === FORMAT &&
    Object.keys(fields).length === Object.keys(FIELDS).length &&
    Object.entries(FIELDS).every(([name, is]) => is(fields[name]));
  return isWhole && Buffer.compare(encodeStatement(statement), bytes) === 0 ? statement : null;
}
