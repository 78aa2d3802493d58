/**
 * A symmetric key in clear, on its way through this computer because a step says `exposes: plaintext`. It prints `[redacted]` wherever it
 * is printed, logged or serialised, and is wiped when the item it belongs to has ended. What a runtime copied meanwhile (garbage
 * collection, pipes, swap) cannot be wiped: docs/devices.md says so.
 */
import { inspect } from 'node:util';
import type { KeyAttributes } from './attributes.ts';

export const CLEAR_KEY_TYPES = ['aes', 'des3'] as const;
export type ClearKeyType = (typeof CLEAR_KEY_TYPES)[number];

export class ClearKey {
  readonly type: ClearKeyType;
  /** What the key could do where it comes from: copied on arrival. Absent where nobody knows (a file). */
  readonly usage: KeyAttributes | undefined;
  readonly #bytes: Uint8Array;
  #isWiped = false;

  /** Takes the bytes over: they are wiped with it. */
  constructor(type: ClearKeyType, bytes: Uint8Array, usage?: KeyAttributes) {
    this.type = type;
    this.usage = usage;
    this.#bytes = bytes;
  }

  /** The bytes themselves, no copy, for the one call that needs them. */
  reveal(): Uint8Array {
    if (this.#isWiped) throw new Error('a key was used after it had been wiped');
    return this.#bytes;
  }

  wipe(): void {
    this.#bytes.fill(0);
    this.#isWiped = true;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return '[redacted]';
  }
}

/** Wipes the keys at the top level of a step's arguments or outputs. */
export function wipeClearKeys(values: Readonly<Record<string, unknown>>): void {
  for (const value of Object.values(values)) if (value instanceof ClearKey) value.wipe();
}
