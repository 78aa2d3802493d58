/** One line of an inventory: what a device says of an object that holds a key. */
import type { KeyAttributes } from './attributes.ts';
import type { Curve, KeyClass, KeyType } from './key-spec.ts';
import type { Locator } from './locator.ts';

export interface KeyRecord {
  readonly locator: Locator;
  /** For display only, valid in one process. */
  readonly handle: string;
  /** Text of the label, or its hex when it is not UTF-8 (then `labelHex` says so in JSON). */
  readonly label: string;
  readonly labelIsHex: boolean;
  readonly id: string;
  readonly class: KeyClass;
  readonly type: KeyType;
  /** Key length in bits; 0 where the device does not say. */
  readonly bits: number;
  /** Of EC keys on a named curve; absent for every other key. */
  readonly curve?: Curve;
  /** Six hex digits, null where the key cannot make one. */
  readonly kcv: string | null;
  readonly attributes: KeyAttributes;
  readonly exportable: boolean;
  /** Why it is not exportable; null when it is. */
  readonly reason: string | null;
}

/** A key as it travels between steps. Opaque in expressions; found again by its locator. */
export interface KeyRef {
  readonly kind: 'key';
  /** Name of the device in the playbook. */
  readonly device: string;
  readonly locator: Locator;
  /** The key as it was inventoried: what `like` copies label, id, usage and length from, also on another device. */
  readonly record?: KeyRecord;
}

export function isKeyRef(value: unknown): value is KeyRef {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'key';
}
