/**
 * The audit log's entries and their chain of digests. A reset begins a chain with an entry of all ones after a random digest; every start
 * of the device writes a boot entry (Yubico's examples: session key ffff, the rest zero).
 */
import { randomBytes } from 'node:crypto';
import { LOG_DIGEST_BYTES, type LogEntry, logDigest, NO_OBJECT } from '../wire/log-entry.ts';
import type { Change, DeviceState } from './device-state.ts';

export type LogFields = Omit<LogEntry, 'number' | 'digest'>;

const RESET_FIELDS: LogFields = {
  command: 0xff,
  length: 0xffff,
  sessionKey: 0xffff,
  targetKey: 0xffff,
  secondKey: 0xffff,
  result: 0xff,
  tick: 0xffff_ffff,
};

const BOOT_FIELDS: LogFields = {
  command: 0,
  length: 0,
  sessionKey: NO_OBJECT,
  targetKey: 0,
  secondKey: 0,
  result: 0,
  tick: 0,
};

function follow(previous: Pick<LogEntry, 'number' | 'digest'>, fields: LogFields): LogEntry {
  const entry = { ...fields, number: (previous.number + 1) & 0xffff };
  return { ...entry, digest: logDigest(entry, previous.digest) };
}

const chainStart = (): Pick<LogEntry, 'number' | 'digest'> => ({ number: 0, digest: randomBytes(LOG_DIGEST_BYTES) });

export function logChange(state: DeviceState, fields: LogFields): Change {
  return { kind: 'log', entry: follow(state.lastEntry ?? chainStart(), fields) };
}

/** The first two entries of a device that was reset and has started again. */
export function logsAfterReset(): readonly Change[] {
  const reset = follow(chainStart(), RESET_FIELDS);
  return [
    { kind: 'log', entry: reset },
    { kind: 'log', entry: follow(reset, BOOT_FIELDS) },
  ];
}

export const bootChange = (state: DeviceState): Change => logChange(state, BOOT_FIELDS);
