/** A Device over AWS KMS: every method of the port. What the actions do is in actions/. */
import type { Fingerprint } from '../../keys/fingerprint.ts';
import type { KeyRecord, KeyRef } from '../../keys/key-record.ts';
import { ActingDevice } from '../actions/acting-device.ts';
import type { Device, DeviceDescription, FingerprintRequest, InventoryQuery } from '../adapter.ts';
import { KMS_ACTIONS } from './actions/actions.ts';
import { inParallel } from './bounded.ts';
import type { KmsConnection } from './connection.ts';
import { fingerprintKey, publicKeyOf } from './fingerprints.ts';
import type { CatalogEntry } from './key-catalog.ts';
import { recordOf } from './key-model.ts';
import { describeKey, inWords, keyIdOf } from './locate.ts';

export class KmsDevice extends ActingDevice<KmsConnection> implements Device {
  readonly #kms: KmsConnection;
  readonly #description: DeviceDescription;

  constructor(kms: KmsConnection, description: DeviceDescription) {
    super(kms, KMS_ACTIONS);
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
}
