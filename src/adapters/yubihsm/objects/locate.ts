/**
 * From a locator to the one object that it means: by type and id, and the label must be the same. Two types can share a class, an id and a
 * label (an AES key and an AES wrap key); then the fingerprint decides, and without one nothing is guessed.
 */
import type { Fingerprint } from '../../../keys/fingerprint.ts';
import type { KeyRef } from '../../../keys/key-record.ts';
import { type Locator, labelText } from '../../../keys/locator.ts';
import { objectTypeName } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { fingerprintKey } from './fingerprints.ts';
import { type Found, labelHexOf, locatorOf } from './key-model.ts';
import { objectIdOf } from './object-id.ts';
import { kindOf, placesOf } from './object-kinds.ts';

/** `private key "payments" (id 0100)`, for messages about what may not be there. */
export function inWords({ class: keyClass, label, id }: Pick<Locator, 'class' | 'label' | 'id'>): string {
  const text = labelText(label);
  const name = text === undefined ? `label 0x${label}` : `"${text}"`;
  return `${keyClass} key ${name}${id === '' ? '' : ` (id ${id})`}`;
}

/** Everything at the locator's id that has its class, type and label. The serial number is not looked at. */
export async function foundAt(
  hsm: YubiHsm,
  locator: Pick<Locator, 'class' | 'type' | 'id' | 'label'>,
): Promise<readonly Found[]> {
  const id = objectIdOf(locator.id);
  if (id === undefined) return [];
  const found: Found[] = [];
  for (const { objectType, isHalf } of placesOf(locator.class, locator.type)) {
    const info = await hsm.info({ id, type: objectType });
    if (info === null || labelHexOf(info) !== locator.label) continue;
    const kind = kindOf(info, isHalf);
    if (kind.class === locator.class && kind.type === locator.type) found.push({ info, isHalf });
  }
  return found;
}

/** Rejects with `key-not-found` or `key-ambiguous`. */
export async function locate(hsm: YubiHsm, { locator }: KeyRef): Promise<Found> {
  if (locator.serial !== hsm.serial) {
    throw hsm.fail(
      'key-not-found',
      `the ${inWords(locator)} is on the device ${locator.serial}, not on ${hsm.serial}.`,
    );
  }
  const found = await foundAt(hsm, locator);
  const [only] = found;
  if (only === undefined) throw hsm.fail('key-not-found', `there is no ${inWords(locator)} on the device.`);
  if (found.length === 1) return only;
  const same = await withFingerprint(hsm, found, locator.fingerprint);
  const [match] = same;
  if (match !== undefined && same.length === 1) return match;
  const types = found.map(({ info, isHalf }) => `${isHalf ? 'public half of the ' : ''}${objectTypeName(info.type)}`);
  throw hsm.fail(
    'key-ambiguous',
    `${types.join(' and ')} both are the ${inWords(locator)}, and nothing tells them apart.`,
  );
}

async function withFingerprint(
  hsm: YubiHsm,
  found: readonly Found[],
  wanted: Fingerprint | null,
): Promise<readonly Found[]> {
  if (wanted === null || hsm.salt === null) return [];
  const same: Found[] = [];
  for (const each of found) {
    const made = await fingerprintKey(hsm, each, hsm.salt, [wanted.method]);
    if (made?.value === wanted.value) same.push(each);
  }
  return same;
}

export const refOf = (hsm: YubiHsm, found: Found, fingerprint: Fingerprint | null = null): KeyRef => ({
  kind: 'key',
  device: hsm.name,
  locator: locatorOf(hsm.serial, found, fingerprint),
});
