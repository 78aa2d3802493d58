/**
 * What one command may see and do: objects by the rules of sessions, domains and capabilities, and changes, which count only when the whole
 * command has succeeded. The rules are those of Yubico's core concepts (Capability, Delegated Capability, Domain).
 */
import { randomInt } from 'node:crypto';
import { type CapabilityName, capabilitiesBeyond, hasCapability } from '../wire/capabilities.ts';
import type { FirmwareVersion } from '../wire/frame.ts';
import { NO_OBJECT } from '../wire/log-entry.ts';
import type { ObjectHeader } from '../wire/object-header.ts';
import { ANY_ID } from '../wire/object-types.ts';
import type { Change, DeviceState } from './device-state.ts';
import { hasAlgorithm } from './firmware.ts';
import { refuse } from './refusal.ts';
import type { SessionIdentity } from './session-table.ts';
import { objectKey, pagesOf, STORAGE, type StoredObject } from './stored-object.ts';

const LAST_ID = 0xfffe;

export interface NewObject extends ObjectHeader {
  readonly type: number;
  readonly delegated: bigint;
}

export class CommandContext {
  readonly state: DeviceState;
  readonly firmware: FirmwareVersion;
  readonly session: SessionIdentity;
  readonly changes: Change[] = [];
  /** For the audit log. */
  targetKey: number = NO_OBJECT;
  secondKey: number = NO_OBJECT;

  constructor(state: DeviceState, firmware: FirmwareVersion, session: SessionIdentity) {
    this.state = state;
    this.firmware = firmware;
    this.session = session;
  }

  requireOnSession(capability: CapabilityName): void {
    if (!hasCapability(this.session.capabilities, capability)) refuse('insufficient-permissions');
  }

  /** An object in another domain than the session's is not there. */
  object(type: number, id: number): StoredObject {
    if (this.targetKey === NO_OBJECT) this.targetKey = id;
    else this.secondKey = id;
    const object = this.state.objects.get(objectKey(type, id));
    return object === undefined || (object.domains & this.session.domains) === 0 ? refuse('object-not-found') : object;
  }

  /** Use takes the capability on the session and on the object. */
  use(type: number, id: number, capability: CapabilityName): StoredObject {
    this.requireOnSession(capability);
    const object = this.object(type, id);
    return hasCapability(object.capabilities, capability) ? object : refuse('insufficient-permissions');
  }

  /** All objects that the session can see. */
  visibleObjects(): readonly StoredObject[] {
    return [...this.state.objects.values()].filter(({ domains }) => (domains & this.session.domains) !== 0);
  }

  requireAlgorithm(algorithm: number): void {
    if (!hasAlgorithm(this.firmware, algorithm)) refuse('invalid-data');
    if (this.state.algorithmSettings.get(algorithm) === 0) refuse('algorithm-disabled');
  }

  /** May this session make such an object? Gives the id that it will have. */
  admit(wanted: NewObject): number {
    this.requireAlgorithm(wanted.algorithm);
    if (wanted.domains === 0) refuse('invalid-data');
    if ((wanted.domains & ~this.session.domains) !== 0) refuse('insufficient-permissions');
    this.requireWithin(wanted.capabilities, this.session.delegated);
    this.requireWithin(wanted.delegated, this.session.delegated);
    return this.freeId(wanted.type, wanted.id);
  }

  requireWithin(capabilities: bigint, allowed: bigint): void {
    if (capabilitiesBeyond(capabilities, allowed) !== 0n) refuse('insufficient-permissions');
  }

  /** The id itself when it is free; 0 becomes one that the device picks. */
  freeId(type: number, id: number): number {
    if (id > LAST_ID) refuse('invalid-id');
    if (id !== ANY_ID) {
      if (this.state.objects.has(objectKey(type, id))) refuse('object-exists');
      return id;
    }
    for (;;) {
      const picked = randomInt(1, LAST_ID + 1);
      if (!this.state.objects.has(objectKey(type, picked))) return picked;
    }
  }

  /** Stores it with its next sequence number. Refuses `storage-failed` when the device is full. */
  store(object: Omit<StoredObject, 'sequence'>): StoredObject {
    const key = objectKey(object.type, object.id);
    const last = this.state.sequences.get(key);
    const stored = { ...object, sequence: last === undefined ? 0 : (last + 1) & 0xff };
    const others = [...this.state.objects].filter(([known]) => known !== key).map(([, other]) => other);
    const pages = others.reduce((sum, other) => sum + pagesOf(other), pagesOf(stored));
    if (others.length >= STORAGE.records || pages > STORAGE.pages) refuse('storage-failed');
    this.changes.push({ kind: 'put', object: stored });
    if (this.targetKey === NO_OBJECT) this.targetKey = stored.id;
    else this.secondKey = stored.id;
    return stored;
  }

  remove(object: StoredObject): void {
    this.changes.push({ kind: 'remove', type: object.type, id: object.id });
  }
}
