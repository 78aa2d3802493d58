/**
 * One YubiHSM 2 as the actions see it: a session whose calls are done one after the other, what its authentication key may do, and the
 * objects that it sees. Nothing is cached of objects: looking one up by type and id is one exchange.
 */
import { randomInt } from 'node:crypto';
import type { ErrorCode } from '../../errors/codes.ts';
import { type ErrorDetails, KeyferryError } from '../../errors/keyferry-error.ts';
import type { Command } from './commands/command.ts';
import type { ObjectRef } from './commands/created-object.ts';
import { getOption, OPTION, OPTION_VALUE, readSwitch, readSwitches } from './commands/device-option.ts';
import { getObjectInfo } from './commands/get-object-info.ts';
import { type ListedObject, listObjects, type ObjectFilter } from './commands/list-objects.ts';
import { idText } from './objects/object-id.ts';
import type { CommandCaller } from './session/session.ts';
import { hasCapability } from './wire/capabilities.ts';
import { commandName } from './wire/command-codes.ts';
import type { DeviceErrorName } from './wire/device-errors.ts';
import type { DeviceInfo } from './wire/device-info.ts';
import { firmwareText } from './wire/device-info.ts';
import { isFirmwareAtLeast } from './wire/frame.ts';
import type { LogEntry } from './wire/log-entry.ts';
import type { ObjectInfo } from './wire/object-info.ts';
import { isReservedId, OBJECT_TYPE } from './wire/object-types.ts';
import { WireError } from './wire/wire-error.ts';

/** What the session's authentication key is allowed: the most that anything done through it can be. */
export interface Authority {
  readonly keyId: number;
  readonly domains: number;
  readonly capabilities: bigint;
  /** What new objects may be given. */
  readonly delegated: bigint;
}

export interface YubiHsmOptions {
  /** Name in the devices file. */
  readonly name: string;
  readonly caller: CommandCaller;
  /** Asks the device outside the session: how full its log is changes. */
  readonly deviceInfo: () => Promise<DeviceInfo>;
  /** As it was when the device was opened. */
  readonly info: DeviceInfo;
  readonly authority: Authority;
}

const HIGHEST_ID = 0xfffe;

export class YubiHsm {
  readonly name: string;
  readonly serial: string;
  readonly firmware: string;
  readonly authority: Authority;
  readonly #options: YubiHsmOptions;
  readonly #algorithms: ReadonlySet<number>;
  /** The plan's, once it is known: what shares a name is told apart by fingerprint. */
  salt: Uint8Array | null = null;
  /** The newest entry of the audit log that this process has read: what it reads next must go on from there. */
  lastLogEntry: LogEntry | null = null;
  /** Ids that an expectation of this process has named and that may not be on the device yet. */
  readonly #promised = new Set<number>();

  constructor(options: YubiHsmOptions) {
    this.#options = options;
    this.name = options.name;
    this.serial = String(options.info.serial);
    this.firmware = firmwareText(options.info.firmware);
    this.authority = options.authority;
    this.#algorithms = new Set(options.info.algorithms);
  }

  isFirmwareAtLeast(major: number, minor: number): boolean {
    return isFirmwareAtLeast(this.#options.info.firmware, major, minor);
  }

  hasAlgorithm(algorithm: number): boolean {
    return this.#algorithms.has(algorithm);
  }

  get algorithms(): readonly number[] {
    return [...this.#algorithms];
  }

  deviceInfo(): Promise<DeviceInfo> {
    return this.#options.deviceInfo();
  }

  /** `what` in words: `export the symmetric-key 0x0100`. Rejects with KeyferryError. */
  async call<Request, Reply>(command: Command<Request, Reply>, request: Request, what: string): Promise<Reply> {
    try {
      return await this.#options.caller.call(command, request);
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error;
      const name = commandName(command.code);
      const isOwn = error.message.includes(`could not ${name}:`);
      const message = isOwn
        ? error.message.replace(`could not ${name}:`, `could not ${what} (${name}):`)
        : `${error.message.replace(/\.$/, '')} (to ${what}).`;
      throw new KeyferryError(error.code, message, { ...error.toRecord(), device: this.name, cause: error });
    }
  }

  /** null: there is no such object in the session's domains. */
  async info(ref: ObjectRef): Promise<ObjectInfo | null> {
    try {
      return await this.call(getObjectInfo, ref, `look at object ${idText(ref.id)}`);
    } catch (error) {
      if (isNamed(error, 'object-not-found')) return null;
      throw error;
    }
  }

  async list(filter: ObjectFilter = {}): Promise<readonly ListedObject[]> {
    return await this.call(listObjects, filter, 'list the objects');
  }

  /** Free of every type among the objects that the session sees, and promised to nobody else in this process. */
  async freeId(): Promise<number> {
    const taken = new Set((await this.list()).map(({ id }) => id));
    for (;;) {
      const id = randomInt(1, HIGHEST_ID + 1);
      if (taken.has(id) || this.#promised.has(id) || isReservedId(id)) continue;
      this.#promised.add(id);
      return id;
    }
  }

  /** With it a full log stops every command that is recorded. null: the session may not ask. */
  async forceAudit(): Promise<boolean | null> {
    const state = await this.#option('force-audit', OPTION.forceAudit, readSwitch);
    return state === null ? null : state !== OPTION_VALUE.off;
  }

  /** Codes of the commands that the log records. null: the session may not ask. */
  async auditedCommands(): Promise<ReadonlySet<number> | null> {
    const switches = await this.#option('command-audit', OPTION.commandAudit, readSwitches);
    if (switches === null) return null;
    return new Set([...switches].flatMap(([code, state]) => (state === OPTION_VALUE.off ? [] : [code])));
  }

  async #option<Value>(name: string, option: number, read: (value: Uint8Array) => Value): Promise<Value | null> {
    if (!hasCapability(this.authority.capabilities, 'get-option')) return null;
    const what = `read the option ${name}`;
    const value = await this.call(getOption, { option }, what);
    try {
      return read(value);
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause;
      throw this.fail('reply-malformed', `could not ${what}: ${cause.message}.`, { cause });
    }
  }

  /** Looking at what a call has made: when that fails, the call was applied all the same, and is to be settled. */
  async checking<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error;
      throw new KeyferryError(error.code, error.message, { ...error.toRecord(), outcome: 'unknown', cause: error });
    }
  }

  /** An error about this device; `message` starts in lower case. */
  fail(code: ErrorCode, message: string, details: Omit<ErrorDetails, 'device'> = {}): KeyferryError {
    return new KeyferryError(code, `${this.name}: ${message}`, { ...details, device: this.name });
  }
}

/** The device's own refusal. */
export const isNamed = (error: unknown, ...names: readonly DeviceErrorName[]): boolean =>
  error instanceof KeyferryError && names.some((name) => name === error.native?.name);

/** Rejects with `key-not-found` where the authentication key cannot be seen, which no firmware does. */
export async function authorityOf(caller: CommandCaller, keyId: number): Promise<Authority> {
  const ref = { id: keyId, type: OBJECT_TYPE['authentication-key'] };
  const { domains, capabilities, delegatedCapabilities } = await caller.call(getObjectInfo, ref);
  return { keyId, domains, capabilities, delegated: delegatedCapabilities };
}
