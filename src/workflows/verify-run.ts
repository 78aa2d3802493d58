/** Compares source and target of every migrated item again, now. Reads only. */
import type { BoundDevice } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Journal, StoredItem, Verification } from '../journal/journal.ts';
import { sameFingerprint } from '../keys/fingerprint.ts';
import { isKeyRef } from '../keys/key-record.ts';
import type { Locator } from '../keys/locator.ts';
import { keyRefOf } from '../plan/key-scope.ts';
import type { PlanHead } from '../plan/model.ts';
import type { Playbook } from '../playbook/model.ts';
import { compareKeys } from './compare-keys.ts';

export interface VerifiedItem {
  readonly key: string;
  readonly label: string;
  readonly verification: Verification | null;
  readonly error: KeyferryError | null;
}

export interface VerifyOptions {
  readonly journal: Journal;
  readonly playbook: Playbook;
  readonly devices: ReadonlyMap<string, BoundDevice>;
}

/** In plan order. A key that is gone, changed or cannot be compared comes with its error. */
export async function* verifyRun(options: VerifyOptions): AsyncIterable<VerifiedItem> {
  const plan = options.journal.head().plan as PlanHead;
  const salt = new Uint8Array(Buffer.from(plan.salt, 'hex'));
  for await (const stored of options.journal.items(['migrated'])) {
    yield await verifyItem(options, stored, salt);
  }
}

async function verifyItem(options: VerifyOptions, stored: StoredItem, salt: Uint8Array): Promise<VerifiedItem> {
  const { key, label } = stored.item;
  const source = stored.item.source;
  const target = targetOf(stored.target);
  if (source.kind === 'file' && target !== null) {
    return { key, label, ...(await compareImported(options, { ...target, salt })) };
  }
  if (source.kind !== 'key' || target === null || options.playbook.over?.kind !== 'keys') {
    return { key, label, verification: null, error: null };
  }
  try {
    const verification = await compareKeys({
      source: keyRefOf(source.record, options.playbook.over.from),
      target: { kind: 'key', ...target },
      devices: options.devices,
      salt,
      sourceFingerprint: null,
      mayBeWeak: options.playbook.verify === 'weak',
    });
    const error =
      verification.result === 'different'
        ? new KeyferryError('verification-failed', `"${label}" on ${target.device} is not the same key as its source`)
        : null;
    return { key, label, verification, error };
  } catch (error) {
    if (error instanceof KeyferryError && error.scope !== 'run') return { key, label, verification: null, error };
    throw error;
  }
}

/** The file of an imported key may be gone; what its key was, its fingerprint says. */
async function compareImported(
  options: VerifyOptions,
  target: { readonly device: string; readonly locator: Locator; readonly salt: Uint8Array },
): Promise<Pick<VerifiedItem, 'verification' | 'error'>> {
  const { device, locator, salt } = target;
  const bound = options.devices.get(device);
  const wanted = locator.fingerprint;
  if (bound === undefined) throw new KeyferryError('device-unknown', `no device is bound to ${device}`);
  try {
    if (wanted === null) {
      // It came wrapped, and nobody but the device has ever seen it: all that can be asked is whether it is there.
      await bound.device.read({ kind: 'key', device, locator }, { kcv: false });
      return { verification: null, error: null };
    }
    const found = await bound.device.fingerprint({
      key: { kind: 'key', device, locator },
      salt,
      methods: [wanted.method],
    });
    const isSame = sameFingerprint(found, wanted);
    const verification = { method: wanted.method, strength: 'strong', result: isSame ? 'same' : 'different' } as const;
    const error = new KeyferryError('verification-failed', `the key on ${device} is not the one that was imported`);
    return { verification, error: isSame ? null : error };
  } catch (error) {
    if (error instanceof KeyferryError && error.scope !== 'run') return { verification: null, error };
    throw error;
  }
}

function targetOf(target: unknown): { readonly device: string; readonly locator: Locator } | null {
  const found = { kind: 'key', ...(target as object | null) };
  return isKeyRef(found) && found.locator !== undefined ? { device: found.device, locator: found.locator } : null;
}
