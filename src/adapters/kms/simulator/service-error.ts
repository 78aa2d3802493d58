/**
 * The errors that AWS KMS answers with: a name and a text. Client faults have the status 400 whatever the published model says (the real
 * service does so); the simulator's own mishaps are KMSInternalException with 500.
 */
import type { HttpResponse } from './http-exchange.ts';

export type ServiceErrorName =
  | 'AccessDeniedException'
  | 'AlreadyExistsException'
  | 'ConflictException'
  | 'CustomKeyStoreNotFoundException'
  | 'DependencyTimeoutException'
  | 'DisabledException'
  | 'DryRunOperationException'
  | 'ExpiredImportTokenException'
  | 'IncompleteSignatureException'
  | 'IncorrectKeyException'
  | 'IncorrectKeyMaterialException'
  | 'InvalidArnException'
  | 'InvalidCiphertextException'
  | 'InvalidGrantIdException'
  | 'InvalidGrantTokenException'
  | 'InvalidImportTokenException'
  | 'InvalidKeyUsageException'
  | 'InvalidMarkerException'
  | 'InvalidSignatureException'
  | 'KMSInternalException'
  | 'KMSInvalidMacException'
  | 'KMSInvalidSignatureException'
  | 'KMSInvalidStateException'
  | 'LimitExceededException'
  | 'MalformedPolicyDocumentException'
  | 'MissingAuthenticationTokenException'
  | 'NotAuthorizedException'
  | 'NotFoundException'
  | 'SerializationException'
  | 'TagException'
  | 'ThrottlingException'
  | 'UnknownOperationException'
  | 'UnrecognizedClientException'
  | 'UnsupportedOperationException'
  | 'ValidationException';

const STATUS: Readonly<Partial<Record<ServiceErrorName, number>>> = {
  KMSInternalException: 500,
  DependencyTimeoutException: 503,
};

export class ServiceError extends Error {
  override readonly name: ServiceErrorName;

  constructor(name: ServiceErrorName, message: string) {
    super(message);
    this.name = name;
  }

  get status(): number {
    return STATUS[this.name] ?? 400;
  }

  /** Some errors of the real service have no message at all; AccessDenied spells the field with a capital. */
  get body(): Readonly<Record<string, string>> {
    if (this.message === '') return { __type: this.name };
    return { __type: this.name, [this.name === 'AccessDeniedException' ? 'Message' : 'message']: this.message };
  }
}

export function refuse(name: ServiceErrorName, message = ''): never {
  throw new ServiceError(name, message);
}

export function jsonResponse(status: number, requestId: string, body: unknown): HttpResponse {
  const bytes = body === null ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body), 'utf8');
  return {
    status,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'content-length': String(bytes.length),
      'x-amzn-requestid': requestId,
      'cache-control': 'no-cache, no-store, must-revalidate, private',
    },
    body: bytes,
  };
}
