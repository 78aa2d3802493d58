/** What tests expect of a simulated YubiHSM's refusals: where it stood and the device's own name for it. */
import { expect } from 'vitest';
import type { DeviceErrorName } from '../../src/adapters/yubihsm/wire/device-errors.ts';

/** The command failed inside its session, which goes on. */
export const expectRefused = async (call: Promise<unknown>, name: DeviceErrorName): Promise<void> =>
  await expect(call).rejects.toThrow(`inner: ${name}`);

/** The session itself failed, or there was none. */
export const expectOuter = async (call: Promise<unknown>, name: DeviceErrorName): Promise<void> =>
  await expect(call).rejects.toThrow(`outer: ${name}`);
