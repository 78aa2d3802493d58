/**
 * What KMS, the SDK and the network say, turned into KeyferryError. By name alone: the published status codes are not those that KMS
 * sends, and messages may be empty. `outcome` is a statement about KMS: a reply that never came leaves a changing call unknown.
 */
import type { ErrorCode, ErrorScope } from '../../errors/codes.ts';
import { type CallOutcome, KeyferryError } from '../../errors/keyferry-error.ts';
import { isChanging, isConfidential, type OperationName } from './operations.ts';

export interface FailureContext {
  /** Name in the devices file. */
  readonly device: string;
  readonly operation: OperationName;
  /** `create the key "payments-1"`. */
  readonly what: string;
  /** Host that was asked, for messages. */
  readonly endpoint: string;
  readonly region: string;
  /** The one that the devices file names. */
  readonly profile?: string;
}

interface Meaning {
  readonly code: ErrorCode;
  readonly words: string;
  readonly scope?: ErrorScope;
  readonly hint?: string;
  /** Did KMS do it? Default `refused`. `unanswered`: unknown for a changing call. */
  readonly kind?: 'refused' | 'unanswered';
}

const CREDENTIALS_HINT =
  'Renew the credentials that the AWS SDK finds (profile, environment, role), check the clock, then try again';
const credentials = (words: string): Meaning => ({ code: 'credentials-refused', words, hint: CREDENTIALS_HINT });
const BUSY: Meaning = { code: 'device-busy', words: 'AWS KMS is throttling' };
const INTERNAL: Meaning = { code: 'device-busy', words: 'AWS KMS had an internal error', kind: 'unanswered' };
const ENDED: Meaning = { code: 'device-busy', words: 'the connection ended without an answer', kind: 'unanswered' };
const AWAY: Meaning = { code: 'device-unreachable', words: 'it cannot be reached' };
const TLS: Meaning = {
  code: 'device-unreachable',
  words: 'its certificate is not trusted',
  hint: 'Check the endpoint and the certificate authorities that Node.js knows (NODE_EXTRA_CA_CERTS).',
};
const NO_TLS: Meaning = {
  code: 'device-unreachable',
  words: 'what answers there does not speak TLS',
  kind: 'unanswered',
  hint: 'Check the endpoint in the devices file: http:// for one without TLS, and the port.',
};
const DENIED: Meaning = { code: 'permission-missing', words: 'the caller is not allowed to' };
const INVALID: Meaning = { code: 'argument-invalid', words: 'a parameter is not valid' };
const UNKNOWN: Meaning = { code: 'capability-missing', words: 'the endpoint does not know the operation' };
const TOKEN_HINT = 'Ask for import parameters anew and wrap the key again under their public key.';

/** Exceptions of KMS and of AWS in front of it. https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html */
const NAMED: Readonly<Record<string, Meaning>> = {
  ThrottlingException: BUSY,
  Throttling: BUSY,
  TooManyRequestsException: BUSY,
  RequestLimitExceeded: BUSY,
  ConflictException: { code: 'device-busy', words: 'another request is changing the same thing' },
  KMSInternalException: INTERNAL,
  InternalFailure: INTERNAL,
  InternalServerError: INTERNAL,
  DependencyTimeoutException: INTERNAL,
  ServiceUnavailable: INTERNAL,
  ServiceUnavailableException: INTERNAL,
  KeyUnavailableException: INTERNAL,
  LimitExceededException: {
    code: 'device-refused',
    words: 'a resource quota of the account is used up',
    hint: 'Have the quota raised (Service Quotas), or delete what is not needed, then: keyferry retry',
  },
  AccessDeniedException: DENIED,
  AccessDenied: DENIED,
  NotAuthorized: DENIED,
  NotAuthorizedException: DENIED,
  UnrecognizedClientException: credentials('the access key is not known'),
  InvalidClientTokenId: credentials('the access key is not known'),
  InvalidSignatureException: credentials('the signature is wrong: a wrong secret key, a wrong region or a wrong clock'),
  IncompleteSignatureException: credentials('the signature is incomplete'),
  IncompleteSignature: credentials('the signature is incomplete'),
  MissingAuthenticationTokenException: credentials('no signature was accepted'),
  MissingAuthenticationToken: credentials('no signature was accepted'),
  ExpiredTokenException: credentials('the session token has expired'),
  ExpiredToken: credentials('the session token has expired'),
  RequestExpired: credentials('the request came too late: a wrong clock'),
  OptInRequired: credentials('the account is not subscribed to AWS KMS in this region'),
  CredentialsProviderError: credentials('the AWS SDK found no credentials'),
  TokenProviderError: credentials('the AWS SDK found no valid sign-in token'),
  NotFoundException: { code: 'key-not-found', words: 'there is no such key or alias in this account and region' },
  InvalidGrantIdException: { code: 'key-not-found', words: 'there is no such grant' },
  InvalidArnException: { code: 'argument-invalid', words: 'it is no ARN of a key here' },
  DisabledException: { code: 'key-not-permitted', words: 'the key is disabled' },
  KMSInvalidStateException: { code: 'device-refused', words: 'the state of the key does not allow it' },
  InvalidKeyUsageException: { code: 'key-not-permitted', words: 'the usage or spec of the key does not allow it' },
  AlreadyExistsException: { code: 'device-refused', words: 'it exists already' },
  InvalidAliasNameException: { code: 'argument-invalid', words: 'that is no name for an alias' },
  IncorrectKeyMaterialException: {
    code: 'device-refused',
    words:
      'the KMS key holds other material than this source key, or held it before it expired, and takes no other; or, if it never had any, ' +
      'this has not the length or the form of its key spec',
    hint:
      'Is it the right source key? If it is, import it into a new KMS key; this one takes its first material only. A private key has to ' +
      'be PKCS#8 DER of the same kind and size, and nothing after it.',
  },
  IncorrectKeyException: { code: 'device-refused', words: 'the ciphertext belongs to another key' },
  InvalidImportTokenException: {
    code: 'import-parameters-expired',
    words: 'the import token is of another key or not valid any more',
    hint: TOKEN_HINT,
  },
  ExpiredImportTokenException: {
    code: 'import-parameters-expired',
    words: 'the import token has expired',
    hint: TOKEN_HINT,
  },
  InvalidCiphertextException: {
    code: 'device-refused',
    words: 'what was wrapped could not be unwrapped',
    hint:
      'Likely: wrapped with another hash or another MGF1 hash than the algorithm says, under the public key of other import parameters, ' +
      'material of the wrong length, or a private key that is not PKCS#8 DER.',
  },
  ValidationException: INVALID,
  ValidationError: INVALID,
  InvalidParameterValue: INVALID,
  InvalidParameterCombination: INVALID,
  MissingParameter: INVALID,
  SerializationException: { code: 'argument-invalid', words: 'the request could not be read' },
  MalformedPolicyDocumentException: {
    code: 'argument-invalid',
    words: 'the key policy is malformed, or would lock its author out',
  },
  TagException: { code: 'argument-invalid', words: 'the tags are not valid' },
  UnsupportedOperationException: { code: 'capability-missing', words: 'this key, region or endpoint does not support' },
  UnknownOperationException: UNKNOWN,
  InvalidAction: UNKNOWN,
  KMSInvalidMacException: { code: 'verification-failed', words: 'the MAC is not that of the key' },
  KMSInvalidSignatureException: { code: 'verification-failed', words: 'the signature is not that of the key' },
  TimeoutError: ENDED,
};

/** Codes of Node's sockets and TLS. Before a connection is up nothing can have been sent. */
const SYSTEM: Readonly<Record<string, Meaning>> = {
  ECONNREFUSED: AWAY,
  ENOTFOUND: AWAY,
  EAI_AGAIN: AWAY,
  EHOSTUNREACH: AWAY,
  ENETUNREACH: AWAY,
  ECONNRESET: ENDED,
  ECONNABORTED: ENDED,
  EPIPE: ENDED,
  ETIMEDOUT: ENDED,
  ERR_TLS_CERT_ALTNAME_INVALID: TLS,
  CERT_HAS_EXPIRED: TLS,
  DEPTH_ZERO_SELF_SIGNED_CERT: TLS,
  SELF_SIGNED_CERT_IN_CHAIN: TLS,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: TLS,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: TLS,
};

/** The SDK could not parse the answer. A proxy answers so too, after it may have passed the request on. */
const NO_KMS: Meaning = {
  code: 'device-unreachable',
  words: 'what answers there is not AWS KMS',
  kind: 'unanswered',
  hint: 'Check the endpoint in the devices file and proxies on the way.',
};
/** What the SDK calls an answer that is not JSON, or one that names no error: KMS names each. */
const NOT_IN_JSON: ReadonlySet<string> = new Set(['SyntaxError', 'TypeError', 'Unknown', 'UnknownError']);
const UNHEARD_OF: Meaning = { code: 'device-refused', words: 'it was refused', kind: 'unanswered' };

/** The SDK puts `$metadata` on whatever passes through it; a status is there only when somebody answered. */
interface SdkError extends Error {
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** null: neither KMS nor the network said it. */
function meaningOf(error: SdkError): Meaning | null {
  const named = Object.hasOwn(NAMED, error.name) ? NAMED[error.name] : undefined;
  if (named !== undefined) return named;
  const { code } = error;
  if (typeof code === 'string' && Object.hasOwn(SYSTEM, code)) return SYSTEM[code] ?? null;
  if (error.$metadata?.httpStatusCode !== undefined) return NOT_IN_JSON.has(error.name) ? NO_KMS : UNHEARD_OF;
  if (typeof code !== 'string' || code.startsWith('ERR_INVALID_ARG')) return null;
  if (/^(EPROTO|ERR_SSL)/.test(code)) return NO_TLS;
  return code.startsWith('HPE_') ? NO_KMS : ENDED;
}

/** Returns anything that is no failure of KMS, the SDK or the network as it is: a bug. */
export function asKmsError(error: unknown, context: FailureContext): unknown {
  if (error instanceof KeyferryError || !(error instanceof Error)) return error;
  const meaning = meaningOf(error);
  if (meaning === null) return error;
  const isUnknown = meaning.kind === 'unanswered' && isChanging(context.operation);
  const outcome: CallOutcome = isUnknown ? 'unknown' : 'not-applied';
  const code = isUnknown && meaning.code === 'device-busy' ? 'outcome-unknown' : meaning.code;
  const { scope, hint } = { ...meaning, ...particular(context, meaning) };
  return new KeyferryError(code, sentence(error, meaning, context, isUnknown), {
    outcome,
    device: context.device,
    operation: context.operation,
    native: { name: nativeName(error) },
    // The SDK's error carries the service's words, and with them what they may repeat.
    ...(isConfidential(context.operation) ? {} : { cause: error }),
    ...(scope === undefined ? {} : { scope }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** One key's policy may deny what the account's allow: only what concerns no key stops the run. */
const ACCOUNT_WIDE: ReadonlySet<OperationName> = new Set(['CreateKey', 'ListAliases', 'ListKeys']);
const ALSO_NEEDED: Readonly<Partial<Record<OperationName, string>>> = {
  CreateKey: ' and kms:TagResource',
  CreateAlias: ', on the alias and on the key',
  DeleteAlias: ', on the alias and on the key',
  UpdateAlias: ', on the alias and on both keys',
};

function particular({ operation }: FailureContext, meaning: Meaning): Pick<Meaning, 'scope' | 'hint'> {
  if (meaning !== DENIED) return {};
  return {
    scope: ACCOUNT_WIDE.has(operation) ? 'run' : 'item',
    hint: `Allow the caller kms:${operation}${ALSO_NEEDED[operation] ?? ''}, in its IAM policy or the key's policy.`,
  };
}

function sentence(error: Error, meaning: Meaning, context: FailureContext, isUnknown: boolean): string {
  const { device, what, operation, endpoint, region, profile } = context;
  const where = meaning.code === 'device-unreachable' || meaning === ENDED ? ` at ${endpoint}` : '';
  const status = meaning === NO_KMS ? statusOf(error) : '';
  const wide =
    meaning.code === 'credentials-refused'
      ? ` (${profile === undefined ? '' : `profile ${profile}, `}region ${region})`
      : '';
  const isOperation = meaning.code === 'permission-missing' || meaning.code === 'capability-missing';
  const may = isOperation ? ` kms:${operation}` : '';
  const doubt = isUnknown ? '; AWS KMS may have done it' : '';
  return `${device}: could not ${what}${where}: ${meaning.words}${status}${may}${wide}${said(error, meaning, operation)}${doubt}.`;
}

function statusOf({ $metadata: answer }: SdkError): string {
  return answer?.httpStatusCode === undefined ? '' : ` (HTTP ${answer.httpStatusCode})`;
}

/** What KMS says itself helps with parameters; beside material or data it could repeat them. */
function said(error: Error, meaning: Meaning, operation: OperationName): string {
  const isHelpful = meaning.code === 'argument-invalid' || meaning === UNHEARD_OF;
  // The SDK's own word for an empty message.
  if (!isHelpful || isConfidential(operation) || error.message === '' || error.message === 'UnknownError') return '';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not reach a terminal
  const text = error.message.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').replace(/\.$/, '');
  return ` ("${text.slice(0, 300)}")`;
}

const nativeName = (error: SdkError): string =>
  error.name === 'Error' && typeof error.code === 'string' ? error.code : error.name;

/** Did KMS itself say that the caller may not? */
export const isDenied = (error: unknown): error is KeyferryError =>
  error instanceof KeyferryError && error.code === 'permission-missing';

/** Did KMS itself say one of these? */
export const isNamed = (error: unknown, ...names: readonly string[]): error is KeyferryError =>
  error instanceof KeyferryError && error.native !== undefined && names.includes(error.native.name);
