/** The one error class that operators see. Anything else that is thrown is a bug and shows its stack. */
import { ERROR_CODES, type ErrorCode, type ErrorScope } from './codes.ts';
import type { Diagnostic } from './diagnostic.ts';

/** May the device have changed? */
export type CallOutcome = 'not-applied' | 'applied' | 'unknown';

/** What the device itself said: `CKR_PIN_INCORRECT` 0xa0, an AWS exception name, a YubiHSM error byte. */
export interface NativeCode {
  readonly name: string;
  readonly value?: number;
}

export interface ErrorDetails {
  readonly outcome?: CallOutcome;
  readonly device?: string;
  readonly operation?: string;
  readonly native?: NativeCode;
  readonly hint?: string;
  readonly scope?: ErrorScope;
  readonly diagnostics?: readonly Diagnostic[];
  readonly cause?: unknown;
}

/** The form that crosses process borders and stands in the journal. Never holds a secret. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly outcome: CallOutcome;
  readonly scope: ErrorScope;
  readonly device?: string;
  readonly operation?: string;
  readonly native?: NativeCode;
  readonly hint: string;
}

export class KeyferryError extends Error {
  readonly code: ErrorCode;
  readonly outcome: CallOutcome;
  readonly scope: ErrorScope;
  readonly device: string | undefined;
  readonly operation: string | undefined;
  readonly native: NativeCode | undefined;
  readonly hint: string;
  readonly diagnostics: readonly Diagnostic[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'KeyferryError';
    this.code = code;
    this.outcome = details.outcome ?? 'not-applied';
    this.scope = details.scope ?? ERROR_CODES[code].scope;
    this.device = details.device;
    this.operation = details.operation;
    this.native = details.native;
    this.hint = details.hint ?? ERROR_CODES[code].hint;
    this.diagnostics = details.diagnostics ?? [];
  }

  get exitCode(): number {
    return ERROR_CODES[this.code].exitCode;
  }

  toRecord(): ErrorRecord {
    return {
      code: this.code,
      message: this.message,
      outcome: this.outcome,
      scope: this.scope,
      ...(this.device === undefined ? {} : { device: this.device }),
      ...(this.operation === undefined ? {} : { operation: this.operation }),
      ...(this.native === undefined ? {} : { native: this.native }),
      hint: this.hint,
    };
  }

  static fromRecord(record: ErrorRecord): KeyferryError {
    return new KeyferryError(record.code, record.message, record);
  }
}
