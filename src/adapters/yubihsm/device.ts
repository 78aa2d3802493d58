/** A Device over one YubiHSM: every method of the port. What the actions do is in actions/. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { Fingerprint } from '../../keys/fingerprint.ts';
import type { KeyRecord, KeyRef } from '../../keys/key-record.ts';
import { KEY_CLASSES } from '../../keys/key-spec.ts';
import { ActingDevice } from '../actions/acting-device.ts';
import type {
  ChallengeKind,
  Device,
  DeviceDescription,
  DeviceSettings,
  FillRequest,
  FingerprintRequest,
  InventoryQuery,
} from '../adapter.ts';
import { YUBIHSM_ACTIONS } from './actions/actions.ts';
import { describeYubiHsm } from './describe.ts';
import { fillYubiHsm } from './fill.ts';
import { answerChallenge, checkValue, fingerprintKey, makeChallenge } from './objects/fingerprints.ts';
import { type Found, recordOf } from './objects/key-model.ts';
import { locate } from './objects/locate.ts';
import { kindOf } from './objects/object-kinds.ts';
import { spkiOf } from './objects/public-half.ts';
import type { YubiHsm } from './yubihsm.ts';

export interface YubiHsmDeviceOptions {
  readonly hsm: YubiHsm;
  readonly settings: DeviceSettings;
  readonly close: () => Promise<void>;
}

/** The device holds 256 objects; so many are looked at between two batches. */
const BATCH = 32;

export class YubiHsmDevice extends ActingDevice<YubiHsm> implements Device {
  readonly #hsm: YubiHsm;
  readonly #options: YubiHsmDeviceOptions;
  readonly fill?: (request: FillRequest) => Promise<number>;

  constructor(options: YubiHsmDeviceOptions) {
    super(options.hsm, YUBIHSM_ACTIONS);
    this.#hsm = options.hsm;
    this.#options = options;
    if (options.settings.driver === 'simulated') this.fill = (request) => fillYubiHsm(this.#hsm, request);
  }

  describe(): Promise<DeviceDescription> {
    return describeYubiHsm(this.#hsm, this.#options.settings);
  }

  async *inventory(query: InventoryQuery): AsyncIterable<readonly KeyRecord[]> {
    const hsm = this.#hsm;
    const wanted = query.classes ?? KEY_CLASSES;
    this.remember(query.fingerprint?.salt);
    // Opaques, authentication keys and the like too, as secret keys of type other: a backup has to account for them.
    const listed = await hsm.list();
    for (let start = 0; start < listed.length; start += BATCH) {
      const records: KeyRecord[] = [];
      for (const { type, id } of listed.slice(start, start + BATCH)) {
        const info = await hsm.info({ type, id });
        if (info !== null && wanted.includes(kindOf(info).class)) {
          records.push(await this.#record({ info, isHalf: false }, query));
        }
      }
      if (records.length > 0) yield records;
    }
  }

  async #record(found: Found, query: InventoryQuery): Promise<KeyRecord> {
    const hsm = this.#hsm;
    const { fingerprint } = query;
    const kcv = query.kcv === false ? null : await checkValue(hsm, found);
    const made =
      fingerprint === undefined ? null : await fingerprintKey(hsm, found, fingerprint.salt, fingerprint.methods);
    return recordOf(hsm.serial, found, { kcv, fingerprint: made });
  }

  async fingerprint({ key, salt, methods }: FingerprintRequest): Promise<Fingerprint | null> {
    this.remember(salt);
    return await fingerprintKey(this.#hsm, await this.#locate(key), salt, methods);
  }

  async challenge(request: { key: KeyRef; kind: ChallengeKind; data: Uint8Array }): Promise<Uint8Array | null> {
    if (request.kind !== 'encrypt') return null;
    return await makeChallenge(this.#hsm, await this.#locate(request.key), request.data);
  }

  async answer(request: {
    key: KeyRef;
    kind: ChallengeKind;
    challenge: Uint8Array;
    data: Uint8Array;
  }): Promise<boolean | null> {
    if (request.kind !== 'encrypt') return null;
    return await answerChallenge(this.#hsm, await this.#locate(request.key), request);
  }

  async read(key: KeyRef, options: { readonly kcv?: boolean } = {}): Promise<KeyRecord> {
    const found = await this.#locate(key);
    const kcv = options.kcv === false ? null : await checkValue(this.#hsm, found);
    return recordOf(this.#hsm.serial, found, { kcv });
  }

  async publicKey(key: KeyRef): Promise<Uint8Array> {
    return await spkiOf(this.#hsm, await this.#locate(key));
  }

  close(): Promise<void> {
    return this.#options.close();
  }

  protected override remember(salt: Uint8Array | null | undefined): void {
    if (salt !== null && salt !== undefined) this.#hsm.salt = salt;
  }

  async #locate(key: KeyRef): Promise<Found> {
    if (key?.locator === undefined) throw new KeyferryError('argument-invalid', 'This is no key of a device.');
    return await locate(this.#hsm, key);
  }
}
