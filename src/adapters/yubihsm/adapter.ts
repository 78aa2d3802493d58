/** YubiHSM 2 over Yubico's connector, by its own protocol. Client and simulator are loaded when a device is opened. */
import type { Adapter } from '../adapter.ts';
import { YUBIHSM_ACTION_SPECS } from './actions/actions.ts';
import { CONNECTOR_DRIVER, SIMULATED_YUBIHSM_DRIVER } from './settings.ts';

export const yubihsm: Adapter = {
  name: 'yubihsm',
  summary: 'YubiHSM 2 (connector)',
  drivers: { simulated: SIMULATED_YUBIHSM_DRIVER, connector: CONNECTOR_DRIVER },
  actions: YUBIHSM_ACTION_SPECS,
  async open(settings, context) {
    const { openYubiHsmDevice } = await import('./open-device.ts');
    return await openYubiHsmDevice(settings, context);
  },
};
