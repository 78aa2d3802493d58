/**
 * A key in clear on its way between engine and device host: a class loses its methods in the pipe, so it travels as plain data and is a
 * class again on arrival. Arguments and outputs hold it at their top level only.
 */
import type { KeyAttributes } from '../../../keys/attributes.ts';
import { ClearKey, type ClearKeyType, wipeClearKeys } from '../../../keys/clear-key.ts';

interface ClearKeyOnWire {
  readonly kind: 'clear-key';
  readonly type: ClearKeyType;
  readonly bytes: Uint8Array;
  readonly usage: KeyAttributes | undefined;
}

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const isClear = (entry: unknown): entry is ClearKey => entry instanceof ClearKey;
const isOnWire = (entry: unknown): entry is ClearKeyOnWire =>
  isPlain(entry) && entry.kind === 'clear-key' && entry.bytes instanceof Uint8Array;

/** `value`: a call with `args`, or a result with `outputs`; anything else, and what holds no such key, is given back as it is. */
export const toWire = (value: unknown): unknown =>
  mapped(value, isClear, (key): ClearKeyOnWire => {
    return { kind: 'clear-key', type: key.type, bytes: key.reveal(), usage: key.usage };
  });

export const fromWire = (value: unknown): unknown =>
  mapped(value, isOnWire, ({ type, bytes, usage }) => new ClearKey(type, bytes, usage));

function mapped<T>(value: unknown, has: (entry: unknown) => entry is T, change: (entry: T) => unknown): unknown {
  if (!isPlain(value)) return value;
  for (const name of ['args', 'outputs']) {
    const inner = value[name];
    if (!isPlain(inner) || !Object.values(inner).some(has)) continue;
    const entries = Object.entries(inner).map(([key, entry]) => [key, has(entry) ? change(entry) : entry]);
    return { ...value, [name]: Object.fromEntries(entries) };
  }
  return value;
}

/** In the host: the copies that came for one call are not needed after it. */
export function wipeArguments(value: unknown): void {
  if (isPlain(value) && isPlain(value.args)) wipeClearKeys(value.args);
}
