/**
 * What engine and device host say to each other. A message is a Device method call, not a C_ call; several messages travel in one
 * array. Everything is structured-cloneable (Node's 'advanced' serialization: Uint8Array and bigint pass).
 */
import { type ErrorRecord, KeyferryError } from '../../../errors/keyferry-error.ts';
import type { KeyRecord } from '../../../keys/key-record.ts';
import type { InventoryQuery } from '../../adapter.ts';
import type { CapabilityOverrides, Pkcs11Profile } from '../profile.ts';

/** Everything that a host needs to open its device, but the PIN: that is asked for when the token has been found. */
export interface HostSetup {
  readonly name: string;
  readonly adapter: string;
  readonly profile: Pkcs11Profile;
  readonly modulePath: string;
  readonly libraryParameters?: string;
  readonly selector: { readonly token?: string; readonly slot?: number; readonly serial?: string };
  readonly sessions: number;
  readonly home: string;
  readonly retryPin: boolean;
  readonly capabilities?: CapabilityOverrides;
}

/** The methods that take and give one value; `inventory` is a stream and `close` a message of its own. */
export const HOSTED_METHODS = [
  'describe',
  'preview',
  'expect',
  'perform',
  'reconcile',
  'fingerprint',
  'challenge',
  'answer',
  'read',
  'publicKey',
] as const;
export type HostedMethod = (typeof HOSTED_METHODS)[number];

export type ToHost =
  | { readonly kind: 'open'; readonly setup: HostSetup }
  | { readonly kind: 'secret'; readonly value: string }
  | { readonly kind: 'no-secret'; readonly failure: Failure }
  | { readonly kind: 'call'; readonly id: number; readonly method: HostedMethod; readonly args: readonly unknown[] }
  | { readonly kind: 'inventory'; readonly id: number; readonly query: InventoryQuery }
  | { readonly kind: 'next'; readonly id: number; readonly stream: number }
  | { readonly kind: 'stop'; readonly stream: number }
  | { readonly kind: 'close' };

export type FromHost =
  | { readonly kind: 'secret-wanted' }
  | { readonly kind: 'opened' }
  | { readonly kind: 'not-opened'; readonly failure: Failure }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure };

/** The answer to `next`. */
export interface InventoryBatch {
  readonly records: readonly KeyRecord[] | null;
}

export type Failure =
  | { readonly kind: 'keyferry'; readonly record: ErrorRecord }
  | { readonly kind: 'bug'; readonly message: string; readonly stack: string };

export function toFailure(error: unknown): Failure {
  if (error instanceof KeyferryError) return { kind: 'keyferry', record: error.toRecord() };
  if (error instanceof Error) return { kind: 'bug', message: error.message, stack: error.stack ?? '' };
  return { kind: 'bug', message: String(error), stack: '' };
}

export function fromFailure(failure: Failure): Error {
  if (failure.kind === 'keyferry') return KeyferryError.fromRecord(failure.record);
  const bug = new Error(`In the device host: ${failure.message}`);
  bug.stack = failure.stack;
  return bug;
}
