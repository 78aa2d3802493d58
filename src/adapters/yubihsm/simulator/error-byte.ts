/** Which error byte the device answers what was thrown with. null: a mistake of the simulator's own, which must not pass for an answer. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { DEVICE_ERROR } from '../wire/device-errors.ts';
import { WireError } from '../wire/wire-error.ts';
import { DeviceRefusal } from './refusal.ts';

export function errorByteOf(error: unknown): number | null {
  if (error instanceof DeviceRefusal) return error.error;
  if (error instanceof WireError) return DEVICE_ERROR['wrong-length'];
  // The state could not be written, so nothing was done.
  return error instanceof KeyferryError ? DEVICE_ERROR['storage-failed'] : null;
}
