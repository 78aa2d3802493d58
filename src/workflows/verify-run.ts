/** Compares source and target of every migrated item again, now. Reads only. */
import type { BoundDevice } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Journal, StoredItem, Verification } from '../journal/journal.ts';
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

function targetOf(target: unknown): { readonly device: string; readonly locator: Locator } | null {
  const found = { kind: 'key', ...(target as object | null) };
  return isKeyRef(found) && found.locator !== undefined ? { device: found.device, locator: found.locator } : null;
}
