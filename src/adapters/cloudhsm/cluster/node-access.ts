/** What a management session works on: who is logged in, on which node, and which keys that user may touch. */
import type { SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import { type ClientKind, HsmRefusal, type HsmUser, type UserType } from './cluster.ts';
import { type ClusterCore, countCall, upNode } from './cluster-core.ts';
import { isPublic, ownerOf, sharedWith } from './cluster-keys.ts';
import { type ClusterRecord, type NodeRecord, nodeOf, type UserRecord } from './cluster-record.ts';
import { userView } from './node-users.ts';

export interface OpenSession {
  readonly id: string;
  readonly nodeId: number;
  readonly boot: number;
  readonly user: HsmUser;
  readonly client: ClientKind;
}

/** As it is, or a draft to change. */
export interface Scene {
  readonly record: ClusterRecord;
  readonly node: NodeRecord;
  readonly me: UserRecord;
}

export const OFFICERS: readonly UserType[] = ['CO', 'PCO'];

export class NodeAccess {
  readonly core: ClusterCore;
  readonly open: OpenSession;
  #isOver = false;

  constructor(core: ClusterCore, open: OpenSession) {
    this.core = core;
    this.open = open;
  }

  /** As of the login, once the session is over. */
  get user(): HsmUser {
    const me = this.#isOver ? undefined : this.#me(this.core.store.fresh());
    return me === undefined ? this.open.user : userView(me);
  }

  end(): void {
    this.#isOver = true;
  }

  look<T>(act: (scene: Scene) => T): T {
    countCall(this.core, this.open.nodeId);
    return act(this.#scene(this.core.store.fresh()));
  }

  change<T>(act: (scene: Scene) => T): T {
    countCall(this.core, this.open.nodeId);
    return this.core.store.change((record) => act(this.#scene(record)));
  }

  /** Own, shared or public. */
  usableKey({ record, node, me }: Scene, handle: number): SimulatedObject {
    demand(me, ['CU']);
    const key = this.core.keys.find(record, node, handle);
    if (ownerOf(key) === me.id || isPublic(key) || sharedWith(node, handle).includes(me.id)) return key;
    throw denied(handle);
  }

  ownKey({ record, node, me }: Scene, handle: number): SimulatedObject {
    demand(me, ['CU']);
    const key = this.core.keys.find(record, node, handle);
    if (ownerOf(key) === me.id) return key;
    throw denied(handle);
  }

  /** A crypto user's own; to an officer any. */
  managedKey(scene: Scene, handle: number): SimulatedObject {
    if (scene.me.type === 'CU') return this.ownKey(scene, handle);
    demand(scene.me, OFFICERS);
    return this.core.keys.find(scene.record, scene.node, handle);
  }

  #scene(record: ClusterRecord): Scene {
    const node = upNode(record, this.open.nodeId);
    const me = this.#isOver ? undefined : this.#me(record);
    if (me === undefined) throw new HsmRefusal('session-closed', null, 'nobody is logged in to the HSM any more');
    return { record, node, me };
  }

  #me(record: ClusterRecord): UserRecord | undefined {
    const { id, nodeId, boot, user } = this.open;
    const node = nodeOf(record, nodeId);
    const isOpen = node.boot === boot && node.sessions.some((session) => session.id === id);
    return isOpen ? node.users.find((each) => each.id === user.id) : undefined;
  }
}

export function demand(me: UserRecord, types: readonly UserType[]): void {
  if (types.includes(me.type)) return;
  throw new HsmRefusal('wrong-user-type', null, `this is not for a user of type ${me.type}`);
}

const denied = (handle: number): HsmRefusal =>
  new HsmRefusal('access-denied', 0xc6, `the key ${handle} belongs to another user`);
