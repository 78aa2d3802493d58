/**
 * Which commands the log records. In the order of `get-option command-audit` on a device (Yubico's user guide). By default nearly all
 * are recorded before firmware 2.3.1 and none from then on; starts of the device and resets always are.
 */
import { COMMAND } from '../wire/command-codes.ts';
import { compareFirmware, type FirmwareVersion } from '../wire/frame.ts';
import type { DeviceState, Setting } from './device-state.ts';
import { hasCommand } from './firmware.ts';

/** 07 and 09 are in the device's list and in no documentation. */
const ORDER = Buffer.from(
  `0103040506070908404142434445464755564849574a4b4c4d674e4f505152535458595a5b5c5d5e5f60616263646566` +
    `68696a6b6c0a6d6e6f7071727374757677`,
  'hex',
);

const OFF_BY_DEFAULT: readonly number[] = [
  COMMAND.echo,
  COMMAND['session-message'],
  COMMAND['get-device-info'],
  0x07,
  0x09,
  COMMAND['get-log-entries'],
];

const LAST_WITH_DEFAULT_LOG: FirmwareVersion = { major: 2, minor: 3, patch: 0 };

export function auditSettings(state: DeviceState, firmware: FirmwareVersion): readonly (readonly [number, Setting])[] {
  return [...ORDER]
    .filter((command) => hasCommand(firmware, command))
    .map((command) => [command, auditSetting(state, firmware, command)]);
}

export function auditSetting(state: DeviceState, firmware: FirmwareVersion, command: number): Setting {
  const set = state.commandAudit.get(command);
  if (set !== undefined) return set;
  if (compareFirmware(firmware, LAST_WITH_DEFAULT_LOG) > 0 || !ORDER.includes(command)) return 0;
  return OFF_BY_DEFAULT.includes(command) ? 0 : 1;
}
