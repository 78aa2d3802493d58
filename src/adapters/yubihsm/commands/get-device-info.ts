/** `get-device-info`, outside a session: firmware, serial number, algorithms; with page 1 (firmware 2.4) the part number. */
import { COMMAND } from '../wire/command-codes.ts';
import { type DeviceInfo, decodeDeviceInfo, decodePartNumber } from '../wire/device-info.ts';
import { type Command, encodeNothing } from './command.ts';

export const getDeviceInfo: Command<void, DeviceInfo> = {
  code: COMMAND['get-device-info'],
  effect: 'read',
  encode: encodeNothing,
  decode: decodeDeviceInfo,
};

export const getPartNumber: Command<void, string> = {
  code: COMMAND['get-device-info'],
  effect: 'read',
  encode: () => Uint8Array.of(1),
  decode: decodePartNumber,
};
