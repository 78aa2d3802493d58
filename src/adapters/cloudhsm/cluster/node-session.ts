/**
 * A management session on one node: who may do what there (facts 1.2, 2.3, 2.4, 2.9). Refusals without a number are ones that no source
 * numbers; 0xc6 is known for deleting another's key and taken for every other touch of one.
 */
import { createHash } from 'node:crypto';
import { CKA } from '../../pkcs11/constants.ts';
import type { SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import { signStatement } from '../attest/sign-statement.ts';
import type { Attestation } from '../attest/statement.ts';
import {
  type ClientKind,
  type HsmKeyInfo,
  HsmRefusal,
  type HsmUser,
  type NodeSession,
  type QuorumService,
  type QuorumTokenView,
  type TokenApproval,
  type UserType,
} from './cluster.ts';
import { type ClusterCore, countCall, upNode } from './cluster-core.ts';
import { isPublic, ownerOf, sharedWith } from './cluster-keys.ts';
import { type ClusterRecord, type NodeRecord, nodeOf, type UserRecord } from './cluster-record.ts';
import { readKeyAttribute, writeKeyAttribute } from './key-attributes.ts';
import { addUser, checkNewUser, findUser, isLoggedIn, removeUser, userView } from './node-users.ts';
import { checkPassword, passwordHash } from './passwords.ts';
import {
  approveToken,
  keptTokens,
  requestToken,
  type Spending,
  setMValue,
  spendApproval,
  tokenView,
} from './quorum.ts';
import { checkedQuorumKey } from './quorum-keys.ts';
import { encodeTokenEntry } from './token-entry.ts';

export interface OpenSession {
  readonly id: string;
  readonly nodeId: number;
  readonly boot: number;
  readonly user: HsmUser;
  readonly client: ClientKind;
}

/** What a call works on: as it is, or a draft to change. */
interface Scene {
  readonly record: ClusterRecord;
  readonly node: NodeRecord;
  readonly me: UserRecord;
}

const OFFICERS: readonly UserType[] = ['CO', 'PCO'];

export class OpenNodeSession implements NodeSession {
  readonly #core: ClusterCore;
  readonly #open: OpenSession;
  #isOver = false;

  constructor(core: ClusterCore, open: OpenSession) {
    this.#core = core;
    this.#open = open;
  }

  /** As of the login, once the session is over. */
  get user(): HsmUser {
    const me = this.#isOver ? undefined : this.#me(this.#core.store.fresh());
    return me === undefined ? this.#open.user : userView(me);
  }

  logout(): void {
    this.#change(({ node }) => {
      node.sessions = node.sessions.filter(({ id }) => id !== this.#open.id);
      node.tokens = keptTokens(node, this.#core.clock());
    });
    this.#isOver = true;
  }

  createUser(type: 'CO' | 'CU', name: string, password: string): HsmUser {
    const hash = this.#hash(name, password);
    return this.#change(({ record, node, me }) => {
      demand(me, OFFICERS);
      checkNewUser(record, node, { type, name, password });
      spendApproval(node, this.#spending(me, 3));
      return userView(addUser(node, { type, name, password }, hash));
    });
  }

  deleteUser(type: 'CO' | 'CU', name: string): void {
    this.#change(({ record, node, me }) => {
      demand(me, OFFICERS);
      const user = findUser(node, type, name);
      if (user.id === me.id) throw new HsmRefusal('user-logged-in', null, 'a user cannot delete itself');
      if (user.type === 'CU' && this.#ownsKeys(record, node, user)) {
        throw new HsmRefusal('user-owns-keys', null, `${user.name} owns keys; delete them first`);
      }
      spendApproval(node, this.#spending(me, 3));
      removeUser(node, user);
    });
  }

  changePassword(type: UserType, name: string, password: string): void {
    checkPassword(password);
    const hash = this.#hash(name, password);
    this.#change(({ node, me }) => {
      const user = findUser(node, type, name);
      if (user.id !== me.id) {
        demand(me, OFFICERS);
        if (isLoggedIn(node, user)) throw new HsmRefusal('user-logged-in', null, `${user.name} is logged in`);
        spendApproval(node, this.#spending(me, 3));
      }
      user.passwordHash = hash;
      user.failures = 0;
      // The cluster is activated: the preliminary officer becomes the primary one.
      if (user.type === 'PRECO') user.type = 'PCO';
    });
  }

  findAllKeys(userId: number): { handle: number; isOwned: boolean }[] {
    return this.#look(({ record, node, me }) => {
      demand(me, [...OFFICERS, 'AU']);
      const found: { handle: number; isOwned: boolean }[] = [];
      for (const { handle, object } of this.#core.keys.onNode(record, node)) {
        const isOwned = ownerOf(object) === userId;
        if (isOwned || sharedWith(node, handle).includes(userId)) found.push({ handle, isOwned });
      }
      return found;
    });
  }

  keyHash(): string {
    return this.#look(({ record, node, me }) => {
      demand(me, [...OFFICERS, 'AU']);
      const hash = createHash('sha256');
      for (const { handle, object } of this.#core.keys.onNode(record, node)) {
        hash.update(`${handle}:${ownerOf(object)}:${[...sharedWith(node, handle)].sort((a, b) => a - b).join(',')};`);
      }
      return hash.digest('hex');
    });
  }

  keyInfo(handle: number): HsmKeyInfo {
    return this.#look((scene) => {
      const key = this.#usableKey(scene, handle);
      const owner = ownerOf(key) ?? 0;
      return { handle, owner, sharedWith: sharedWith(scene.node, handle), isSession: key.session !== 0, quorum: 0 };
    });
  }

  share(handle: number, userId: number, isShared: boolean): void {
    this.#change((scene) => {
      const { node, me } = scene;
      const key = this.#ownKey(scene, handle);
      if (isPublic(key)) throw new HsmRefusal('key-public', null, 'every crypto user may use a public key as it is');
      if (key.session !== 0) throw new HsmRefusal('key-of-session', null, 'a session key cannot be shared');
      const other = node.users.find(({ id, type }) => id === userId && type === 'CU');
      if (other === undefined) throw new HsmRefusal('no-such-user', 0xce, `there is no crypto user with id ${userId}`);
      if (other.id === me.id) throw new HsmRefusal('user-owns-key', null, 'the owner needs no share of its own key');
      const rest = sharedWith(node, handle).filter((id) => id !== userId);
      const next = isShared ? [...rest, userId] : rest;
      if (next.length > 0) node.sharing[handle] = next;
      else delete node.sharing[handle];
    });
  }

  getAttribute(handle: number, attribute: number): Uint8Array {
    return this.#look((scene) => readKeyAttribute(scene.node, this.#usableKey(scene, handle), attribute));
  }

  setAttribute(handle: number, attribute: number, value: Uint8Array): void {
    this.#change((scene) => {
      const { record, node, me } = scene;
      if (attribute === CKA.TRUSTED) demand(me, OFFICERS);
      const key = attribute === CKA.TRUSTED ? this.#core.keys.find(record, node, handle) : this.#ownKey(scene, handle);
      if (key.session !== 0) throw new HsmRefusal('key-of-session', null, 'a session key cannot be changed');
      writeKeyAttribute(node, key, attribute, value);
    });
  }

  async attest(handle: number, nonce: Uint8Array): Promise<Attestation> {
    const { identities, firmware } = this.#core;
    const identity = await identities.identity();
    return this.#look((scene) =>
      signStatement({ ...scene, identity, firmware, nonce, handle, key: this.#usableKey(scene, handle) }),
    );
  }

  setMValue(service: QuorumService, m: number): void {
    this.#change(({ node, me }) => {
      demand(me, OFFICERS);
      setMValue(node, m, { ...this.#spending(me, 4), target: service });
    });
  }

  requestToken(service: QuorumService): { view: QuorumTokenView; bytes: Uint8Array } {
    return this.#change(({ node, me }) => {
      demand(me, OFFICERS);
      const nowMs = this.#core.clock();
      const session = this.#open.client === 'sdk5' ? null : this.#open.id;
      const token = requestToken(node, { user: me, service, session, nowMs });
      return { view: tokenView(node, token, nowMs), bytes: encodeTokenEntry(token) };
    });
  }

  approveToken(signed: Uint8Array, approvals: readonly TokenApproval[]): void {
    this.#change(({ node, me }) => {
      demand(me, OFFICERS);
      approveToken(node, signed, approvals, this.#core.clock());
    });
  }

  deleteToken(id: number): void {
    this.#change(({ node, me }) => {
      demand(me, OFFICERS);
      const kept = keptTokens(node, this.#core.clock());
      if (!kept.some((token) => token.id === id)) {
        throw new HsmRefusal('token-unknown', null, `the HSM has no token ${id}`);
      }
      node.tokens = kept.filter((token) => token.id !== id);
    });
  }

  registerQuorumKey(name: string, proof: Uint8Array, signature: Uint8Array, publicKeyPem: string): void {
    const quorumKey = checkedQuorumKey(proof, signature, publicKeyPem);
    this.#change(({ node, me }) => {
      demand(me, OFFICERS);
      // Whoever could register for others could approve in their names.
      if (findUser(node, 'CO', name).id !== me.id) {
        throw new HsmRefusal('user-other', null, 'an officer registers its own key only');
      }
      me.quorumKey = quorumKey;
    });
  }

  #hash(name: string, password: string): string {
    return passwordHash(this.#core.store.read().id, name, password);
  }

  #spending(user: UserRecord, service: QuorumService): Spending {
    const { id, client } = this.#open;
    return { user, service, session: id, outlivesSession: client === 'sdk5', nowMs: this.#core.clock() };
  }

  #ownsKeys(record: ClusterRecord, node: NodeRecord, user: UserRecord): boolean {
    for (const { object } of this.#core.keys.onNode(record, node)) if (ownerOf(object) === user.id) return true;
    return false;
  }

  /** Own, shared or public. */
  #usableKey({ record, node, me }: Scene, handle: number): SimulatedObject {
    demand(me, ['CU']);
    const key = this.#core.keys.find(record, node, handle);
    if (ownerOf(key) === me.id || isPublic(key) || sharedWith(node, handle).includes(me.id)) return key;
    throw denied(handle);
  }

  #ownKey({ record, node, me }: Scene, handle: number): SimulatedObject {
    demand(me, ['CU']);
    const key = this.#core.keys.find(record, node, handle);
    if (ownerOf(key) === me.id) return key;
    throw denied(handle);
  }

  #look<T>(act: (scene: Scene) => T): T {
    countCall(this.#core, this.#open.nodeId);
    return act(this.#scene(this.#core.store.fresh()));
  }

  #change<T>(act: (scene: Scene) => T): T {
    countCall(this.#core, this.#open.nodeId);
    return this.#core.store.change((record) => act(this.#scene(record)));
  }

  #scene(record: ClusterRecord): Scene {
    const node = upNode(record, this.#open.nodeId);
    const me = this.#isOver ? undefined : this.#me(record);
    if (me === undefined) throw new HsmRefusal('session-closed', null, 'nobody is logged in to the HSM any more');
    return { record, node, me };
  }

  #me(record: ClusterRecord): UserRecord | undefined {
    const { id, nodeId, boot, user } = this.#open;
    const node = nodeOf(record, nodeId);
    const isOpen = node.boot === boot && node.sessions.some((session) => session.id === id);
    return isOpen ? node.users.find((each) => each.id === user.id) : undefined;
  }
}

function demand(me: UserRecord, types: readonly UserType[]): void {
  if (types.includes(me.type)) return;
  throw new HsmRefusal('wrong-user-type', null, `this is not for a user of type ${me.type}`);
}

const denied = (handle: number): HsmRefusal =>
  new HsmRefusal('access-denied', 0xc6, `the key ${handle} belongs to another user`);
