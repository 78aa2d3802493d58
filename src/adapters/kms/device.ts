/** A Device over AWS KMS: every method of the port. What the actions do is in actions/. */
import type { Fingerprint } from '../../keys/fingerprint.ts';
import type { KeyRecord, KeyRef } from '../../keys/key-record.ts';
import type {
  ActionCall,
  ActionResult,
  Device,
  DeviceDescription,
  Finding,
  FingerprintRequest,
  Forecast,
  InventoryQuery,
  Reconciliation,
} from '../adapter.ts';
import type { KmsAction } from './actions/action.ts';
import { KMS_ACTIONS } from './actions/actions.ts';
import { inParallel } from './bounded.ts';
import type { KmsConnection } from './connection.ts';
import { fingerprintKey, publicKeyOf } from './fingerprints.ts';
import type { CatalogEntry } from './key-catalog.ts';
import { recordOf } from './key-model.ts';
import { describeKey, inWords, keyIdOf } from './locate.ts';

export class KmsDevice implements Device {
  readonly #kms: KmsConnection;
  readonly #description: DeviceDescription;

  constructor(kms: KmsConnection, description: DeviceDescription) {
    this.#kms = kms;
    this.#description = description;
  }

  async describe(): Promise<DeviceDescription> {
    return this.#description;
  }

  async *inventory(query: InventoryQuery): AsyncIterable<readonly KeyRecord[]> {
    for await (const page of this.#kms.catalog.everyKey()) {
      const records = await inParallel(page, this.#kms.parallel, (entry) => this.#record(entry, query));
      yield records.filter((record) => query.classes?.includes(record.class) ?? true);
    }
  }

  async #record({ metadata, tags }: CatalogEntry, { fingerprint }: InventoryQuery): Promise<KeyRecord> {
    const record = recordOf(this.#kms.serial, metadata, tags);
    if (fingerprint === undefined || metadata.KeyState !== 'Enabled') return record;
    const made = await fingerprintKey(this.#kms, metadata, fingerprint.salt, fingerprint.methods);
    return { ...record, locator: { ...record.locator, fingerprint: made } };
  }

  async preview(
    action: string,
    calls: readonly Readonly<Record<string, unknown>>[],
  ): Promise<readonly (readonly Finding[])[]> {
    const { preview } = this.#action(action);
    return preview === undefined ? calls.map(() => []) : await preview(this.#kms, calls);
  }

  async expect(call: ActionCall): Promise<Forecast> {
    const { expect } = this.#action(call.action);
    if (expect === undefined) throw this.#kms.fail('argument-invalid', `${call.action} creates nothing.`);
    return await expect(this.#kms, call);
  }

  async perform(call: ActionCall): Promise<ActionResult> {
    return await this.#action(call.action).perform(this.#kms, call);
  }

  async reconcile(call: ActionCall): Promise<Reconciliation> {
    const { reconcile } = this.#action(call.action);
    if (reconcile === undefined) throw this.#kms.fail('argument-invalid', `${call.action} changes nothing.`);
    return await reconcile(this.#kms, call);
  }

  async fingerprint({ key, salt, methods }: FingerprintRequest): Promise<Fingerprint | null> {
    return await fingerprintKey(this.#kms, await describeKey(this.#kms, key), salt, methods);
  }

  /** What a KMS key encrypts, KMS alone can decrypt. */
  async challenge(): Promise<null> {
    return null;
  }

  async answer(): Promise<null> {
    return null;
  }

  async read(key: KeyRef): Promise<KeyRecord> {
    const metadata = await describeKey(this.#kms, key);
    return recordOf(this.#kms.serial, metadata, await this.#kms.catalog.tagsOf(keyIdOf(this.#kms, key)));
  }

  async publicKey(key: KeyRef): Promise<Uint8Array> {
    const { locator } = key;
    if (locator.class === 'secret') {
      throw this.#kms.fail('capability-missing', `the ${inWords(locator)} is symmetric and has no public key.`);
    }
    return await publicKeyOf(this.#kms, keyIdOf(this.#kms, key), `read the public key of the ${inWords(locator)}`);
  }

  async close(): Promise<void> {
    await this.#kms.close();
  }

  #action(name: string): KmsAction {
    const action = KMS_ACTIONS.get(name);
    if (action === undefined) throw this.#kms.fail('argument-invalid', `there is no action "${name}".`);
    return action;
  }
}
