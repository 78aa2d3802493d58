/**
 * From a locator to the one object that it means. Several objects of a name are told apart by fingerprint; none or several is an error,
 * never a guess. What is to be changed or deleted is looked at once more through its handle right before.
 */
import type { Fingerprint } from '../../keys/fingerprint.ts';
import type { KeyRef } from '../../keys/key-record.ts';
import { labelText } from '../../keys/locator.ts';
import { bytesOf } from './attribute-codec.ts';
import { isGone, isUnable } from './ckr-errors.ts';
import { CKA } from './constants.ts';
import type { Handle } from './cryptoki.ts';
import { fingerprintKey } from './fingerprints.ts';
import { nameOf, type ObjectName } from './object-index.ts';
import type { Token } from './token.ts';

/** `secret key "payments-1" (id 0a)`, for messages. */
export function inWords(object: ObjectName): string {
  const text = labelText(object.label);
  const label = text === undefined ? `label 0x${object.label}` : `"${text}"`;
  return `${object.class} key ${label}${object.id === '' ? '' : ` (id ${object.id})`}`;
}

/** As `locate`, at once: undefined where the token has to be asked. */
export function locateNow(token: Token, { locator }: KeyRef): Handle | undefined {
  if (locator.serial !== token.serial || !token.index.isLoaded) return undefined;
  const handles = token.index.handles(nameOf(locator));
  return handles.length === 1 ? handles[0] : undefined;
}

/** Rejects with `key-not-found` or `key-ambiguous`. `change`: the object must be the only one that fits, seen just now. */
export async function locate(token: Token, key: KeyRef, purpose: 'use' | 'change' = 'use'): Promise<Handle> {
  const { locator } = key;
  if (locator.serial !== token.serial) {
    throw token.fail('key-not-found', `${inWords(locator)} is on the token ${locator.serial}, not on ${token.serial}.`);
  }
  await token.ensureIndexed();
  const name = nameOf(locator);
  let handles = token.index.handles(name);
  if (purpose === 'change') handles = handles.filter((handle) => isStill(token, handle, locator));
  if (handles.length === 0) handles = findByName(token, locator);
  const [only] = handles;
  if (only === undefined) throw token.fail('key-not-found', `there is no ${inWords(locator)} on the device.`);
  if (handles.length === 1) return only;
  return await tellApart(token, key, handles, purpose);
}

async function tellApart(
  token: Token,
  key: KeyRef,
  handles: readonly Handle[],
  purpose: 'use' | 'change',
): Promise<Handle> {
  const { locator } = key;
  const ambiguous = (why: string) =>
    token.fail('key-ambiguous', `${handles.length} objects are a ${inWords(locator)} and ${why}.`);
  if (locator.fingerprint === null) throw ambiguous('nothing tells them apart: the key has no fingerprint');
  if (token.salt === null) throw ambiguous('no plan is at hand whose fingerprints could tell them apart');
  if (purpose === 'change') for (const handle of handles) token.fingerprints.delete(handle);
  const same = await withFingerprint(token, locator, handles, locator.fingerprint, token.salt);
  const [only] = same;
  if (only === undefined)
    throw token.fail('key-not-found', `no ${inWords(locator)} on the device has the key's fingerprint.`);
  if (same.length === 1) return only;
  if (purpose === 'change') throw ambiguous('have the same fingerprint too');
  // Copies of one key that may do the same are one key to whoever only uses it.
  const permissions = same.map((handle) => JSON.stringify(token.facts(handle, locator.class).attributes));
  if (new Set(permissions).size > 1) throw ambiguous('have the same fingerprint, but not the same attributes');
  return only;
}

/** Those among `handles` whose key has this fingerprint. Computed once per key and salt. */
export async function withFingerprint(
  token: Token,
  object: Pick<ObjectName, 'class'>,
  handles: readonly Handle[],
  wanted: Fingerprint,
  salt: Uint8Array,
): Promise<Handle[]> {
  const same: Handle[] = [];
  for (const handle of handles) {
    const fingerprint = await cachedFingerprint(token, object, handle, wanted, salt);
    if (fingerprint?.value === wanted.value) same.push(handle);
  }
  return same;
}

export async function cachedFingerprint(
  token: Token,
  object: Pick<ObjectName, 'class'>,
  handle: Handle,
  wanted: Pick<Fingerprint, 'method'>,
  salt: Uint8Array,
): Promise<Fingerprint | null> {
  const known = token.fingerprints.get(handle);
  if (known !== undefined && known.method === wanted.method && Buffer.compare(known.salt, salt) === 0) {
    return known.fingerprint;
  }
  try {
    const fingerprint = await fingerprintKey(token, token.facts(handle, object.class), salt, [wanted.method]);
    token.fingerprints.set(handle, { salt, fingerprint, method: wanted.method });
    return fingerprint;
  } catch (error) {
    // An object that went away meanwhile, or a key that cannot be used, is not the one that is looked for.
    if (isUnable(error) || isGone(error)) return null;
    throw error;
  }
}

/** Whether the handle still is the object of this name. */
export function isStill(token: Token, handle: Handle, object: ObjectName): boolean {
  try {
    return nameOf(token.nameAt(handle, object.class)) === nameOf(object);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** Asks the device anew, not the index, and takes what is found into the index. Empty ids and labels are compared here, not searched for. */
export function findByName(token: Token, object: ObjectName): Handle[] {
  const narrowed = [
    ...(object.label === '' ? [] : [{ type: CKA.LABEL, value: bytesOf(object.label) }]),
    ...(object.id === '' ? [] : [{ type: CKA.ID, value: bytesOf(object.id) }]),
  ];
  const name = nameOf(object);
  const found = token
    .find(object.class, narrowed)
    .filter((handle) => nameOf(token.nameAt(handle, object.class)) === name);
  if (token.index.isLoaded) {
    for (const handle of token.index.handles(name)) if (!found.includes(handle)) token.index.remove(object, handle);
    for (const handle of found) token.index.add(object, handle);
  }
  return found;
}
