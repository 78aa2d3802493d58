/**
 * Decides what the audit log records, and what is refused because it cannot be recorded: with force-audit and a full log, every command that
 * is audited but those that open a session, read the log and free it.
 */
import { COMMAND } from '../wire/command-codes.ts';
import type { FirmwareVersion } from '../wire/frame.ts';
import { LOG_PLACES } from '../wire/log-entry.ts';
import { bootChange, type LogFields, logChange } from './audit-log.ts';
import { auditSetting } from './audit-settings.ts';
import type { Change, DeviceState } from './device-state.ts';

/** A tick of the log is 10 ms here; how long the device's is, is not documented. */
const TICK_MS = 10;

const ALWAYS_ALLOWED: readonly number[] = [
  COMMAND['create-session'],
  COMMAND['authenticate-session'],
  COMMAND['session-message'],
  COMMAND['close-session'],
  COMMAND['get-device-info'],
  COMMAND['get-log-entries'],
  COMMAND['set-log-index'],
];

export class Auditor {
  readonly #state: DeviceState;
  readonly #firmware: FirmwareVersion;
  readonly #clock: () => number;
  #bootMs: number;

  constructor(state: DeviceState, firmware: FirmwareVersion, clock: () => number) {
    this.#state = state;
    this.#firmware = firmware;
    this.#clock = clock;
    this.#bootMs = clock();
  }

  isBlocked(command: number): boolean {
    return this.#isFull() && this.#isAudited(command) && !ALWAYS_ALLOWED.includes(command);
  }

  /** What to write down of a command that has ended, after its own `changes`. */
  entryFor(fields: Omit<LogFields, 'tick'>, changes: readonly Change[]): readonly Change[] {
    if (!this.#isAudited(fields.command)) return [];
    if (this.#isFull() && !changes.some(({ kind }) => kind === 'log-read')) {
      const isLogin = fields.command === COMMAND['authenticate-session'];
      return isLogin ? [{ kind: 'unlogged', event: 'authentication' }] : [];
    }
    const tick = Math.floor((this.#clock() - this.#bootMs) / TICK_MS) % 0x1_0000_0000;
    return [logChange(this.#state, { ...fields, tick })];
  }

  /** The device starts. */
  boot(): readonly Change[] {
    this.restart();
    return this.#isFull() ? [{ kind: 'unlogged', event: 'boot' }] : [bootChange(this.#state)];
  }

  restart(): void {
    this.#bootMs = this.#clock();
  }

  #isAudited(command: number): boolean {
    return auditSetting(this.#state, this.#firmware, command) !== 0;
  }

  /** Without force-audit the log is never full: the oldest entry makes room. */
  #isFull(): boolean {
    return this.#state.forceAudit !== 0 && this.#state.log.length >= LOG_PLACES;
  }
}
