/** What a command of the device is: its code, the capability that the session needs for it, and what it does. */
import type { CapabilityName } from '../../wire/capabilities.ts';
import type { ByteReader } from '../../wire/reader.ts';
import { ByteWriter } from '../../wire/writer.ts';
import type { CommandContext } from '../command-context.ts';

export interface CommandHandler {
  readonly code: number;
  /** On the session; checked before the payload is looked at. */
  readonly capability?: CapabilityName;
  /**
   * The reply's payload. Refuses with a DeviceRefusal; a payload that ends too early (WireError) is refused as wrong length. Changes go
   * through the context and count when this has returned.
   */
  run(request: ByteReader, context: CommandContext): Uint8Array | Promise<Uint8Array>;
}

export const NOTHING = new Uint8Array(0);

export const idReply = (id: number): Uint8Array => new ByteWriter().u16(id).toBytes();

export const typeAndIdReply = (type: number, id: number): Uint8Array => new ByteWriter().u8(type).u16(id).toBytes();
