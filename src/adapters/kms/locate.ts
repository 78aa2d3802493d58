/** From a locator to the KMS key that it means: by account, region and key id alone; names are for people. */
import type { KeyMetadata } from '@aws-sdk/client-kms';
import type { KeyRef } from '../../keys/key-record.ts';
import { type Locator, labelText } from '../../keys/locator.ts';
import type { KmsConnection } from './connection.ts';
import { locatorOf } from './key-model.ts';

/** `KMS key 1234abcd-… ("payments-1")`, for messages. */
export function inWords({ id, label }: Pick<Locator, 'id' | 'label'>): string {
  const text = labelText(label);
  return `KMS key ${id}${text === undefined || text === '' ? '' : ` ("${text}")`}`;
}

/** Rejects with `key-not-found` when the key is of another account, region or device. */
export function keyIdOf(kms: KmsConnection, { locator }: KeyRef): string {
  if (locator.serial !== kms.serial) {
    throw kms.fail('key-not-found', `the ${inWords(locator)} is on ${locator.serial}, and this is ${kms.serial}.`);
  }
  return locator.id;
}

/** Waits for a key that may be new. Rejects with `key-not-found`. */
export async function describeKey(kms: KmsConnection, ref: KeyRef): Promise<KeyMetadata> {
  const id = keyIdOf(kms, ref);
  const what = `describe the ${inWords(ref.locator)}`;
  const found = await kms.awaited(async () => (await kms.describe(id, what)) ?? undefined);
  if (found === undefined) throw kms.fail('key-not-found', `there is no ${inWords(ref.locator)}.`);
  return found;
}

export const refOf = (kms: KmsConnection, metadata: KeyMetadata, label: string): KeyRef => ({
  kind: 'key',
  device: kms.name,
  locator: locatorOf(kms.serial, metadata, label),
});
