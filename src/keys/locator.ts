/**
 * How an object is found again by any process. A PKCS#11 handle is not a locator: it is valid in one process only.
 * Resolving to none or to several objects is never guessed over.
 */
import { createHash } from 'node:crypto';
import type { Fingerprint } from './fingerprint.ts';
import type { KeyClass, KeyType } from './key-spec.ts';

export interface Locator {
  /** Serial number of the token or device. */
  readonly serial: string;
  readonly class: KeyClass;
  readonly type: KeyType;
  /** CKA_ID or the device's own object id, lower-case hex; empty when the object has none. */
  readonly id: string;
  /** Label bytes, lower-case hex. */
  readonly label: string;
  readonly fingerprint: Fingerprint | null;
}

/** The part that two objects can share: everything but the fingerprint. Also the key of "one after the other" among items. */
export function locatorName(locator: Locator): string {
  return `${locator.serial}/${locator.class}/${locator.type}/${locator.id}/${locator.label}`;
}

/** A short stable name for the item in plans and reports: 16 hex digits. */
export function locatorDigest(locator: Locator): string {
  const fingerprint = locator.fingerprint === null ? '' : `${locator.fingerprint.method}:${locator.fingerprint.value}`;
  return createHash('sha256')
    .update(`${locatorName(locator)}/${fingerprint}`)
    .digest('hex')
    .slice(0, 16);
}

/** Label for people: the text when it is UTF-8 without control characters, else undefined. */
export function labelText(labelHex: string): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(labelHex, 'hex'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not reach a terminal
    return /[\u0000-\u001f\u007f-\u009f]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

export const labelHex = (text: string): string => Buffer.from(text, 'utf8').toString('hex');
