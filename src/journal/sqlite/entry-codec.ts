/**
 * Entries as JSON text. Plain JSON.stringify: what is hashed is the text that is stored, so it need not be canonical. Outputs may hold
 * bytes (a public key); they are written as `{"$bytes": base64}`.
 */
import type { Outputs } from '../../adapters/adapter.ts';
import type { Entry } from '../journal.ts';

const BYTES = '$bytes';

/** Throws TypeError for what JSON cannot hold (a bigint). */
export function encodeEntry(entry: Entry): string {
  if (entry.kind !== 'outcome' || entry.outputs === null || !hasBytes(entry.outputs)) return JSON.stringify(entry);
  return JSON.stringify({ ...entry, outputs: mapValues(entry.outputs, encodeBytes) });
}

/** Throws SyntaxError for text that is not JSON. */
export function decodeEntry(payload: string): Entry {
  const entry = JSON.parse(payload) as Entry;
  if (entry.kind !== 'outcome' || entry.outputs === null || !payload.includes(BYTES)) return entry;
  return { ...entry, outputs: mapValues(entry.outputs, decodeBytes) };
}

const hasBytes = (outputs: Outputs): boolean => Object.values(outputs).some((value) => value instanceof Uint8Array);

function encodeBytes(value: unknown): unknown {
  return value instanceof Uint8Array ? { [BYTES]: Buffer.from(value).toString('base64') } : value;
}

function decodeBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const encoded = (value as Record<string, unknown>)[BYTES];
  return typeof encoded === 'string' ? new Uint8Array(Buffer.from(encoded, 'base64')) : value;
}

function mapValues(outputs: Outputs, map: (value: unknown) => unknown): Outputs {
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, map(value)]));
}
