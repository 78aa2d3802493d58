/**
 * The keys of a cluster: one store for all nodes, since keys synchronise, with owner and cluster-wide handle on each key as vendor-defined
 * attributes that nobody is shown; and how a key looks on one node, whose management tools may have changed attributes there only.
 */
import { CKA, CKO, CKR } from '../../pkcs11/constants.ts';
import { attributeRow } from '../../pkcs11/simulator/attribute-table.ts';
import type { Partition } from '../../pkcs11/simulator/partition.ts';
import { Refusal } from '../../pkcs11/simulator/refusal.ts';
import { LooseObject, type SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import type { Slot } from '../../pkcs11/simulator/slot.ts';
import { HsmRefusal, type KeyQuorum } from './cluster.ts';
import type { ClusterRecord, NodeRecord } from './cluster-record.ts';

/** CKA_VENDOR_DEFINED and up; each value is a CK_ULONG cut to four bytes. */
const STAMP = { owner: 0x8000_0f01, handle: 0x8000_0f02, boot: 0x8000_0f03, quorum: 0x8000_0f04 } as const;

/** Handles are the creating node's id times this and a running number. */
const HANDLES_PER_NODE = 2 ** 18;

export const creatingNode = (handle: number): number => Math.floor(handle / HANDLES_PER_NODE);

function readStamp(object: SimulatedObject, type: number): number | null {
  const value = object.value(type);
  if (value === undefined) return null;
  return (value[0] ?? 0) + (value[1] ?? 0) * 0x100 + (value[2] ?? 0) * 0x1_0000 + (value[3] ?? 0) * 0x100_0000;
}

function writeStamp(object: SimulatedObject, type: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  object.values.set(type, new Uint8Array(bytes));
}

/** User id; null: the object is not on the device yet. */
export const ownerOf = (object: SimulatedObject): number | null => readStamp(object, STAMP.owner);
export const handleOf = (object: SimulatedObject): number => readStamp(object, STAMP.handle) ?? 0;
/** Of a session key: the boot of its node that it lives in. */
export const bootOf = (object: SimulatedObject): number => readStamp(object, STAMP.boot) ?? 0;

/** Approvals that the key wants, as it was made with. */
export function quorumOf(object: SimulatedObject): KeyQuorum {
  const stamp = readStamp(object, STAMP.quorum) ?? 0;
  return { manage: Math.floor(stamp / 0x100), use: stamp % 0x100 };
}

export const isGuarded = (object: SimulatedObject): boolean => readStamp(object, STAMP.quorum) !== null;

export const stampQuorum = (object: SimulatedObject, { manage, use }: KeyQuorum): void =>
  writeStamp(object, STAMP.quorum, manage * 0x100 + use);

export function stampKey(object: SimulatedObject, owner: number, node: NodeRecord): void {
  node.lastKey += 1;
  writeStamp(object, STAMP.owner, owner);
  writeStamp(object, STAMP.handle, node.id * HANDLES_PER_NODE + node.lastKey);
  if (object.session !== 0) writeStamp(object, STAMP.boot, node.boot);
}

export function isOnNode(record: ClusterRecord, node: NodeRecord, handle: number): boolean {
  return record.presence[handle]?.includes(node.id) ?? true;
}

export const sharedWith = (node: NodeRecord, handle: number): readonly number[] => node.sharing[handle] ?? [];

/** The key with what was changed on this node; the key itself where nothing was. */
export function onNode(node: NodeRecord, object: SimulatedObject): SimulatedObject {
  const changes = node.attributes[handleOf(object)];
  if (changes === undefined) return object;
  const values = object.values.copy();
  let { flags } = object;
  for (const [attribute, hex] of Object.entries(changes)) {
    const value = Buffer.from(hex, 'hex');
    const bit = attributeRow(Number(attribute))?.bit ?? -1;
    if (bit < 0) values.set(Number(attribute), new Uint8Array(value));
    else flags = value[0] === 1 ? flags | (1 << bit) : flags & ~(1 << bit);
  }
  return copyOf(object, { flags, values });
}

/** The same key to PKCS#11 callers: uid and place stay. */
export function copyOf(
  object: SimulatedObject,
  changes: Partial<Pick<SimulatedObject, 'flags' | 'values' | 'session'>>,
): SimulatedObject {
  const { uid, index, keyType, flags, keyGenMechanism, isCheckValueEmpty, values, material, keyObject } = object;
  const kept = { uid, index, keyType, flags, keyGenMechanism, isCheckValueEmpty, values, material, keyObject };
  return new LooseObject({ ...kept, class: object.class, session: object.session, ...changes });
}

export class ClusterKeys {
  readonly #partition: Partition;
  readonly #slots = new Set<Slot>();
  #byHandle = new Map<number, number>();

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  /** A module of this process, whose session keys are the cluster's too. */
  attach(slot: Slot): void {
    this.#slots.add(slot);
  }

  detach(slot: Slot): void {
    this.#slots.delete(slot);
  }

  tokenKeys(): Iterable<SimulatedObject> {
    this.#partition.refresh();
    return this.#partition.objects.values();
  }

  /** Throws HsmRefusal `key-limit`, `key-id`. */
  checkRoom(object: SimulatedObject): void {
    this.#partition.refresh();
    try {
      this.#partition.checkRoom(object.class, object.value(CKA.ID));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.value === CKR.DEVICE_MEMORY)
        throw new HsmRefusal('key-limit', null, 'the cluster has room for no more keys');
      throw new HsmRefusal('key-id', null, 'another key of the cluster has the id of this one');
    }
  }

  put(object: SimulatedObject): void {
    this.#partition.put(object);
  }

  remove(uid: number): void {
    this.#partition.remove(uid);
  }

  /** A token key on that node, or a session key of it. Throws HsmRefusal `no-such-key` (0xa8). */
  find(record: ClusterRecord, node: NodeRecord, handle: number): SimulatedObject {
    const object = this.#tokenKey(handle) ?? this.#sessionKey(handle);
    const isThere =
      object !== undefined &&
      (object.session === 0
        ? isOnNode(record, node, handle)
        : creatingNode(handle) === node.id && bootOf(object) === node.boot);
    if (object === undefined || !isThere) {
      throw new HsmRefusal('no-such-key', 0xa8, `there is no key with handle ${handle} on this HSM`);
    }
    return object;
  }

  #tokenKey(handle: number): SimulatedObject | undefined {
    this.#partition.refresh();
    const { objects } = this.#partition;
    const known = objects.get(this.#byHandle.get(handle) ?? -1);
    if (known !== undefined) return known;
    this.#byHandle = new Map();
    for (const object of objects.values()) this.#byHandle.set(handleOf(object), object.uid);
    return objects.get(this.#byHandle.get(handle) ?? -1);
  }

  #sessionKey(handle: number): SimulatedObject | undefined {
    for (const slot of this.#slots) {
      for (const object of slot.sessionObjects()) if (handleOf(object) === handle) return object;
    }
    return undefined;
  }

  /** Token keys that the node holds, ascending by handle. */
  *onNode(record: ClusterRecord, node: NodeRecord): Generator<{ handle: number; object: SimulatedObject }> {
    const keys = [...this.tokenKeys()].map((object) => ({ handle: handleOf(object), object }));
    keys.sort((a, b) => a.handle - b.handle);
    for (const key of keys) if (isOnNode(record, node, key.handle)) yield key;
  }
}

export const isPublic = (object: SimulatedObject): boolean => object.class === CKO.PUBLIC_KEY;
