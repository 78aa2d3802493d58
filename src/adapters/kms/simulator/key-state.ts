/** Which key states allow which calls (developer guide, "Key states of AWS KMS keys"), with the texts of the real service. */
import { type KeyRecord, type KeyState, keyArn, type Place, stateOf } from './key-record.ts';
import type { KeyUsage } from './key-specs.ts';
import { refuse, type ServiceErrorName } from './service-error.ts';

const IN_WORDS: Readonly<Record<KeyState, string>> = {
  Enabled: 'enabled',
  Disabled: 'disabled',
  PendingDeletion: 'pending deletion',
  PendingImport: 'pending import',
};

/** Throws ServiceError `KMSInvalidStateException`, or `DisabledException` where the key is disabled. */
export function requireState(key: KeyRecord, place: Place, ...allowed: readonly KeyState[]): void {
  const state = stateOf(key);
  if (allowed.includes(state)) return;
  const name: ServiceErrorName = state === 'Disabled' ? 'DisabledException' : 'KMSInvalidStateException';
  refuse(name, `${keyArn(place, key.id)} is ${IN_WORDS[state]}.`);
}

export const refusePendingDeletion = (key: KeyRecord, place: Place): void =>
  requireState(key, place, 'Enabled', 'Disabled', 'PendingImport');

/** For cryptographic operations: the key is there, enabled and meant for this. */
export function requireUsable(key: KeyRecord, place: Place, usage: KeyUsage, operation: string): void {
  requireState(key, place, 'Enabled');
  if (key.usage !== usage)
    refuse(
      'InvalidKeyUsageException',
      `${keyArn(place, key.id)} key usage is ${key.usage} which is not valid for ${operation}.`,
    );
}

export function requireOrigin(key: KeyRecord, place: Place, origin: KeyRecord['origin']): void {
  if (key.origin !== origin)
    refuse(
      'UnsupportedOperationException',
      `${keyArn(place, key.id)} origin is ${key.origin} which is not valid for this operation.`,
    );
}

/** DryRun asks whether the call would be allowed; the answer is an error either way. */
export function endDryRun(isDryRun: boolean | undefined): void {
  if (isDryRun === true)
    refuse('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.');
}
