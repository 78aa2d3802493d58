/** AWS CloudHSM Classic and SafeNet Luna 5: PKCS#11 with the vendor's limits. Cloning between Lunas is left out: it never leaves the vendor. */
import { type ObjectShape, optional } from '../../schema/shape.ts';
import type { Adapter } from '../adapter.ts';
import { PKCS11_ACTION_SPECS } from '../pkcs11/actions/actions.ts';
import { NATIVE_DRIVER, openNative } from '../pkcs11/native-driver.ts';
import { openSimulated, SIMULATED_DRIVER } from '../pkcs11/simulated-driver.ts';
import { LUNA_CLASSIC_PROFILE } from './profile.ts';
import { LUNA_RUNBOOK } from './runbook.ts';
import { lunaClassicSimulator } from './simulator/driver.ts';

const SIMULATED: ObjectShape = {
  ...SIMULATED_DRIVER,
  fields: {
    ...SIMULATED_DRIVER.fields,
    'ha-members': optional({ kind: 'integer', minimum: 2, maximum: 16, description: 'partitions of an HA group' }),
  },
};

export const lunaClassic: Adapter = {
  name: 'luna-classic',
  summary: 'AWS CloudHSM Classic, SafeNet Luna 5 (PKCS#11)',
  drivers: { simulated: SIMULATED, pkcs11: NATIVE_DRIVER },
  actions: PKCS11_ACTION_SPECS,
  runbook: LUNA_RUNBOOK,
  async open(settings, context) {
    if (settings.driver === 'pkcs11') return await openNative(settings, context, LUNA_CLASSIC_PROFILE);
    return await openSimulated(settings, context, lunaClassicSimulator(settings.values));
  },
};
