/**
 * The port between the engine and every kind of device. An adapter declares, as data, its settings, its actions and what they need;
 * `open` gives a Device, whose methods take and give structured-cloneable values only, so that a device may live in another process.
 *
 * Contract of every Device method: it rejects with KeyferryError and nothing else; the error's `outcome` says whether the device may
 * have changed. A method may be called concurrently up to `sessions` times; more calls wait inside the device.
 */
import type { Fingerprint, FingerprintMethod } from '../keys/fingerprint.ts';
import type { KeyRecord, KeyRef } from '../keys/key-record.ts';
import type { KeyClass, KeyType } from '../keys/key-spec.ts';
import type { Locator } from '../keys/locator.ts';
import type { Secret } from '../keys/secret.ts';
import type { ObjectShape, ValueType } from '../schema/shape.ts';
import type { RunbookWriter } from './runbook.ts';

// ---------------------------------------------------------------- what an adapter declares

export type Effect = 'read' | 'create' | 'change' | 'destroy';

/**
 * `permanent`: found again by its locator · `run`: bytes that are read again after a crash · `session`: dies with the device session ·
 * `once`: another one each time it is asked for (an import token and its public key), so what was made from it is made again with it ·
 * `perishable`: kept as a permanent one is, but good for a time or a use only (a signed quorum token): when the device says that it has
 * ended, its step is done again.
 */
export type Lifetime = 'permanent' | 'run' | 'session' | 'once' | 'perishable';

export interface OutputSpec {
  readonly type: ValueType;
  readonly lifetime: Lifetime;
  readonly description: string;
}

export interface ActionSpec {
  readonly name: string;
  readonly summary: string;
  readonly effect: Effect;
  readonly input: ObjectShape;
  readonly outputs: Readonly<Record<string, OutputSpec>>;
  /** The step shows key bytes to the host. */
  readonly exposes?: 'plaintext';
  /** Of the device's own operations: how many calls of each one call of this action makes. Absent: one, under the action's own name. */
  readonly quotas?: Readonly<Record<string, number>>;
  /** Undone by these calls of the same device, in this order: action name and which output goes into which argument. */
  readonly undo?: readonly { readonly action: string; readonly argument: string; readonly output: string }[];
  /** What it destroys cannot be brought back. */
  readonly pointOfNoReturn?: boolean;
  /**
   * Roles in a transfer, so that the engine can check routes without knowing vendors. `check`: the step only asserts (require-attribute);
   * `wrap`: makes a wrapped key of `payload` under `wrappingKey`; `unwrap`: makes a key from `wrapped` under `unwrappingKey`, like `like`;
   * `import`: makes a key from one in clear, like `like` where given, compares the two and says in the output `method` how;
   * `prove`: shows by the device's own means how far the key that arrived is its source, and says so in two outputs: `method`, and `strength`
   * (`strong`, or `none` where it was shown to work and not compared).
   * Names are argument (left) names and output names.
   */
  readonly role?:
    | { readonly kind: 'check' }
    | { readonly kind: 'wrap'; readonly payload: string; readonly wrappingKey: string; readonly wrapped: string }
    | {
        readonly kind: 'unwrap';
        readonly wrapped: string;
        readonly unwrappingKey: string;
        readonly like: string;
        readonly key: string;
      }
    | { readonly kind: 'import'; readonly like: string; readonly key: string; readonly method: string }
    | { readonly kind: 'prove'; readonly method: string; readonly strength: string };
}

/** Of actions that bring a key onto their device: the argument that it is like, and the output that it is. */
export function arrivalOf(spec: ActionSpec): { readonly like: string; readonly key: string } | null {
  return spec.role?.kind === 'unwrap' || spec.role?.kind === 'import' ? spec.role : null;
}

export interface AdapterSpec {
  readonly name: string;
  readonly summary: string;
  /** Driver name → the settings of a devices-file entry with that driver (without `adapter` and `driver`). */
  readonly drivers: Readonly<Record<string, ObjectShape>>;
  readonly actions: Readonly<Record<string, ActionSpec>>;
}

export interface Adapter extends AdapterSpec {
  /** The actions as a person does them with the vendor's tools; absent: keyferry knows none, and a runbook says so. */
  readonly runbook?: RunbookWriter;
  open(settings: DeviceSettings, context: OpenContext): Promise<Device>;
}

/** A devices-file entry, checked, its secrets still references. */
export interface DeviceSettings {
  /** Name in the devices file. */
  readonly name: string;
  readonly adapter: string;
  readonly driver: string;
  /** Checked against the driver's shape; paths are absolute already. */
  readonly values: Readonly<Record<string, unknown>>;
}

export interface OpenContext {
  /** Resolves a secret setting (`pin`, `password`); called at most once per open. */
  secret(setting: string): Promise<Secret>;
  /** The home folder (for the memory of refused PINs); absolute. */
  readonly home: string;
  /** `--retry-pin`: forget that a PIN was refused. */
  readonly retryPin: boolean;
  /** Sessions that may work at once. */
  readonly sessions: number;
}

// ---------------------------------------------------------------- a device

export type Trust = 'simulated' | 'software' | 'hardware';

export interface DeviceDescription {
  readonly name: string;
  readonly adapter: string;
  readonly driver: string;
  readonly trust: Trust;
  /** Serial number: part of the plan's digest and of every locator. */
  readonly serial: string;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  /** Empty: a service that has no version. */
  readonly firmware: string;
  readonly capabilities: Capabilities;
}

export interface Capabilities {
  /** Wrapping mechanisms by keyferry's names that the device lists and keyferry can drive. */
  readonly wrap: readonly string[];
  readonly unwrap: readonly string[];
  readonly generate: readonly KeyType[];
  readonly fingerprints: readonly FingerprintMethod[];
  /** An object id must be unique on the device. */
  readonly uniqueIds: boolean;
  readonly sessions: number;
  /** Free places for keys, null where the device does not say. */
  readonly capacity: number | null;
  /** How an absence is believed: so many agreeing reads, so far apart. */
  readonly settle: { readonly reads: number; readonly intervalMs: number };
  /** Calls per second by the names that actions' `quotas` use; absent: no limit. Obeyed by the scheduler, shown in the estimate. */
  readonly rates: Readonly<Record<string, number>>;
}

/** A call of an action, arguments resolved. */
export interface ActionCall {
  readonly action: string;
  readonly args: Readonly<Record<string, unknown>>;
  /**
   * For create actions: what `expect` gave, journalled before the call. A marker in it is put on the object that is made.
   */
  readonly expectation?: Expectation;
  /** The plan's salt, where there is one: keys that share a name are told apart by fingerprint. */
  readonly salt?: Uint8Array;
}

export type Outputs = Readonly<Record<string, unknown>>;

export interface ActionResult {
  readonly outputs: Outputs;
  /**
   * What was read back and differs from what was asked. The action is applied all the same; the engine journals the outputs first
   * and then fails the item or stops the run.
   */
  readonly violations: readonly Violation[];
}

export interface Violation {
  readonly code:
    | 'attribute-mismatch'
    | 'wrapping-key-widened'
    | 'wrapping-key-not-local'
    | 'wrapping-key-swapped'
    | 'verification-failed';
  readonly message: string;
}

/**
 * What an intent records before a create, so that the object can be told apart after a crash. `marker`: a unique object id that the
 * playbook left free. `count`: how many objects of that name (and fingerprint, where known) existed before. Never handles.
 */
export type Expectation =
  | { readonly kind: 'marker'; readonly id: string }
  | { readonly kind: 'count'; readonly locator: Locator; readonly named: number; readonly same: number }
  /** Of what is no key, a user for one: how many of that name there were. */
  | { readonly kind: 'named'; readonly name: string; readonly count: number };

/** Before a create: what to expect, and the object that is already there with the same name and fingerprint, if any. */
export interface Forecast {
  readonly expectation: Expectation;
  readonly already: KeyRef | null;
}

export type Reconciliation =
  | { readonly state: 'absent' }
  | { readonly state: 'done'; readonly outputs: Outputs; readonly violations: readonly Violation[] }
  | { readonly state: 'ambiguous'; readonly reason: string };

/** What a preview found for one call. `duplicate`: the material is on the target already. */
export interface Finding {
  readonly level: 'skip' | 'block' | 'duplicate' | 'note';
  readonly reason: string;
}

export interface InventoryQuery {
  /** Only these classes; all when absent. */
  readonly classes?: readonly KeyClass[];
  /** Fingerprint every key with the first of these methods that it can do; absent: no fingerprints, no use of any key. */
  readonly fingerprint?: { readonly salt: Uint8Array; readonly methods: readonly FingerprintMethod[] };
  /** Compute KCVs (uses each key once). Default true. */
  readonly kcv?: boolean;
}

export interface FingerprintRequest {
  readonly key: KeyRef;
  readonly salt: Uint8Array;
  /** Tried in this order; the first the key can do is used. */
  readonly methods: readonly FingerprintMethod[];
}

/** `data` is 32 bytes for `encrypt` and a 16-byte session key for `wrap`. */
export type ChallengeKind = 'encrypt' | 'wrap';

/** Thrown-in placeholder of a preview for a value that exists only at run time (a wrapped key, a key yet to be made). */
export interface NotYet {
  readonly kind: 'not-yet';
  readonly type: ValueType;
}
export const notYet = (type: ValueType): NotYet => ({ kind: 'not-yet', type });
export function isNotYet(value: unknown): value is NotYet {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'not-yet';
}

export interface Device {
  describe(): Promise<DeviceDescription>;
  /** Every key object in batches. Enumerates anew each time and refreshes what locators resolve to. */
  inventory(query: InventoryQuery): AsyncIterable<readonly KeyRecord[]>;
  /** Reads only. One list of findings per call; arguments may be `NotYet`. */
  preview(
    action: string,
    calls: readonly Readonly<Record<string, unknown>>[],
    salt: Uint8Array | null,
  ): Promise<readonly (readonly Finding[])[]>;
  /** Before a create action. Reads only. `source` is the fingerprint of the key that is to arrive, where known, with its salt. */
  expect(
    call: ActionCall,
    source: { readonly fingerprint: Fingerprint; readonly salt: Uint8Array } | null,
  ): Promise<Forecast>;
  perform(call: ActionCall): Promise<ActionResult>;
  /** Settles an intent whose outcome is not known, by looking at the device anew. Reads only. */
  reconcile(
    call: ActionCall,
    source: { readonly fingerprint: Fingerprint; readonly salt: Uint8Array } | null,
  ): Promise<Reconciliation>;
  /** null: the key can do none of the methods. Rejects with `key-not-found` / `key-ambiguous`. */
  fingerprint(request: FingerprintRequest): Promise<Fingerprint | null>;
  /**
   * Cross challenge, for keys whose two copies have no fingerprint method in common: one side encrypts (or wraps) public random data,
   * the other undoes it. null: this key cannot do that.
   */
  challenge(request: {
    readonly key: KeyRef;
    readonly kind: ChallengeKind;
    readonly data: Uint8Array;
  }): Promise<Uint8Array | null>;
  answer(request: {
    readonly key: KeyRef;
    readonly kind: ChallengeKind;
    readonly challenge: Uint8Array;
    readonly data: Uint8Array;
  }): Promise<boolean | null>;
  /** The object as it is now. Rejects with `key-not-found` / `key-ambiguous`. */
  read(key: KeyRef, options?: { readonly kcv?: boolean }): Promise<KeyRecord>;
  /** SubjectPublicKeyInfo (DER) of a public key, or of a private key's public half. */
  publicKey(key: KeyRef): Promise<Uint8Array>;
  /** Only the simulated drivers have it: makes keys through the device's own functions. */
  fill?(request: FillRequest): Promise<number>;
  close(): Promise<void>;
}

export interface FillRequest {
  readonly count: number;
  readonly type: 'aes-128' | 'aes-192' | 'aes-256' | 'des3';
  readonly prefix: string;
  /** 0 to 1: this share of the keys is made with extractable=false. */
  readonly nonextractableShare: number;
}

/** A device that a playbook's role is bound to, open. */
export interface BoundDevice {
  readonly role: string;
  readonly settings: DeviceSettings;
  readonly description: DeviceDescription;
  readonly device: Device;
}
