/**
 * What a command of the device is: its code, what it does to the device, and how its request and reply are written. One file for each beside
 * this one. `encode` and `decode` throw WireError and nothing else; a reply is taken only if it is exactly what the command gives.
 */
import { ByteReader } from '../wire/reader.ts';
import { ByteWriter } from '../wire/writer.ts';

export interface Command<Request, Reply> {
  readonly code: number;
  /** Every effect but `read` leaves the outcome unknown when no reply comes. Logging in the device's audit log is no effect. */
  readonly effect: 'read' | 'create' | 'change' | 'destroy';
  /** How long the reply may take; absent: what the connector allows. */
  readonly timeoutMs?: number;
  /** Bytes of their own: they are wiped once they are sent. */
  encode(request: Request): Uint8Array;
  /** `request` is there because some replies are only right for what was asked. The result shares no bytes with `reply`. */
  decode(reply: Uint8Array, request: Request): Reply;
}

/** Generating a long RSA key takes the device up to a minute or so; nothing else takes a second. */
export const KEY_GENERATION_TIMEOUT_MS = 300_000;

export const encodeNothing = (): Uint8Array => new Uint8Array(0);

/** For replies that must be empty. */
export function decodeNothing(reply: Uint8Array): void {
  new ByteReader(reply).end();
}

export const encodeId = (id: number): Uint8Array => new ByteWriter().u16(id).toBytes();
