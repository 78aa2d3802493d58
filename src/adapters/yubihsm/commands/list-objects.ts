/** `list-objects`: type, id and sequence of every object in the session's domains that all filters fit. */
import { COMMAND } from '../wire/command-codes.ts';
import { ByteReader } from '../wire/reader.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import type { Command } from './command.ts';
import type { ObjectRef } from './created-object.ts';

export interface ObjectFilter {
  readonly id?: number;
  readonly type?: number;
  /** In at least one of them. */
  readonly domains?: number;
  /** With at least one of them. */
  readonly capabilities?: bigint;
  readonly algorithm?: number;
  readonly label?: Uint8Array;
}

export interface ListedObject extends ObjectRef {
  readonly sequence: number;
}

const FILTER = { id: 1, type: 2, domains: 3, capabilities: 4, algorithm: 5, label: 6 } as const;

export const listObjects: Command<ObjectFilter, readonly ListedObject[]> = {
  code: COMMAND['list-objects'],
  effect: 'read',
  encode(filter) {
    const writer = new ByteWriter();
    if (filter.id !== undefined) writer.u8(FILTER.id).u16(filter.id);
    if (filter.type !== undefined) writer.u8(FILTER.type).u8(filter.type);
    if (filter.domains !== undefined) writer.u8(FILTER.domains).u16(filter.domains);
    if (filter.capabilities !== undefined) writer.u8(FILTER.capabilities).u64(filter.capabilities);
    if (filter.algorithm !== undefined) writer.u8(FILTER.algorithm).u8(filter.algorithm);
    if (filter.label !== undefined) writer.u8(FILTER.label).label(filter.label);
    return writer.toBytes();
  },
  decode(reply, filter) {
    const reader = new ByteReader(reply);
    const objects: ListedObject[] = [];
    const seen = new Set<string>();
    while (reader.remaining > 0) {
      const object = { id: reader.u16(), type: reader.u8(), sequence: reader.u8() };
      const key = `${object.type}:${object.id}`;
      if (seen.has(key)) throw new WireError('an object is listed twice');
      if ((filter.id ?? object.id) !== object.id || (filter.type ?? object.type) !== object.type) {
        throw new WireError('an object is listed that was not asked for');
      }
      seen.add(key);
      objects.push(object);
    }
    return objects;
  },
};
