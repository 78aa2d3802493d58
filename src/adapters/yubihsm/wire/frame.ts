/**
 * The frame of every message, outside and inside a session: type, length of the payload in 16 bits, payload. How long a message may be
 * depends on the firmware (libyubihsm: 2048 bytes before 2.4, 3136 from then on).
 */
import { COMMAND } from './command-codes.ts';
import { WireError } from './wire-error.ts';

export interface Frame {
  readonly type: number;
  readonly payload: Uint8Array;
}

export interface FirmwareVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

export const HEADER_BYTES = 3;
/** What a session adds around a command: outer header and session id, inner header, padding of 1 to 16, MAC. */
const SESSION_OVERHEAD = HEADER_BYTES + 1 + HEADER_BYTES + 16 + 8;

export const SMALL_MESSAGE_BYTES = 2048;
export const LARGE_MESSAGE_BYTES = 3136;

export const replyType = (command: number): number => command | 0x80;

export function encodeFrame(type: number, payload: Uint8Array): Uint8Array {
  if (payload.length > 0xffff) throw new WireError(`a payload of ${payload.length} bytes does not fit into a message`);
  const message = new Uint8Array(HEADER_BYTES + payload.length);
  message[0] = type;
  message[1] = payload.length >> 8;
  message[2] = payload.length & 0xff;
  message.set(payload, HEADER_BYTES);
  return message;
}

/** The length must be that of the message to the byte. The payload is a view. */
export function decodeFrame(message: Uint8Array): Frame {
  const [type, high, low] = message;
  if (type === undefined || high === undefined || low === undefined) {
    throw new WireError(`a message of ${message.length} bytes has no header`);
  }
  const length = (high << 8) | low;
  if (message.length !== HEADER_BYTES + length) {
    throw new WireError(`a message says it has ${length} bytes and has ${message.length - HEADER_BYTES}`);
  }
  return { type, payload: message.subarray(HEADER_BYTES) };
}

export const encodeErrorFrame = (error: number): Uint8Array => encodeFrame(COMMAND.error, Uint8Array.of(error));

/** The error byte; undefined: the frame is no error. */
export function errorOf(frame: Frame): number | undefined {
  if (frame.type !== COMMAND.error) return undefined;
  const [error] = frame.payload;
  if (error === undefined || frame.payload.length !== 1) {
    throw new WireError(`an error of ${frame.payload.length} bytes instead of 1`);
  }
  return error;
}

export function compareFirmware(one: FirmwareVersion, other: FirmwareVersion): number {
  return one.major - other.major || one.minor - other.minor || one.patch - other.patch;
}

export function isFirmwareAtLeast(firmware: FirmwareVersion, major: number, minor: number): boolean {
  return compareFirmware(firmware, { major, minor, patch: 0 }) >= 0;
}

/** Longest message in bytes, header included. */
export const messageLimit = (firmware: FirmwareVersion): number =>
  isFirmwareAtLeast(firmware, 2, 4) ? LARGE_MESSAGE_BYTES : SMALL_MESSAGE_BYTES;

/** Longest payload in bytes of a command inside a session: whatever its padding comes to, the message is within the limit. */
export const commandLimit = (limit: number): number => limit - SESSION_OVERHEAD;
