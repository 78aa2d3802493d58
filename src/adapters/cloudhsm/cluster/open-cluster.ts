/**
 * Opens a simulated CloudHSM cluster: several HSMs that share their keys and nothing else. Not for production keys: its state is in
 * clear. Left out: PKCS#11 logins as something that the HSMs list.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { CKR } from '../../pkcs11/constants.ts';
import { FLAG } from '../../pkcs11/simulator/attribute-table.ts';
import { HandleSpace } from '../../pkcs11/simulator/handle-space.ts';
import { Partition } from '../../pkcs11/simulator/partition.ts';
import type { Personality, TokenPersonality } from '../../pkcs11/simulator/personality.ts';
import { Refusal } from '../../pkcs11/simulator/refusal.ts';
import { createSimulatedModule, type SimulatedModule } from '../../pkcs11/simulator/simulated-module.ts';
import type { SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import { ObjectIndex, Slot } from '../../pkcs11/simulator/slot.ts';
import { seededRandom } from '../../simulation/seeded-random.ts';
import { prepareStateDir } from '../../simulation/state-folder.ts';
import { IdentityStore } from '../attest/identity-store.ts';
import { cloudhsmPersonality } from '../simulator/personality.ts';
import {
  type ClusterOptions,
  type Divergence,
  type HsmNode,
  HsmRefusal,
  type InsertedKey,
  type KeyGuard,
  type KeyUse,
  type MinimumServers,
  type ModuleOptions,
  type SimulatedCluster,
} from './cluster.ts';
import type { ClusterCore } from './cluster-core.ts';
import { ClusterKeys, copyOf, handleOf } from './cluster-keys.ts';
import { ClusterNode } from './cluster-node.ts';
import { bornCluster, nodeOf, takeDown } from './cluster-record.ts';
import { CLUSTER_FILE, ClusterStore } from './cluster-store.ts';
import { CryptoUserAuthority } from './crypto-user-authority.ts';
import { createOnAtLeast } from './minimum-servers.ts';
import { repairFrom } from './repair.ts';
import { findDivergences } from './sync-check.ts';

/** Session handles say whose they are: each module of the process counts from its own multiple. */
const SESSIONS_PER_MODULE = 2 ** 20;

interface View {
  readonly module: SimulatedModule;
  readonly slot: Slot;
  readonly authority: CryptoUserAuthority;
}

/** Throws KeyferryError `simulator-state`, `state-unsafe`, `state-unwritable`, `device-busy`; HsmRefusal `cluster-size`. */
export async function openCluster(options: ClusterOptions): Promise<SimulatedCluster> {
  return new Cluster(options);
}

class Cluster implements SimulatedCluster {
  readonly id: string;
  readonly serial: string;
  readonly nodes: readonly HsmNode[];
  readonly #core: ClusterCore;
  readonly #personality: Personality;
  readonly #token: TokenPersonality;
  readonly #partition: Partition;
  readonly #objects = new ObjectIndex(true);
  readonly #views = new Map<number, View>();
  readonly #checksAvailability: boolean;
  readonly #minimumNodes: number;
  readonly #random = seededRandom(randomBytes(4).readUInt32LE());
  #modules = 0;

  constructor(options: ClusterOptions) {
    const { stateDir } = options;
    if (stateDir !== null) prepareClusterDir(stateDir);
    const store = new ClusterStore(stateDir, () => bornCluster(options));
    const record = store.read();
    this.id = record.id;
    this.serial = record.serial;
    this.#personality = personalityOf(options, record);
    this.#token = this.#personality.tokens[0] ?? noToken();
    const onNewObject = this.#objects.add.bind(this.#objects);
    this.#partition = new Partition(this.#personality, this.#token, { stateDir, onNewObject });
    const clock = options.clock ?? Date.now;
    const identities = new IdentityStore(stateDir, () => ({
      cluster: record.id,
      nodes: record.nodes.map(({ id }) => id),
      nowMs: clock(),
    }));
    const { firmware } = this.#token;
    this.#core = { store, keys: new ClusterKeys(this.#partition), identities, firmware, challenges: new Map(), clock };
    this.nodes = record.nodes.map(({ id, address }, server) => new ClusterNode(this.#core, { id, server, address }));
    this.#checksAvailability = options.checksAvailability ?? true;
    this.#minimumNodes = options.createObjectMinimumNodes ?? 1;
  }

  syncCheck(): readonly Divergence[] {
    return findDivergences(this.#core);
  }

  repair(from: HsmNode): readonly Divergence[] {
    return repairFrom(this.#core, from.id);
  }

  fail(nodeId: number, calls = 0): void {
    this.#core.store.change((record) => {
      const node = nodeOf(record, nodeId);
      if (calls === 0) takeDown(node);
      else node.callsLeft = calls;
    });
  }

  restore(nodeId: number): void {
    this.#core.store.change((record) => {
      const node = nodeOf(record, nodeId);
      node.isUp = true;
      node.callsLeft = null;
    });
  }

  loseTombstone(nodeId: number): void {
    this.#core.store.change((record) => {
      nodeOf(record, nodeId).losesNextTombstone = true;
    });
  }

  attestationRoot(): Promise<string> {
    return this.#core.identities.root();
  }

  module(options: ModuleOptions = {}): SimulatedModule {
    const { client = 'sdk5', faults, cryptoWorkers = 0 } = options;
    const checksAvailability = this.#checksAvailability && client === 'sdk5';
    const authority = new CryptoUserAuthority(this.#core, { checksAvailability, minimumNodes: this.#minimumNodes });
    const slot = new Slot({
      token: this.#token,
      partitions: [this.#partition],
      objects: this.#objects,
      handles: new HandleSpace(this.#random),
      authority,
    });
    this.#modules += 1;
    const number = this.#modules;
    const close = (): void => {
      this.#core.keys.detach(slot);
      this.#views.delete(number);
    };
    const module = createSimulatedModule({
      stateDir: null,
      personality: this.#personality,
      tokens: { slots: new Map([[this.#token.slot, slot]]), close },
      firstSession: number * SESSIONS_PER_MODULE + 1,
      cryptoWorkers,
      ...(faults === undefined ? {} : { faults }),
    });
    this.#core.keys.attach(slot);
    this.#views.set(number, { module, slot, authority });
    return module;
  }

  keyHandle(session: bigint, object: bigint): number {
    return handleOf(resolved(this.#viewOf(session).slot, object));
  }

  objectHandle(session: bigint, handle: number): bigint {
    const { slot } = this.#viewOf(session);
    const record = this.#core.store.fresh();
    for (const node of record.nodes.filter(({ isUp }) => isUp)) {
      const object = unlessRefused(() => this.#core.keys.find(record, node, handle));
      if (object !== undefined && slot.isVisible(object)) return slot.handleOf(object);
    }
    throw new HsmRefusal('no-such-key', 0xa8, `there is no key with handle ${handle} that this user can see`);
  }

  createOnAtLeast<T>(session: bigint, rule: MinimumServers, make: () => Promise<T>): Promise<T> {
    return createOnAtLeast(this.#core, this.#viewOf(session).authority, rule, make);
  }

  createGuarded<T>(session: bigint, guard: KeyGuard, make: () => Promise<T>): Promise<T> {
    return this.#viewOf(session).authority.guarded(guard, make);
  }

  withApproval<T>(session: bigint, uses: readonly KeyUse[], use: () => Promise<T>): Promise<T> {
    return this.#viewOf(session).authority.approved(uses, use);
  }

  insertMasked(session: bigint, masked: Uint8Array): InsertedKey {
    return this.#viewOf(session).authority.insert(masked);
  }

  promote(session: bigint, object: bigint): void {
    const { slot } = this.#viewOf(session);
    const found = resolved(slot, object);
    if (found.session === 0) return;
    slot.promote(copyOf(found, { flags: found.flags | FLAG.TOKEN, session: 0 }));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#views.values()].map(({ module }) => module.close()));
    this.#partition.close();
  }

  #viewOf(session: bigint): View {
    const view = this.#views.get(Math.floor(Number(session) / SESSIONS_PER_MODULE));
    if (view === undefined) throw new HsmRefusal('session-closed', null, 'the session is of no open module');
    return view;
  }
}

function resolved(slot: Slot, object: bigint): SimulatedObject {
  try {
    return slot.resolve(object, CKR.OBJECT_HANDLE_INVALID);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new HsmRefusal('no-such-key', 0xa8, 'the object handle names no key that this user can see');
  }
}

function unlessRefused<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof HsmRefusal) return undefined;
    throw error;
  }
}

function personalityOf(
  options: ClusterOptions,
  record: { readonly serial: string; readonly hsmType: ClusterOptions['hsmType'] },
): Personality {
  return cloudhsmPersonality({
    label: options.label,
    serial: record.serial,
    pin: undefined,
    defects: options.defects ?? {},
    hsmType: record.hsmType,
  });
}

function noToken(): never {
  throw new Error('the personality of a cluster has no token');
}

/** A folder of a single simulated HSM holds keys without owners: they would be lost to sight. */
function prepareClusterDir(stateDir: string): void {
  prepareStateDir(stateDir);
  if (!existsSync(join(stateDir, CLUSTER_FILE)) && existsSync(join(stateDir, 'serial'))) {
    throw new KeyferryError('simulator-state', `${stateDir} holds a single simulated HSM, not a cluster`, {
      hint: 'Name another folder for the cluster.',
    });
  }
}
