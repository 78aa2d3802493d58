/**
 * The cluster as a crypto user's PKCS#11 library meets it: PIN `user:password`, own, shared and public keys, the first HSM that answers.
 * A shared key may be used in every operation, never taken out, destroyed or changed. Return values that no source gives are the
 * standard's nearest. Left out: spreading of calls over the HSMs, so that what one of them says differently shows only when it serves.
 */
import { CKF, CKR } from '../../pkcs11/constants.ts';
import { FLAG } from '../../pkcs11/simulator/attribute-table.ts';
import type { Act, Authority } from '../../pkcs11/simulator/authority.ts';
import type { Role } from '../../pkcs11/simulator/record-codec.ts';
import { refuse } from '../../pkcs11/simulator/refusal.ts';
import type { SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import { HsmRefusal, type InsertedKey, type KeyGuard, type KeyUse } from './cluster.ts';
import type { ClusterCore } from './cluster-core.ts';
import {
  bootOf,
  copyOf,
  creatingNode,
  handleOf,
  isGuarded,
  isOnNode,
  isPublic,
  onNode,
  ownerOf,
  sharedWith,
  stampKey,
  stampQuorum,
} from './cluster-keys.ts';
import { type ClusterRecord, type NodeRecord, nodeOf } from './cluster-record.ts';
import { checkGuard, spendKeyApproval } from './key-quorum.ts';
import { maskingKey, stillThere, unmaskKey } from './masked-object.ts';
import { tryLogin } from './node-users.ts';
import { passwordHash } from './passwords.ts';

/** SDK 5: "the key must be available on at least 2 HSMs before being used". */
const COPIES_NEEDED = 2;

interface Serving {
  readonly record: ClusterRecord;
  readonly node: NodeRecord;
  /** null: that HSM does not know the user by that password. */
  readonly userId: number | null;
}

export class CryptoUserAuthority implements Authority {
  readonly #core: ClusterCore;
  readonly #checksAvailability: boolean;
  /** HSMs that must answer for a key to be created. */
  readonly minimumNodes: number;
  #guard: KeyGuard | null = null;
  /** Handles of keys whose approvals were spent for what is being done. */
  #approved: ReadonlySet<number> = new Set();
  #login: { readonly name: string; readonly hash: string } | null = null;
  #serving: Serving | null = null;
  #made: SimulatedObject[] | null = null;

  constructor(core: ClusterCore, options: { readonly checksAvailability: boolean; readonly minimumNodes: number }) {
    this.#core = core;
    this.#checksAvailability = options.checksAvailability;
    this.minimumNodes = options.minimumNodes;
  }

  tokenFlags(): number {
    if (!this.#core.store.fresh().nodes.some(({ isUp }) => isUp)) refuse(CKR.TOKEN_NOT_PRESENT);
    return CKF.USER_PIN_INITIALIZED;
  }

  login(role: Role, pin: string): void {
    if (role !== 'user') refuse(CKR.USER_TYPE_INVALID);
    const colon = pin.indexOf(':');
    if (colon < 1) refuse(CKR.PIN_INCORRECT);
    const name = pin.slice(0, colon);
    const hash = passwordHash(this.#core.store.read().id, name, pin.slice(colon + 1));
    const outcome = this.#core.store.change((record) => tryLogin(firstUp(record), { type: 'CU', name, hash }));
    if (outcome instanceof HsmRefusal) refuse(outcome.name === 'user-locked' ? CKR.PIN_LOCKED : CKR.PIN_INCORRECT);
    this.#login = { name: name.toLowerCase(), hash };
    this.#serving = null;
  }

  isVisible(object: SimulatedObject): boolean {
    const owner = ownerOf(object);
    if (owner === null) return true;
    const { record, node, userId } = this.#now();
    const handle = handleOf(object);
    if (object.session !== 0) return owner === userId && this.#livesIn(record, object);
    if (!isOnNode(record, node, handle)) return false;
    return owner === userId || isPublic(object) || (userId !== null && sharedWith(node, handle).includes(userId));
  }

  view(object: SimulatedObject): SimulatedObject {
    const { node, userId } = this.#now();
    const viewed = onNode(node, object);
    // Nobody reads the bytes of a key that is only shared with them.
    return ownerOf(object) === userId || isPublic(object)
      ? viewed
      : copyOf(viewed, { flags: viewed.flags | FLAG.SENSITIVE });
  }

  permit(object: SimulatedObject, act: Act): void {
    const { record, userId } = this.#now();
    const isOwn = ownerOf(object) === userId;
    // Which return value the vendor gives is not known. Deleting a key wants no approval.
    if (act !== 'destroy' && isGuarded(object) && !this.#approved.has(handleOf(object))) {
      refuse(CKR.KEY_FUNCTION_NOT_PERMITTED);
    }
    if (act === 'wrap-out' && !isOwn) refuse(CKR.KEY_NOT_WRAPPABLE);
    if ((act === 'destroy' || act === 'change') && !isOwn) refuse(CKR.ACTION_PROHIBITED);
    if ((act === 'use' || act === 'wrap-out') && this.#checksAvailability && object.session === 0) {
      const handle = handleOf(object);
      const copies = record.nodes.filter((node) => node.isUp && isOnNode(record, node, handle)).length;
      // Not KEY_FUNCTION_NOT_PERMITTED: it says nothing of the key and passes when the other HSMs are back.
      if (copies < COPIES_NEEDED) refuse(CKR.FUNCTION_FAILED);
    }
  }

  stamp(objects: readonly SimulatedObject[]): void {
    const owner = this.#now().userId ?? refuse(CKR.USER_NOT_LOGGED_IN);
    const guard = this.#guard;
    const guarded = guard === null ? [] : objects.filter((object) => !isPublic(object));
    if (guarded.some((object) => object.session !== 0)) refuse(CKR.TEMPLATE_INCONSISTENT);
    this.#core.store.change((record) => {
      const node = firstUp(record);
      const up = record.nodes.filter(({ isUp }) => isUp);
      // Who waits for more HSMs to come back does so afterwards.
      if (this.#made === null && up.length < this.minimumNodes) refuse(CKR.FUNCTION_FAILED);
      for (const object of objects) stampKey(object, owner, node);
      for (const object of guarded) {
        if (guard !== null && guard.quorum.use > 0) stampQuorum(object, guard.quorum);
        const users = [...new Set(guard?.users)];
        if (users.length > 0) for (const each of up) each.sharing[handleOf(object)] = [...users];
      }
    });
    this.#made?.push(...objects);
  }

  /** See `createGuarded` of the cluster. */
  async guarded<T>(guard: KeyGuard, make: () => Promise<T>): Promise<T> {
    const { record, userId } = this.#now();
    if (userId === null) throw new HsmRefusal('session-closed', null, 'nobody is logged in');
    checkGuard(
      record.nodes.filter(({ isUp }) => isUp),
      userId,
      guard,
    );
    this.#guard = guard;
    try {
      return await make();
    } finally {
      this.#guard = null;
    }
  }

  /** See `withApproval` of the cluster. */
  async approved<T>(uses: readonly KeyUse[], use: () => Promise<T>): Promise<T> {
    const name = this.#login?.name;
    const guarded = new Set<number>();
    this.#core.store.change((record) => {
      for (const node of record.nodes.filter(({ isUp }) => isUp)) {
        const user = node.users.find((each) => each.type === 'CU' && each.name.toLowerCase() === name);
        if (user === undefined) throw new HsmRefusal('session-closed', null, 'nobody is logged in');
        for (const { handle, service } of uses) {
          const key = keyUnlessAbsent(() => this.#core.keys.find(record, node, handle));
          if (key === null || !isGuarded(key)) continue;
          guarded.add(handle);
          spendKeyApproval(node, key, { user, service, nowMs: this.#core.clock() });
        }
      }
    });
    this.#approved = guarded;
    try {
      return await use();
    } finally {
      this.#approved = new Set();
    }
  }

  /** See `insertMasked` of the cluster. */
  insert(masked: Uint8Array): InsertedKey {
    const { record, userId } = this.#now();
    if (userId === null) throw new HsmRefusal('session-closed', null, 'nobody is logged in');
    const wrapping = record.maskingKey === undefined ? null : maskingKey(record);
    const { key, owner, sharers } = unmaskKey(wrapping, masked);
    this.#core.keys.checkRoom(key);
    const lost = this.#core.store.change((draft) => {
      if (!stillThere(draft, owner)) {
        throw new HsmRefusal('no-such-user', 0xce, `its owner ${owner.name} (${owner.id}) is no crypto user here`);
      }
      const up = draft.nodes.filter(({ isUp }) => isUp);
      if (this.#made === null && up.length < this.minimumNodes) refuse(CKR.FUNCTION_FAILED);
      stampKey(key, owner.id, firstUp(draft));
      const present = sharers.filter((each) => stillThere(draft, each));
      if (present.length > 0) for (const each of up) each.sharing[handleOf(key)] = present.map(({ id }) => id);
      return sharers.filter((each) => !present.includes(each));
    });
    this.#core.keys.put(key);
    this.#made?.push(key);
    return { handle: handleOf(key), lostSharers: lost.map(({ name }) => name) };
  }

  removed(object: SimulatedObject): void {
    forgetKey(this.#core, handleOf(object));
  }

  /** The objects that are made while `make` runs. */
  async collect<T>(make: () => Promise<T>): Promise<{ readonly result: T; readonly made: readonly SimulatedObject[] }> {
    const made: SimulatedObject[] = [];
    this.#made = made;
    try {
      return { result: await make(), made };
    } finally {
      this.#made = null;
    }
  }

  #livesIn(record: ClusterRecord, object: SimulatedObject): boolean {
    const node = nodeOf(record, creatingNode(handleOf(object)));
    return node.isUp && node.boot === bootOf(object);
  }

  /** Worked out anew when anything in the cluster has changed. CKR_DEVICE_REMOVED when no HSM answers. */
  #now(): Serving {
    const record = this.#core.store.read();
    if (this.#serving?.record === record) return this.#serving;
    const node = firstUp(record);
    const login = this.#login;
    const user = node.users.find(({ name, type }) => type === 'CU' && name.toLowerCase() === login?.name);
    const userId = user !== undefined && user.passwordHash === login?.hash ? user.id : null;
    this.#serving = { record, node, userId };
    return this.#serving;
  }
}

/** An HSM that has not the key has no token for it either. What nobody has shows when it is used. */
function keyUnlessAbsent(find: () => SimulatedObject): SimulatedObject | null {
  try {
    return find();
  } catch (error) {
    if (error instanceof HsmRefusal) return null;
    throw error;
  }
}

const firstUp = (record: ClusterRecord): NodeRecord =>
  record.nodes.find(({ isUp }) => isUp) ?? refuse(CKR.DEVICE_REMOVED);

/** What nodes say about a key that is gone. */
export function forgetKey(core: ClusterCore, handle: number): void {
  const isNamed = (record: ClusterRecord): boolean =>
    record.presence[handle] !== undefined ||
    record.nodes.some((node) => node.sharing[handle] !== undefined || node.attributes[handle] !== undefined);
  if (!isNamed(core.store.fresh())) return;
  core.store.change((record) => {
    delete record.presence[handle];
    for (const node of record.nodes) {
      delete node.sharing[handle];
      delete node.attributes[handle];
    }
  });
}
