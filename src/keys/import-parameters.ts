/**
 * What AWS KMS hands out to bring key material to it (GetParametersForImport): a wrapping public key and the token that goes with it. Both
 * are good for one import into one KMS key and for 24 hours; asking again gives others. The token travels through steps as an opaque
 * artifact, is never journalled, and prints `[redacted]`: with the wrapped key it would allow the import to be repeated.
 */
import { inspect } from 'node:util';

export interface ImportParametersFields {
  /** KeyId of the KMS key that they are for. */
  readonly keyId: string;
  /** One of the names in WRAP_MECHANISMS. */
  readonly mechanism: string;
  readonly wrappingKeySpec: 'RSA_2048' | 'RSA_3072' | 'RSA_4096';
  /** SHA-256 of the wrapping key's SPKI, lower-case hex. */
  readonly spkiSha256: string;
  readonly token: Uint8Array;
  /** Milliseconds since the epoch; after it the token is refused. */
  readonly validUntilMs: number;
}

export class ImportParameters implements Omit<ImportParametersFields, 'token'> {
  readonly kind = 'import-parameters';
  readonly keyId: string;
  readonly mechanism: string;
  readonly wrappingKeySpec: ImportParametersFields['wrappingKeySpec'];
  readonly spkiSha256: string;
  readonly validUntilMs: number;
  readonly #token: Uint8Array;

  constructor(fields: ImportParametersFields) {
    this.keyId = fields.keyId;
    this.mechanism = fields.mechanism;
    this.wrappingKeySpec = fields.wrappingKeySpec;
    this.spkiSha256 = fields.spkiSha256;
    this.validUntilMs = fields.validUntilMs;
    this.#token = fields.token;
  }

  /** For the one call that needs it. */
  token(): Uint8Array {
    return this.#token;
  }

  toString(): string {
    return '[import parameters]';
  }

  toJSON(): string {
    return '[import parameters]';
  }

  [inspect.custom](): string {
    return '[import parameters]';
  }
}
