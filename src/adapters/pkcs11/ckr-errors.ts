/**
 * What each CKR_… of a module means for the engine, in one table: the error code, the words, and whether a changing call that ended with
 * it can have changed the device. Source: pkcs11-base v2.40 §5.1. The standard promises that argument, template and permission errors
 * create nothing; it says of CKR_FUNCTION_FAILED that the call "may not have been a total failure either". Anything not listed is unknown.
 */
import type { ErrorCode, ErrorScope } from '../../errors/codes.ts';
import { type CallOutcome, KeyferryError } from '../../errors/keyferry-error.ts';
import { CKR, ckrName } from './constants.ts';
import { CryptokiError } from './cryptoki.ts';

interface Meaning {
  readonly code: ErrorCode;
  /** Outcome of a changing call that ended so. */
  readonly outcome: Exclude<CallOutcome, 'applied'>;
  readonly words: string;
  readonly scope?: ErrorScope;
}

const refused = (words: string, code: ErrorCode = 'device-refused', scope?: ErrorScope): Meaning => ({
  code,
  outcome: 'not-applied',
  words,
  ...(scope === undefined ? {} : { scope }),
});
const unclear = (words: string): Meaning => ({ code: 'outcome-unknown', outcome: 'unknown', words });
const lost = (words: string, outcome: 'not-applied' | 'unknown' = 'unknown'): Meaning => ({
  code: 'device-lost',
  outcome,
  words,
});

const MEANINGS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [CKR.HOST_MEMORY, unclear('the module ran out of memory')],
  [CKR.GENERAL_ERROR, unclear('the module reports an error that it cannot describe')],
  [CKR.FUNCTION_FAILED, unclear('the device could not do it and does not say why')],
  [CKR.FUNCTION_CANCELED, unclear('the call was cancelled')],
  [CKR.DEVICE_ERROR, unclear('the device reports a problem of its own')],
  [CKR.DEVICE_REMOVED, lost('the device is gone')],
  [CKR.TOKEN_NOT_PRESENT, lost('the token is gone')],
  [CKR.TOKEN_NOT_RECOGNIZED, lost('the token is not recognised any more')],
  [CKR.SESSION_CLOSED, lost('the session was closed during the call')],
  [CKR.SESSION_HANDLE_INVALID, lost('the session is not valid any more')],
  [CKR.CRYPTOKI_NOT_INITIALIZED, lost('the module is not initialised any more', 'not-applied')],
  [CKR.USER_NOT_LOGGED_IN, lost('the login was lost', 'not-applied')],
  [CKR.SLOT_ID_INVALID, lost('the slot is gone', 'not-applied')],
  [CKR.SESSION_COUNT, refused('the device has no session left', 'device-busy')],
  [CKR.OPERATION_ACTIVE, refused('another operation is active in the session', 'device-busy')],
  [CKR.DEVICE_MEMORY, refused('the device is full', 'device-refused', 'run')],
  [CKR.TOKEN_WRITE_PROTECTED, refused('the token is write-protected', 'device-refused', 'run')],
  [CKR.SESSION_READ_ONLY, refused('the session may only read', 'device-refused', 'run')],
  [CKR.FUNCTION_NOT_SUPPORTED, refused('the module does not have this function', 'capability-missing')],
  [CKR.ARGUMENTS_BAD, refused('the device does not accept the arguments or mechanism parameters')],
  [CKR.ATTRIBUTE_READ_ONLY, refused('an attribute cannot be set')],
  [CKR.ATTRIBUTE_SENSITIVE, refused('an attribute is not shown because the key is sensitive')],
  [CKR.ATTRIBUTE_TYPE_INVALID, refused('the device does not know an attribute that was asked for')],
  [CKR.ATTRIBUTE_VALUE_INVALID, refused('the device does not accept the value of an attribute')],
  [CKR.TEMPLATE_INCOMPLETE, refused('the device wants an attribute that was not given')],
  [CKR.TEMPLATE_INCONSISTENT, refused('the attributes that were asked for do not go together on this device')],
  [CKR.ACTION_PROHIBITED, refused('the device forbids this for the object', 'key-not-permitted')],
  [CKR.DATA_INVALID, refused('the device does not accept the data')],
  [CKR.DATA_LEN_RANGE, refused('the data are too long or too short')],
  [CKR.ENCRYPTED_DATA_INVALID, refused('the encrypted data cannot be opened: other key, mechanism or hash')],
  [CKR.ENCRYPTED_DATA_LEN_RANGE, refused('the encrypted data are too long or too short')],
  [CKR.WRAPPED_KEY_INVALID, refused('the wrapped key cannot be opened: other wrapping key, mechanism or hash')],
  [CKR.WRAPPED_KEY_LEN_RANGE, refused('the wrapped key is too long or too short for the unwrapping key')],
  [CKR.KEY_HANDLE_INVALID, refused('the key is not there any more', 'key-not-found')],
  [CKR.OBJECT_HANDLE_INVALID, refused('the object is not there any more', 'key-not-found')],
  [CKR.WRAPPING_KEY_HANDLE_INVALID, refused('the wrapping key is not there any more', 'key-not-found')],
  [CKR.UNWRAPPING_KEY_HANDLE_INVALID, refused('the unwrapping key is not there any more', 'key-not-found')],
  [CKR.KEY_SIZE_RANGE, refused('the key is too long or too short for this')],
  [CKR.WRAPPING_KEY_SIZE_RANGE, refused('the wrapping key is too short for this key')],
  [CKR.UNWRAPPING_KEY_SIZE_RANGE, refused('the unwrapping key does not have the right size')],
  [CKR.KEY_TYPE_INCONSISTENT, refused('the key is not of the type that the mechanism needs')],
  [CKR.WRAPPING_KEY_TYPE_INCONSISTENT, refused('the wrapping key is not of the type that the mechanism needs')],
  [CKR.UNWRAPPING_KEY_TYPE_INCONSISTENT, refused('the unwrapping key is not of the type that the mechanism needs')],
  [CKR.KEY_FUNCTION_NOT_PERMITTED, refused('an attribute of the key forbids this use', 'key-not-permitted')],
  [CKR.KEY_NOT_WRAPPABLE, refused('the device does not wrap keys of this kind', 'key-not-extractable')],
  [CKR.KEY_UNEXTRACTABLE, refused('the key is not extractable', 'key-not-extractable')],
  [CKR.MECHANISM_INVALID, refused('the device does not have the mechanism', 'mechanism-invalid')],
  [CKR.MECHANISM_PARAM_INVALID, refused('the device does not accept the mechanism parameters', 'mechanism-invalid')],
  [CKR.BUFFER_TOO_SMALL, refused('the answer did not fit')],
  [CKR.PIN_INCORRECT, refused('the PIN is wrong', 'login-refused')],
  [CKR.PIN_INVALID, refused('the PIN is not valid', 'login-refused')],
  [CKR.PIN_LEN_RANGE, refused('the PIN is too long or too short', 'login-refused')],
  [CKR.PIN_EXPIRED, refused('the PIN has expired', 'login-refused')],
  [CKR.PIN_LOCKED, refused('the PIN is locked', 'pin-locked')],
]);

export interface CallContext {
  readonly device: string;
  /** What was being done, in words: `unwrap the key "payments-1"`. */
  readonly operation: string;
  /** `reading`: nothing can have changed · `changing` · `checking`: reads after a change that was applied. */
  readonly effect: 'reading' | 'changing' | 'checking';
}

/** Turns what a module threw into the error that operators see. Anything else is handed back as it is: a bug. */
export function asKeyferryError(error: unknown, context: CallContext): unknown {
  if (error instanceof KeyferryError) return withOutcome(error, context);
  if (!(error instanceof CryptokiError)) return error;
  const meaning = MEANINGS.get(error.value) ?? unclear('the device gave a code of its own');
  const isReading = context.effect === 'reading';
  // A read that failed for no stated reason changed nothing and may simply be done again.
  const code = isReading && meaning.code === 'outcome-unknown' ? 'device-busy' : meaning.code;
  const outcome = isReading ? 'not-applied' : context.effect === 'checking' ? 'unknown' : meaning.outcome;
  const name = ckrName(error.value);
  const changed = outcome === 'unknown' ? ' The device may have changed.' : '';
  return new KeyferryError(
    code,
    `${context.device}: could not ${context.operation}: ${meaning.words} (${error.call}: ${name}).${changed}`,
    {
      outcome,
      device: context.device,
      operation: error.call,
      native: { name, value: error.value },
      cause: error,
      ...(meaning.scope === undefined ? {} : { scope: meaning.scope }),
    },
  );
}

function withOutcome(error: KeyferryError, context: CallContext): KeyferryError {
  if (context.effect !== 'checking' || error.outcome === 'unknown') return error;
  return new KeyferryError(error.code, error.message, {
    outcome: 'unknown',
    scope: error.scope,
    hint: error.hint,
    cause: error,
    ...(error.device === undefined ? {} : { device: error.device }),
    ...(error.operation === undefined ? {} : { operation: error.operation }),
    ...(error.native === undefined ? {} : { native: error.native }),
  });
}

const TEMPLATE_REFUSALS: ReadonlySet<number> = new Set([
  CKR.ATTRIBUTE_TYPE_INVALID,
  CKR.ATTRIBUTE_VALUE_INVALID,
  CKR.ATTRIBUTE_READ_ONLY,
  CKR.TEMPLATE_INCONSISTENT,
  CKR.TEMPLATE_INCOMPLETE,
]);

/** The call proves that nothing was made, because the device would not take the template. */
export const isTemplateRefusal = (error: unknown): boolean =>
  error instanceof CryptokiError && TEMPLATE_REFUSALS.has(error.value);

const UNABLE: ReadonlySet<number> = new Set([
  CKR.KEY_FUNCTION_NOT_PERMITTED,
  CKR.MECHANISM_INVALID,
  CKR.MECHANISM_PARAM_INVALID,
  CKR.KEY_TYPE_INCONSISTENT,
  CKR.KEY_SIZE_RANGE,
  CKR.WRAPPING_KEY_TYPE_INCONSISTENT,
  CKR.WRAPPING_KEY_SIZE_RANGE,
  CKR.FUNCTION_NOT_SUPPORTED,
  CKR.ARGUMENTS_BAD,
  CKR.KEY_NOT_WRAPPABLE,
  CKR.KEY_UNEXTRACTABLE,
]);

/** This key cannot do this; another method may. */
export const isUnable = (error: unknown): boolean => error instanceof CryptokiError && UNABLE.has(error.value);

const GONE: ReadonlySet<number> = new Set([CKR.OBJECT_HANDLE_INVALID, CKR.KEY_HANDLE_INVALID]);

const SESSION_GONE: ReadonlySet<number> = new Set([CKR.SESSION_CLOSED, CKR.SESSION_HANDLE_INVALID]);

/** The session, and with it what lived in it, is not there any more. */
export const isSessionGone = (error: unknown): boolean =>
  error instanceof CryptokiError && SESSION_GONE.has(error.value);

/** There is no object behind the handle any more. */
export const isGone = (error: unknown): boolean => error instanceof CryptokiError && GONE.has(error.value);
