/**
 * Masked objects: a key with its attributes, owner, sharing and approvals, under the cluster's own masking key (user guide, key_mgmt_util
 * extractMaskedObject and insertMaskedObject). Only that cluster opens one, and a clone: a cluster whose state began as a copy of its
 * state folder. The layout is ours, the vendor's is in no document: the text MAGIC, a nonce, and AES-256-GCM over people and key.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { FLAG } from '../../pkcs11/simulator/attribute-table.ts';
import { newUid } from '../../pkcs11/simulator/object-maker.ts';
import { encodePut, PackedObject } from '../../pkcs11/simulator/record-codec.ts';
import { LooseObject, type SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import { payloadOf } from '../../simulation/record-log.ts';
import { HsmRefusal } from './cluster.ts';
import { handleOf, onNode, ownerOf, sharedWith } from './cluster-keys.ts';
import { type ClusterRecord, type NodeRecord, newMaskingKey, type UserRecord } from './cluster-record.ts';

const MAGIC = Buffer.from('keyferry masked object 1\0', 'latin1');
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A user by id and name: a clone may have given the id to somebody else. */
type Person = Pick<UserRecord, 'id' | 'name'>;

interface MaskedKey {
  readonly key: SimulatedObject;
  readonly owner: Person;
  readonly sharers: readonly Person[];
}

/** The cluster's masking key; a cluster of an older state gets one now. `record`: a draft to change. */
export function maskingKey(record: ClusterRecord): Buffer {
  record.maskingKey ??= newMaskingKey();
  return Buffer.from(record.maskingKey, 'hex');
}

/** A key as this node has it. `record`: a draft to change. Throws HsmRefusal `key-of-session`. */
export function maskFrom(record: ClusterRecord, node: NodeRecord, object: SimulatedObject): Uint8Array {
  const key = onNode(node, object);
  const { owner, sharers } = peopleOf(node, object);
  if (key.session !== 0) throw new HsmRefusal('key-of-session', null, 'a session key stays on its HSM');
  const people = Buffer.from(JSON.stringify([owner, ...sharers].map(({ id, name }) => [id, name])), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(people.length);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', maskingKey(record), nonce);
  cipher.setAAD(MAGIC);
  const body = [length, people, payloadOf(encodePut(key))].map((part) => cipher.update(part));
  return new Uint8Array(Buffer.concat([MAGIC, nonce, ...body, cipher.final(), cipher.getAuthTag()]));
}

/** A key that is not on the device yet: with a name of its own there, but still with the old handle. Throws HsmRefusal `masked-object`. */
export function unmaskKey(wrapping: Buffer | null, masked: Uint8Array): MaskedKey {
  const bytes = Buffer.from(masked);
  const isOfForm =
    bytes.length > MAGIC.length + NONCE_BYTES + TAG_BYTES && bytes.subarray(0, MAGIC.length).equals(MAGIC);
  if (!isOfForm) throw new HsmRefusal('masked-object', null, 'this is no masked object');
  const opened = wrapping === null ? null : open(wrapping, bytes.subarray(MAGIC.length));
  if (opened === null) {
    throw new HsmRefusal('masked-object', null, 'the masked object is of another cluster, or was changed');
  }
  const peopleEnd = 4 + opened.readUInt32BE(0);
  const people = JSON.parse(opened.toString('utf8', 4, peopleEnd)) as [number, string][];
  const [owner, ...sharers] = people.map(([id, name]): Person => ({ id, name }));
  if (owner === undefined) throw new Error('a masked object without an owner was sealed');
  return { key: renamed(new PackedObject(opened.subarray(peopleEnd))), owner, sharers };
}

function open(wrapping: Buffer, bytes: Buffer): Buffer | null {
  const cipher = createDecipheriv('aes-256-gcm', wrapping, bytes.subarray(0, NONCE_BYTES));
  cipher.setAAD(MAGIC);
  cipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([cipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), cipher.final()]);
  } catch {
    return null;
  }
}

function renamed(object: PackedObject): SimulatedObject {
  const { index, keyType, flags, keyGenMechanism, isCheckValueEmpty, values, material, keyObject, session } = object;
  const kept = { index, keyType, keyGenMechanism, isCheckValueEmpty, material, keyObject, session };
  return new LooseObject({
    ...kept,
    class: object.class,
    uid: newUid(),
    flags: flags | FLAG.TOKEN,
    values: values.copy(),
  });
}

/** Its owner and those it is shared with, as this node has them. */
function peopleOf(node: NodeRecord, key: SimulatedObject): { readonly owner: Person; readonly sharers: Person[] } {
  const named = (id: number): Person => ({ id, name: node.users.find((user) => user.id === id)?.name ?? '' });
  return { owner: named(ownerOf(key) ?? 0), sharers: sharedWith(node, handleOf(key)).map(named) };
}

/** Who of them is still a crypto user by that id and name, on every HSM that answers. */
export function stillThere(record: ClusterRecord, { id, name }: Person): boolean {
  const up = record.nodes.filter(({ isUp }) => isUp);
  return up.every(({ users }) => users.some((user) => user.type === 'CU' && user.id === id && user.name === name));
}
