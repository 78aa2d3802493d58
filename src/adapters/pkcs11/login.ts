/**
 * Logins that cannot lock a token by themselves (architecture §5 "Logins", pkcs11-base §3.2 for the flags). Before a try the token's
 * flags are read; a PIN that was refused before is not tried again, by no process of this home, until it changes or --retry-pin is given.
 * The try itself is noted before it is made. A crash in the middle leaves the note: then the token's flags decide, since a wrong PIN
 * that was counted shows in them; and as not every device keeps its flags, only a few unanswered tries of one PIN are made at all.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { ErrorCode } from '../../errors/codes.ts';
import { type ErrorDetails, KeyferryError } from '../../errors/keyferry-error.ts';
import type { Secret } from '../../keys/secret.ts';
import { ensureFolder, withFileLock } from '../processes/file-lock.ts';
import { RefusedPins, type RememberedPin } from '../processes/refused-pins.ts';
import { CKF, CKR, CKU, ckrName } from './constants.ts';
import { type Cryptoki, CryptokiError, type Handle, type TokenInfo } from './cryptoki.ts';
import type { LoginGuard } from './login-guard.ts';

export interface LoginGuardOptions {
  /** The home folder, absolute. */
  readonly home: string;
  /** Name in the devices file, for errors. */
  readonly device: string;
  /** `--retry-pin`: try once more what was refused before. A token at its final try is refused all the same. */
  readonly retryPin: boolean;
}

/** A login over a network takes seconds; a hung one is ended by the device host's own timeout. */
const LOCK_WAIT_MS = 30_000;

const REFUSED: ReadonlySet<number> = new Set([
  CKR.PIN_INCORRECT,
  CKR.PIN_INVALID,
  CKR.PIN_LEN_RANGE,
  CKR.PIN_EXPIRED,
  CKR.PIN_LOCKED,
]);

/** The device cannot have looked at the PIN. Anything else (a device error, a general error) may have counted as a try. */
const NOT_TRIED: ReadonlySet<number> = new Set([
  CKR.SLOT_ID_INVALID,
  CKR.ARGUMENTS_BAD,
  CKR.SESSION_CLOSED,
  CKR.SESSION_HANDLE_INVALID,
  CKR.TOKEN_NOT_PRESENT,
  CKR.TOKEN_NOT_RECOGNIZED,
  CKR.USER_PIN_NOT_INITIALIZED,
  CKR.USER_TYPE_INVALID,
  CKR.CRYPTOKI_NOT_INITIALIZED,
  0x104, // CKR_USER_ANOTHER_ALREADY_LOGGED_IN
]);

export function createLoginGuard(options: LoginGuardOptions): LoginGuard {
  const memory = new RefusedPins(options.home);
  return {
    async login(module, session, token, pin) {
      ensureFolder(options.home);
      const purpose = `the login of device ${options.device}`;
      await withFileLock({ path: lockPath(options.home, token.serial), waitMs: LOCK_WAIT_MS, purpose }, () =>
        guardedLogin({ module, session, token, pin, memory, options }),
      );
    },
  };
}

/** Fewer than any device allows before it locks: CloudHSM five, Luna ten. */
const UNANSWERED_TRIES = 4;

/** A process that was killed between try and answer may go on; a PIN that the device refused may not. */
const mayHaveCrashed = (remembered: RememberedPin): boolean =>
  remembered.state === 'trying' && (remembered.unanswered ?? 1) < UNANSWERED_TRIES;

interface Attempt {
  readonly module: Cryptoki;
  readonly session: Handle;
  readonly token: TokenInfo;
  readonly pin: Secret;
  readonly memory: RefusedPins;
  readonly options: LoginGuardOptions;
}

async function guardedLogin(attempt: Attempt): Promise<void> {
  const { module, session, token, pin, memory, options } = attempt;
  const remembered = memory.recall(token.serial, pin);
  if (remembered !== undefined && !options.retryPin && !mayHaveCrashed(remembered))
    throw rememberedError(attempt, remembered);
  // Read now, not taken from `token`: another process may have used up tries in the meantime.
  checkFlags(attempt, module.C_GetTokenInfo(token.slot).flags);
  await memory.remember(token.serial, pin, options.device, 'trying');
  try {
    module.C_Login(session, CKU.USER, pin.reveal());
  } catch (error) {
    if (!(error instanceof CryptokiError)) throw error;
    if (error.value !== CKR.USER_ALREADY_LOGGED_IN) throw await settleFailure(attempt, error);
  }
  await memory.forget(token.serial, pin);
}

async function settleFailure(attempt: Attempt, error: CryptokiError): Promise<KeyferryError> {
  const { token, pin, memory, options } = attempt;
  const native = { name: ckrName(error.value), value: error.value };
  if (REFUSED.has(error.value)) {
    await memory.remember(token.serial, pin, options.device, 'refused');
    if (error.value === CKR.PIN_LOCKED) return lockedError(attempt, native);
    return loginError(attempt, 'login-refused', `refused the PIN (${native.name})`, { native });
  }
  if (NOT_TRIED.has(error.value)) {
    await memory.forget(token.serial, pin);
    return loginError(attempt, 'device-unreachable', `did not take the login (${native.name}); the PIN was not tried`, {
      native,
      ...(error.value === CKR.USER_PIN_NOT_INITIALIZED
        ? { hint: 'Have the security officer set a PIN for this token first.' }
        : {}),
    });
  }
  return loginError(
    attempt,
    'device-unreachable',
    `failed in the middle of the login (${native.name}); the try may have been counted`,
    {
      native,
      outcome: 'unknown',
      hint: 'See that the device works and how many tries are left, then pass --retry-pin.',
    },
  );
}

function checkFlags(attempt: Attempt, flags: number): void {
  if ((flags & CKF.USER_PIN_LOCKED) !== 0) throw lockedError(attempt);
  if ((flags & CKF.USER_PIN_FINAL_TRY) !== 0)
    throw loginError(attempt, 'login-risky', 'has one try left before its PIN is locked, so no PIN was tried');
  if ((flags & CKF.USER_PIN_COUNT_LOW) !== 0 && !attempt.options.retryPin)
    throw loginError(attempt, 'login-risky', 'has counted a wrong PIN since the last good login, so no PIN was tried', {
      hint: "Log in once with the vendor's own tool, which resets the counter, or pass --retry-pin if you know that this PIN is right.",
    });
}

function rememberedError(attempt: Attempt, remembered: RememberedPin): KeyferryError {
  const what =
    remembered.state === 'refused'
      ? `refused this PIN on ${remembered.at}`
      : `did not answer a login with this PIN on ${remembered.at}, so it may have been counted as wrong`;
  return loginError(attempt, 'login-remembered', `${what}; it was not tried again`);
}

const lockedError = (attempt: Attempt, native?: { readonly name: string; readonly value: number }): KeyferryError =>
  loginError(attempt, 'pin-locked', 'is locked', {
    ...(native === undefined ? {} : { native }),
    hint: 'Have the security officer unlock it. If the PIN stays the same, pass --retry-pin once afterwards.',
  });

function loginError(attempt: Attempt, code: ErrorCode, what: string, details: ErrorDetails = {}): KeyferryError {
  const { token, options } = attempt;
  const subject = `Device ${options.device}: token "${token.label}" (serial ${token.serial})`;
  return new KeyferryError(code, `${subject} ${what}`, { device: options.device, operation: 'C_Login', ...details });
}

/** Serials are the device's own text and may hold anything, so the name is a hash. */
function lockPath(home: string, serial: string): string {
  const name = createHash('sha256').update(serial).digest('hex').slice(0, 16);
  return join(home, `login-${name}.lock`);
}
