/** The simulated driver of a devices-file entry: one partition, or an HA group of `ha-members` of them. */
import type { DeviceSettings } from '../../adapter.ts';
import type { SimulatedDriver } from '../../pkcs11/simulated-driver.ts';
import { LUNA_CLASSIC_PROFILE } from '../profile.ts';
import { lunaClassicPersonality } from './personality.ts';

export function lunaClassicSimulator(values: DeviceSettings['values']): SimulatedDriver {
  const given = values['ha-members'];
  const members = typeof given === 'number' ? given : 1;
  return {
    // The simulated members agree within the call.
    profile: { ...LUNA_CLASSIC_PROFILE, settle: { reads: 1, intervalMs: 0 } },
    personality: (options) => lunaClassicPersonality({ ...options, members }),
  };
}
