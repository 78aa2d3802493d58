/**
 * A slot: one partition, or an HA group over several. It knows who is logged in, which objects are seen, and under which handles. The
 * handles of an HA slot are its own; an object made through it goes to every member, and an object of any member is seen.
 */

import { CKA, CKR } from '../constants.ts';
import type { Attribute, Handle } from '../cryptoki.ts';
import { FLAG } from './attribute-table.ts';
import { readUlong, sameBytes } from './attribute-values.ts';
import type { Act, Authority } from './authority.ts';
import type { HandleSpace } from './handle-space.ts';
import type { Partition } from './partition.ts';
import type { TokenPersonality } from './personality.ts';
import type { Role } from './record-codec.ts';
import { refuse } from './refusal.ts';
import { has, readAttribute, type SimulatedObject } from './simulated-object.ts';

/** Place of every object of this process: index → uid. Shared by all slots, so that members of a group agree. */
export class ObjectIndex {
  readonly uids: number[] = [];
  readonly #indexes = new Map<number, number>();
  /** Several partitions may hold one uid: only then must the place be looked up. */
  readonly #isShared: boolean;

  constructor(isShared: boolean) {
    this.#isShared = isShared;
  }

  add(object: SimulatedObject): void {
    const known = this.#isShared ? this.#indexes.get(object.uid) : undefined;
    object.index = known ?? this.uids.length;
    if (known !== undefined) return;
    this.uids.push(object.uid);
    if (this.#isShared) this.#indexes.set(object.uid, object.index);
  }
}

export interface SlotParts {
  readonly token: TokenPersonality;
  readonly partitions: readonly Partition[];
  readonly objects: ObjectIndex;
  readonly handles: HandleSpace;
  /** Absent: the token's one user may do everything. */
  readonly authority?: Authority;
}

export class Slot {
  readonly token: TokenPersonality;
  readonly partitions: readonly Partition[];
  readonly authority: Authority | null;
  login: Role | null = null;
  readonly #objects: ObjectIndex;
  readonly #handles: HandleSpace;
  readonly #sessionObjects = new Map<number, SimulatedObject>();

  constructor(parts: SlotParts) {
    this.token = parts.token;
    this.partitions = parts.partitions;
    this.authority = parts.authority ?? null;
    this.#objects = parts.objects;
    this.#handles = parts.handles;
  }

  refresh(): void {
    for (const partition of this.partitions) partition.refresh();
  }

  handleOf(object: SimulatedObject): Handle {
    return BigInt(this.#handles.handleOf(object.index));
  }

  /** Private objects are seen only while the user is logged in; the SO sees public ones only (pkcs11-base §2.4). */
  isVisible(object: SimulatedObject): boolean {
    if (has(object, FLAG.PRIVATE) && this.login !== 'user') return false;
    return this.authority === null || this.authority.isVisible(object);
  }

  /** Refuses what the user may not do with an object that they see. */
  permit(object: SimulatedObject, act: Act): void {
    this.authority?.permit(object, act);
  }

  /** Refuses with `invalid` for a handle that names nothing, or nothing that may be seen. */
  resolve(handle: Handle, invalid: number): SimulatedObject {
    const number = handle > 0n && handle <= 0x7fff_ffffn ? Number(handle) : 0;
    if (number === 0) refuse(invalid);
    const uid = this.#objects.uids[this.#handles.indexOf(number)];
    const object = uid === undefined ? undefined : this.#find(uid);
    if (object === undefined || !this.isVisible(object)) refuse(invalid);
    return this.authority === null ? object : this.authority.view(object);
  }

  #find(uid: number): SimulatedObject | undefined {
    for (const partition of this.partitions) {
      partition.refresh(true);
      const object = partition.objects.get(uid);
      if (object !== undefined) return object;
    }
    return this.#sessionObjects.get(uid);
  }

  /** Adds objects together or not at all, as far as limits and ids go. */
  add(objects: readonly SimulatedObject[]): void {
    for (const object of objects) {
      if (object.session !== 0) continue;
      for (const partition of this.partitions) {
        partition.refresh(true);
        partition.checkRoom(object.class, object.value(CKA.ID), objects.length);
      }
    }
    this.authority?.stamp(objects);
    for (const object of objects) this.#put(object);
  }

  #put(object: SimulatedObject): void {
    if (object.session !== 0) {
      this.#objects.add(object);
      this.#sessionObjects.set(object.uid, object);
      return;
    }
    for (const partition of this.partitions) partition.put(object);
  }

  /** Replaces what is known under the same uid. */
  update(object: SimulatedObject): void {
    if (object.session !== 0) {
      this.#sessionObjects.set(object.uid, object);
      return;
    }
    for (const partition of this.partitions) {
      if (partition.objects.has(object.uid)) partition.put(object);
    }
  }

  remove(object: SimulatedObject): void {
    this.#sessionObjects.delete(object.uid);
    for (const partition of this.partitions) partition.remove(object.uid);
    this.authority?.removed(object);
  }

  /** `object` is a session object's copy as a token object: it stays with its handle when its session ends. */
  promote(object: SimulatedObject): void {
    for (const partition of this.partitions) {
      partition.checkRoom(object.class, object.value(CKA.ID));
      partition.put(object);
    }
    this.#sessionObjects.delete(object.uid);
  }

  sessionObjects(): Iterable<SimulatedObject> {
    return this.#sessionObjects.values();
  }

  /** Session objects end with their session; private ones also with the login. */
  endSessionObjects(isOver: (object: SimulatedObject) => boolean): void {
    for (const object of this.#sessionObjects.values()) if (isOver(object)) this.#sessionObjects.delete(object.uid);
  }

  /** Handles of what matches, in no order to rely on. Looks at what other processes did first. */
  find(template: readonly Attribute[]): Handle[] {
    this.refresh();
    const wanted = template.map((attribute) => matcher(attribute));
    const found: number[] = [];
    const seen = this.partitions.length > 1 ? new Set<number>() : null;
    const look = (object: SimulatedObject): void => {
      if (!this.isVisible(object) || seen?.has(object.uid) === true) return;
      seen?.add(object.uid);
      const viewed = this.authority === null ? object : this.authority.view(object);
      for (const matches of wanted) if (!matches(viewed)) return;
      found.push(this.#handles.handleOf(object.index));
    };
    for (const partition of this.partitions) for (const object of partition.objects.values()) look(object);
    for (const object of this.#sessionObjects.values()) look(object);
    return found.sort((a, b) => a - b).map((handle) => BigInt(handle));
  }
}

/** Fast paths for what enumerations ask; a sensitive value matches nothing. */
function matcher({ type, value }: Attribute): (object: SimulatedObject) => boolean {
  if (type === CKA.CLASS) {
    const cls = readUlong(value) ?? refuse(CKR.ATTRIBUTE_VALUE_INVALID);
    return (object) => object.class === cls;
  }
  if (type === CKA.KEY_TYPE) {
    const keyType = readUlong(value) ?? refuse(CKR.ATTRIBUTE_VALUE_INVALID);
    return (object) => object.keyType === keyType;
  }
  if (type === CKA.LABEL || type === CKA.ID) {
    return (object) => {
      const own = object.value(type);
      return own === undefined ? value.length === 0 : sameBytes(own, value);
    };
  }
  return (object) => {
    const own = readAttribute(object, type);
    return own instanceof Uint8Array && sameBytes(own, value);
  };
}
