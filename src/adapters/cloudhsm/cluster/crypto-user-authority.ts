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
import { HsmRefusal } from './cluster.ts';
import type { ClusterCore } from './cluster-core.ts';
import {
  bootOf,
  copyOf,
  creatingNode,
  handleOf,
  isOnNode,
  isPublic,
  onNode,
  ownerOf,
  sharedWith,
  stampKey,
} from './cluster-keys.ts';
import { type ClusterRecord, type NodeRecord, nodeOf } from './cluster-record.ts';
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
  #login: { readonly name: string; readonly hash: string } | null = null;
  #serving: Serving | null = null;
  #made: SimulatedObject[] | null = null;

  constructor(core: ClusterCore, options: { readonly checksAvailability: boolean }) {
    this.#core = core;
    this.#checksAvailability = options.checksAvailability;
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
    const outcome = this.#core.store.change((record) => tryLogin(firstUp(record), 'CU', name, hash));
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
    this.#core.store.change((record) => {
      const node = firstUp(record);
      for (const object of objects) stampKey(object, owner, node);
    });
    this.#made?.push(...objects);
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
