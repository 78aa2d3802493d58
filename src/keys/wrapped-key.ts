/**
 * A wrapped key as it travels between steps: an artifact, never text. It says how it was made, so that the step that unwraps it need not
 * be told; the bytes are what the device gave (raw ciphertext, no container format).
 */
import type { KeyAttributes } from './attributes.ts';
import type { Curve, KeyClass, KeyType } from './key-spec.ts';

export interface WrappedPayload {
  readonly class: KeyClass;
  readonly type: KeyType;
  /** 0 where the source device does not say. */
  readonly bits: number;
  /** What the source key may do: copied on arrival. Absent where nobody knows (a file). */
  readonly usage?: KeyAttributes;
  /** Of EC keys, where the step that wrapped it knows. */
  readonly curve?: Curve;
  /** What the source key may do in its device's own words; only a device of the same kind reads them. */
  readonly rights?: string;
}

export interface WrappedKey {
  readonly kind: 'wrapped-key';
  /** One of the names in WRAP_MECHANISMS. */
  readonly mechanism: string;
  readonly bytes: Uint8Array;
  /** null: bytes that came from a file. */
  readonly payload: WrappedPayload | null;
}

export function isWrappedKey(value: unknown): value is WrappedKey {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as { kind?: unknown }).kind === 'wrapped-key' &&
    (value as { bytes?: unknown }).bytes instanceof Uint8Array
  );
}
