/** AWS CloudHSM (hsm1.medium, hsm2m.medium) through Client SDK 5's PKCS#11 library. Users, quorum and sharing are left out: not PKCS#11. */
import { type ObjectShape, withDefault } from '../../schema/shape.ts';
import type { Adapter } from '../adapter.ts';
import { PKCS11_ACTION_SPECS } from '../pkcs11/actions/actions.ts';
import { NATIVE_DRIVER, openNative } from '../pkcs11/native-driver.ts';
import { openSimulated, SIMULATED_DRIVER } from '../pkcs11/simulated-driver.ts';
import { CLOUDHSM_PROFILE } from './profile.ts';
import { cloudhsmPersonality, HSM_TYPES, type HsmType, KEY_LIMITS } from './simulator/personality.ts';

const SIMULATED: ObjectShape = {
  ...SIMULATED_DRIVER,
  fields: {
    ...SIMULATED_DRIVER.fields,
    'hsm-type': withDefault({ kind: 'enum', values: HSM_TYPES, description: 'whose key limits hold' }, 'hsm2m.medium'),
  },
};

const hsmTypeOf = (given: unknown): HsmType => HSM_TYPES.find((type) => type === given) ?? 'hsm2m.medium';

export const cloudhsm: Adapter = {
  name: 'cloudhsm',
  summary: 'AWS CloudHSM (PKCS#11, Client SDK 5)',
  drivers: { simulated: SIMULATED, pkcs11: NATIVE_DRIVER },
  actions: PKCS11_ACTION_SPECS,
  async open(settings, context) {
    if (settings.driver === 'pkcs11') return await openNative(settings, context, CLOUDHSM_PROFILE);
    const hsmType = hsmTypeOf(settings.values['hsm-type']);
    const limit = KEY_LIMITS[hsmType];
    return await openSimulated(settings, context, {
      // The simulated cluster has one HSM: two reads keep the rule alive without waiting for nobody.
      profile: { ...CLOUDHSM_PROFILE, settle: { reads: 2, intervalMs: 10 } },
      personality: (options) => cloudhsmPersonality({ ...options, hsmType }),
      ...(limit === null ? {} : { capabilities: { keyLimit: limit.keys } }),
    });
  },
};
