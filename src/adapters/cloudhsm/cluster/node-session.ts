/**
 * A management session on one node: who may do what there (facts 1.2, 2.3, 2.4, 2.9). Refusals without a number are ones that no source
 * numbers; 0xc6 is known for deleting another's key and taken for every other touch of one.
 */
import { CKA } from '../../pkcs11/constants.ts';
import { signStatement } from '../attest/sign-statement.ts';
import type { Attestation } from '../attest/statement.ts';
import {
  type HsmKeyInfo,
  HsmRefusal,
  type HsmUser,
  type KeyService,
  type NodeSession,
  type QuorumService,
  type QuorumTokenView,
  type SecondFactor,
  type TokenApproval,
  type UserType,
} from './cluster.ts';
import { type ClusterCore, upNode } from './cluster-core.ts';
import { isPublic, ownerOf, quorumOf, sharedWith } from './cluster-keys.ts';
import type { ClusterRecord, NodeRecord, UserRecord } from './cluster-record.ts';
import { readKeyAttribute, writeKeyAttribute } from './key-attributes.ts';
import { keysOfUser, type ListedKey, ownershipHash } from './key-listing.ts';
import { approvalsFor, type KeySpending, keyApprover, spendKeyApproval } from './key-quorum.ts';
import { copyKey, copyUser } from './manual-sync.ts';
import { maskFrom } from './masked-object.ts';
import { demand, NodeAccess, OFFICERS, type OpenSession } from './node-access.ts';
import { addUser, checkNewUser, findUser, isLoggedIn, removeUser, userView } from './node-users.ts';
import { checkPassword, passwordHash } from './passwords.ts';
import {
  addToken,
  approveToken,
  keptTokens,
  requestToken,
  type Spending,
  setMValue,
  spendApproval,
  tokenView,
} from './quorum.ts';
import { checkedQuorumKey } from './quorum-keys.ts';
import { checkedSecondFactor } from './second-factor.ts';
import { encodeTokenEntry } from './token-entry.ts';

export class OpenNodeSession implements NodeSession {
  readonly #access: NodeAccess;

  constructor(core: ClusterCore, open: OpenSession) {
    this.#access = new NodeAccess(core, open);
  }

  get #core(): ClusterCore {
    return this.#access.core;
  }

  get user(): HsmUser {
    return this.#access.user;
  }

  logout(): void {
    this.#access.change(({ node }) => {
      node.sessions = node.sessions.filter(({ id }) => id !== this.#access.open.id);
      node.tokens = keptTokens(node, this.#core.clock());
    });
    this.#access.end();
  }

  createUser(type: 'CO' | 'CU', name: string, password: string, second?: SecondFactor): HsmUser {
    const hash = this.#hash(name, password);
    return this.#access.change(({ record, node, me }) => {
      demand(me, OFFICERS);
      checkNewUser(record, node, { type, name, password });
      const secondFactor = checkedSecondFactor(this.#core, node, type, second);
      spendApproval(node, this.#spending(me, 3));
      const user = addUser(node, { type, name, password }, hash);
      user.secondFactor = secondFactor;
      return userView(user);
    });
  }

  deleteUser(type: 'CO' | 'CU', name: string): void {
    this.#access.change(({ record, node, me }) => {
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

  changePassword(type: UserType, name: string, password: string, second?: SecondFactor): void {
    checkPassword(password);
    const hash = this.#hash(name, password);
    this.#access.change(({ node, me }) => {
      const user = findUser(node, type, name);
      const secondFactor = checkedSecondFactor(this.#core, node, type, second);
      if (user.id !== me.id) {
        demand(me, OFFICERS);
        if (isLoggedIn(node, user)) throw new HsmRefusal('user-logged-in', null, `${user.name} is logged in`);
        spendApproval(node, this.#spending(me, 3));
      }
      user.secondFactor = secondFactor;
      user.passwordHash = hash;
      user.failures = 0;
      // The cluster is activated: the preliminary officer becomes the primary one.
      if (user.type === 'PRECO') user.type = 'PCO';
    });
  }

  syncKey(handle: number, toNode: number): void {
    this.#access.change((scene) => {
      const { record, node, me } = scene;
      demand(me, [...OFFICERS, 'CU']);
      const key = me.type === 'CU' ? this.#access.ownKey(scene, handle) : this.#core.keys.find(record, node, handle);
      copyKey(record, { from: node, to: upNode(record, toNode) }, me, key);
    });
  }

  syncUser(userId: number, toNode: number): void {
    this.#access.change(({ record, node, me }) => {
      demand(me, OFFICERS);
      copyUser({ from: node, to: upNode(record, toNode) }, me, userId);
    });
  }

  findAllKeys(userId: number): readonly ListedKey[] {
    return this.#access.look(({ record, node, me }) => {
      demand(me, [...OFFICERS, 'AU']);
      return keysOfUser(this.#core.keys, record, node, userId);
    });
  }

  keyHash(): string {
    return this.#access.look(({ record, node, me }) => {
      demand(me, [...OFFICERS, 'AU']);
      return ownershipHash(this.#core.keys, record, node);
    });
  }

  keyInfo(handle: number): HsmKeyInfo {
    return this.#access.look((scene) => {
      const key = this.#access.usableKey(scene, handle);
      const owner = ownerOf(key) ?? 0;
      const quorums = quorumOf(key);
      return {
        handle,
        owner,
        sharedWith: sharedWith(scene.node, handle),
        isSession: key.session !== 0,
        quorum: Math.max(quorums.manage, quorums.use),
        quorums,
      };
    });
  }

  share(handle: number, userId: number, isShared: boolean): void {
    this.#access.change((scene) => {
      const { node, me } = scene;
      const key = this.#access.ownKey(scene, handle);
      if (isPublic(key)) throw new HsmRefusal('key-public', null, 'every crypto user may use a public key as it is');
      if (key.session !== 0) throw new HsmRefusal('key-of-session', null, 'a session key cannot be shared');
      const other = node.users.find(({ id, type }) => id === userId && type === 'CU');
      if (other === undefined) throw new HsmRefusal('no-such-user', 0xce, `there is no crypto user with id ${userId}`);
      if (other.id === me.id) throw new HsmRefusal('user-owns-key', null, 'the owner needs no share of its own key');
      spendKeyApproval(node, key, this.#keySpending(me));
      const rest = sharedWith(node, handle).filter((id) => id !== userId);
      const next = isShared ? [...rest, userId] : rest;
      if (next.length > 0) node.sharing[handle] = next;
      else delete node.sharing[handle];
    });
  }

  getAttribute(handle: number, attribute: number): Uint8Array {
    return this.#access.look((scene) => readKeyAttribute(scene.node, this.#access.usableKey(scene, handle), attribute));
  }

  setAttribute(handle: number, attribute: number, value: Uint8Array): void {
    this.#access.change((scene) => {
      const { record, node, me } = scene;
      if (attribute === CKA.TRUSTED) demand(me, OFFICERS);
      const key =
        attribute === CKA.TRUSTED ? this.#core.keys.find(record, node, handle) : this.#access.ownKey(scene, handle);
      if (key.session !== 0) throw new HsmRefusal('key-of-session', null, 'a session key cannot be changed');
      // What an officer sets is the officer's to say.
      if (attribute !== CKA.TRUSTED) spendKeyApproval(node, key, this.#keySpending(me));
      writeKeyAttribute(node, key, attribute, value);
    });
  }

  extractMasked(handle: number): Uint8Array {
    return this.#access.change((scene) => maskFrom(scene.record, scene.node, this.#access.managedKey(scene, handle)));
  }

  async attest(handle: number, nonce: Uint8Array): Promise<Attestation> {
    const { identities, firmware } = this.#core;
    const identity = await identities.identity();
    return this.#access.look((scene) =>
      signStatement({ ...scene, identity, firmware, nonce, handle, key: this.#access.usableKey(scene, handle) }),
    );
  }

  setMValue(service: QuorumService, m: number): void {
    this.#access.change(({ node, me }) => {
      demand(me, OFFICERS);
      setMValue(node, m, { ...this.#spending(me, 4), target: service });
    });
  }

  requestToken(service: QuorumService): { view: QuorumTokenView; bytes: Uint8Array } {
    return this.#access.change(({ node, me }) => {
      demand(me, OFFICERS);
      const nowMs = this.#core.clock();
      const session = this.#access.open.client === 'sdk5' ? null : this.#access.open.id;
      const token = requestToken(node, { user: me, service, session, nowMs });
      return { view: tokenView(node, token, nowMs), bytes: encodeTokenEntry(token) };
    });
  }

  requestKeyToken(service: KeyService, handle: number): { view: QuorumTokenView; bytes: Uint8Array } {
    return this.#access.change((scene) => {
      const { node, me } = scene;
      const required = approvalsFor(this.#access.usableKey(scene, handle), service);
      const nowMs = this.#core.clock();
      const session = this.#access.open.client === 'sdk5' ? null : this.#access.open.id;
      const token = addToken(node, { user: me, service, session, nowMs, required, keyHandle: handle });
      return { view: tokenView(node, token, nowMs), bytes: encodeTokenEntry(token) };
    });
  }

  approveToken(signed: Uint8Array, approvals: readonly TokenApproval[]): void {
    this.#access.change(({ record, node, me }) => {
      demand(me, [...OFFICERS, 'CU']);
      approveToken(node, signed, approvals, {
        nowMs: this.#core.clock(),
        requester: me,
        approverOf: ({ keyHandle }, approval) =>
          keyHandle === undefined
            ? undefined
            : keyApprover(node, this.#core.keys.find(record, node, keyHandle), approval),
      });
    });
  }

  deleteToken(id: number): void {
    this.#access.change(({ node, me }) => {
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
    this.#access.change(({ node, me }) => {
      demand(me, [...OFFICERS, 'CU']);
      // Whoever could register for others could approve in their names.
      if (findUser(node, me.type === 'CU' ? 'CU' : 'CO', name).id !== me.id) {
        throw new HsmRefusal('user-other', null, 'a user registers its own key only');
      }
      me.quorumKey = quorumKey;
    });
  }

  #hash(name: string, password: string): string {
    return passwordHash(this.#core.store.read().id, name, password);
  }

  #spending(user: UserRecord, service: QuorumService): Spending {
    const { id, client } = this.#access.open;
    return { user, service, session: id, outlivesSession: client === 'sdk5', nowMs: this.#core.clock() };
  }

  #keySpending(user: UserRecord): KeySpending {
    return { user, service: 'key-management', nowMs: this.#core.clock() };
  }

  #ownsKeys(record: ClusterRecord, node: NodeRecord, user: UserRecord): boolean {
    for (const { object } of this.#core.keys.onNode(record, node)) if (ownerOf(object) === user.id) return true;
    return false;
  }
}
