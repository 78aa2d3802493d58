/** YubiHSMs for tests of the adapter: through the adapter, or over a connector that a test can bend. */
import type { Device, OpenContext } from '../../src/adapters/adapter.ts';
import { yubihsm } from '../../src/adapters/yubihsm/adapter.ts';
import { openContext } from './pkcs11-devices.ts';

export const yubihsmSettings = (values: Readonly<Record<string, unknown>> = {}, name = 'token') => ({
  name,
  adapter: yubihsm.name,
  driver: 'simulated',
  values,
});

export async function openYubiHsm(
  values: Readonly<Record<string, unknown>> = {},
  context: OpenContext = openContext('password'),
): Promise<Device> {
  return await yubihsm.open(yubihsmSettings(values), context);
}
