/**
 * A device of keys in memory, for tests of the planner and the engine. What its previews find and its actions do is scripted; every call
 * is written down. What is not scripted throws a plain Error: a test that reaches it asks for something it did not arrange.
 */
import type {
  ActionCall,
  ActionResult,
  BoundDevice,
  Capabilities,
  Device,
  DeviceDescription,
  Finding,
  FingerprintRequest,
  Forecast,
  InventoryQuery,
  Reconciliation,
  Trust,
} from '../../src/adapters/adapter.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { KeyAttributes } from '../../src/keys/attributes.ts';
import { type Fingerprint, type FingerprintMethod, fingerprintOf } from '../../src/keys/fingerprint.ts';
import type { KeyRecord, KeyRef } from '../../src/keys/key-record.ts';
import type { KeyClass, KeyType } from '../../src/keys/key-spec.ts';
import { labelHex, locatorName } from '../../src/keys/locator.ts';

/** A key as a test describes it. Keys with equal `material` have equal fingerprints and KCVs. */
export interface FakeKey {
  readonly label: string;
  /** Label bytes that are not UTF-8, hex; replaces `label`. */
  readonly rawLabel?: string;
  readonly id?: string;
  readonly class?: KeyClass;
  readonly type?: KeyType;
  readonly bits?: number;
  /** Default: the label and id. */
  readonly material?: string;
  readonly attributes?: KeyAttributes;
  /** Fingerprint methods that the key itself allows. Default: all. */
  readonly methods?: readonly FingerprintMethod[];
}

export interface FakeDeviceOptions {
  /** Role and name; default `fake`. */
  readonly role?: string;
  readonly name?: string;
  readonly adapter?: string;
  readonly driver?: string;
  readonly trust?: Trust;
  readonly serial?: string;
  readonly keys?: Iterable<FakeKey>;
  readonly capabilities?: Partial<Capabilities>;
  /** Action → what a preview of these arguments finds. */
  readonly findings?: Readonly<Record<string, (args: Readonly<Record<string, unknown>>) => readonly Finding[]>>;
  readonly perform?: (call: ActionCall) => Promise<ActionResult>;
  readonly expect?: (call: ActionCall) => Promise<Forecast>;
  readonly reconcile?: (call: ActionCall) => Promise<Reconciliation>;
  /** Keys per inventory batch. */
  readonly batch?: number;
}

export interface FakeCall {
  readonly method: string;
  readonly action: string | null;
  /** Calls in a preview. */
  readonly count: number;
  readonly query?: InventoryQuery;
}

export interface FakeDevice {
  readonly bound: BoundDevice;
  readonly calls: FakeCall[];
  /** Everything that a preview was asked, in order. */
  readonly previewed: { readonly action: string; readonly args: Readonly<Record<string, unknown>> }[];
  /** May be replaced between calls. */
  keys: Iterable<FakeKey>;
}

export const FAKE_CAPABILITIES: Capabilities = {
  wrap: ['rsa-oaep-sha1', 'rsa-oaep-sha256'],
  unwrap: ['rsa-oaep-sha1', 'rsa-oaep-sha256'],
  generate: ['aes', 'rsa'],
  fingerprints: ['encrypt-ecb', 'decrypt-ecb', 'mac', 'wrap-kw', 'public-key'],
  uniqueIds: false,
  sessions: 64,
  capacity: null,
  settle: { reads: 1, intervalMs: 0 },
  rates: {},
};

const NO_SALT = new Uint8Array(0);

/** The inventory line of a fake key. */
export function fakeRecord(key: FakeKey, serial: string, query: InventoryQuery = {}, handle = '1'): KeyRecord {
  const rawLabel = key.rawLabel ?? labelHex(key.label);
  const [keyClass, type, id] = [key.class ?? 'secret', key.type ?? 'aes', key.id ?? ''];
  const attributes = { token: true, extractable: true, encrypt: true, decrypt: true, ...key.attributes };
  return {
    locator: {
      serial,
      class: keyClass,
      type,
      id,
      label: rawLabel,
      fingerprint: fakeFingerprint(key, query.fingerprint),
    },
    handle,
    label: key.rawLabel ?? key.label,
    labelIsHex: key.rawLabel !== undefined,
    id,
    class: keyClass,
    type,
    bits: key.bits ?? 256,
    kcv: query.kcv === false ? null : fingerprintOf('mac', NO_SALT, materialOf(key)).value.slice(0, 6),
    attributes,
    exportable: attributes.extractable,
    reason: attributes.extractable ? null : 'the key is not extractable',
  };
}

const materialOf = (key: FakeKey): Uint8Array =>
  new TextEncoder().encode(key.material ?? `${key.label}${key.rawLabel ?? ''}/${key.id ?? ''}`);

function fakeFingerprint(key: FakeKey, wanted: InventoryQuery['fingerprint']): Fingerprint | null {
  const method = wanted?.methods.find((each) => key.methods === undefined || key.methods.includes(each));
  return wanted === undefined || method === undefined ? null : fingerprintOf(method, wanted.salt, materialOf(key));
}

export function fakeDevice(options: FakeDeviceOptions = {}): FakeDevice {
  const role = options.role ?? 'fake';
  const name = options.name ?? role;
  const adapter = options.adapter ?? 'fake-adapter';
  const driver = options.driver ?? 'simulated';
  const serial = options.serial ?? `serial-${role}`;
  const description: DeviceDescription = {
    name,
    adapter,
    driver,
    trust: options.trust ?? 'simulated',
    serial,
    label: `${name} token`,
    manufacturer: 'fake',
    model: 'fake',
    firmware: '1.0',
    capabilities: { ...FAKE_CAPABILITIES, ...options.capabilities },
  };
  const calls: FakeCall[] = [];
  const previewed: FakeDevice['previewed'] = [];
  const told = (method: string, action: string | null = null, count = 1): void => {
    calls.push({ method, action, count });
  };
  const unscripted = (what: string): never => {
    throw new Error(`the fake device ${name} was not told what ${what} does`);
  };
  const find = (key: KeyRef, query: InventoryQuery = {}): KeyRecord => {
    const named = [...fake.keys].filter(
      (each) => locatorName(fakeRecord(each, serial).locator) === locatorName(key.locator),
    );
    const [only] = named;
    if (only === undefined || named.length > 1) {
      throw new KeyferryError(
        only === undefined ? 'key-not-found' : 'key-ambiguous',
        `${named.length} objects on ${name} match the key`,
      );
    }
    return fakeRecord(only, serial, query);
  };

  const device: Device = {
    describe: async () => description,
    async *inventory(query) {
      calls.push({ method: 'inventory', action: null, count: 1, query });
      let batch: KeyRecord[] = [];
      let handle = 0;
      for (const key of fake.keys) {
        handle += 1;
        batch.push(fakeRecord(key, serial, query, String(handle)));
        if (batch.length === (options.batch ?? 256)) {
          yield batch;
          batch = [];
        }
      }
      yield batch;
    },
    preview: async (action, asked) => {
      told('preview', action, asked.length);
      previewed.push(...asked.map((args) => ({ action, args })));
      return asked.map((args) => options.findings?.[action]?.(args) ?? []);
    },
    expect: async (call) => {
      told('expect', call.action);
      return options.expect?.(call) ?? unscripted(`expect ${call.action}`);
    },
    perform: async (call) => {
      told('perform', call.action);
      return options.perform?.(call) ?? unscripted(`perform ${call.action}`);
    },
    reconcile: async (call) => {
      told('reconcile', call.action);
      return options.reconcile?.(call) ?? unscripted(`reconcile ${call.action}`);
    },
    fingerprint: async ({ key, salt, methods }: FingerprintRequest) => {
      told('fingerprint');
      return find(key, { fingerprint: { salt, methods } }).locator.fingerprint;
    },
    challenge: async () => {
      told('challenge');
      return null;
    },
    answer: async () => {
      told('answer');
      return null;
    },
    read: async (key, query) => {
      told('read');
      return find(key, query);
    },
    publicKey: async () => {
      told('publicKey');
      return unscripted('publicKey');
    },
    close: async () => told('close'),
  };
  const fake: FakeDevice = {
    bound: { role, settings: { name, adapter, driver, values: {} }, description, device },
    calls,
    previewed,
    keys: options.keys ?? [],
  };
  return fake;
}
