/** AWS KMS, for keys whose material comes from elsewhere (origin EXTERNAL). The SDK and the simulator are loaded when a device is opened. */
import type { Adapter } from '../adapter.ts';
import { KMS_ACTION_SPECS } from './actions/actions.ts';
import { AWS_DRIVER, SIMULATED_KMS_DRIVER } from './settings.ts';

export const kms: Adapter = {
  name: 'kms',
  summary: 'AWS KMS, imported key material (AWS SDK)',
  drivers: { simulated: SIMULATED_KMS_DRIVER, aws: AWS_DRIVER },
  actions: KMS_ACTION_SPECS,
  async open(settings, context) {
    const { openKmsDevice } = await import('./open-device.ts');
    return await openKmsDevice(settings, context);
  },
};
