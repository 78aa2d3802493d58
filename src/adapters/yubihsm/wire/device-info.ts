/** What the device says of itself outside a session: firmware, serial number, how full the log is, algorithms that it can do. */

import type { FirmwareVersion } from './frame.ts';
import { ByteReader } from './reader.ts';
import { WireError } from './wire-error.ts';
import { ByteWriter } from './writer.ts';

export interface DeviceInfo {
  readonly firmware: FirmwareVersion;
  readonly serial: number;
  readonly logTotal: number;
  readonly logUsed: number;
  /** Numbers: firmware may know algorithms that have no name here. */
  readonly algorithms: readonly number[];
}

export function encodeDeviceInfo(info: DeviceInfo): Uint8Array {
  const writer = new ByteWriter()
    .u8(info.firmware.major)
    .u8(info.firmware.minor)
    .u8(info.firmware.patch)
    .u32(info.serial)
    .u8(info.logTotal)
    .u8(info.logUsed);
  for (const algorithm of info.algorithms) writer.u8(algorithm);
  return writer.toBytes();
}

export function decodeDeviceInfo(bytes: Uint8Array): DeviceInfo {
  const reader = new ByteReader(bytes);
  const info = {
    firmware: { major: reader.u8(), minor: reader.u8(), patch: reader.u8() },
    serial: reader.u32(),
    logTotal: reader.u8(),
    logUsed: reader.u8(),
  };
  return { ...info, algorithms: [...reader.rest()] };
}

/** Page 1 (firmware 2.4 and later): the part number in ASCII, zero bytes behind it or none. */
export function decodePartNumber(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1').replace(/\0+$/, '');
  if (!/^[ -~]+$/.test(text)) throw new WireError('the part number is not printable ASCII');
  return text;
}

export const firmwareText = (firmware: FirmwareVersion): string =>
  `${firmware.major}.${firmware.minor}.${firmware.patch}`;
