/**
 * `get-log-entries`: the device's audit log, oldest first, and how many events it could not log. Whether entries follow each other, and the
 * first one what was seen before, is for the caller to check (followsInLog): a broken chain is a finding and must be shown, not refused.
 */
import { COMMAND } from '../wire/command-codes.ts';
import { type DeviceLog, decodeDeviceLog } from '../wire/log-entry.ts';
import { type Command, encodeNothing } from './command.ts';

export const getLogEntries: Command<void, DeviceLog> = {
  code: COMMAND['get-log-entries'],
  effect: 'read',
  encode: encodeNothing,
  decode: (reply) => decodeDeviceLog(reply),
};
