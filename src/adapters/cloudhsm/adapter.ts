/** AWS CloudHSM (hsm1.medium, hsm2m.medium) through Client SDK 5: keys by its PKCS#11 library, administration by its tool cloudhsm-cli. */
import { type ObjectShape, withDefault } from '../../schema/shape.ts';
import type { Adapter } from '../adapter.ts';
import { PKCS11_ACTION_SPECS } from '../pkcs11/actions/actions.ts';
import { NATIVE_DRIVER, openNative } from '../pkcs11/native-driver.ts';
import { type ModuleRequest, openSimulated, SIMULATED_DRIVER } from '../pkcs11/simulated-driver.ts';
import { ADMIN_ACTION_SPECS } from './admin/actions/actions.ts';
import {
  NATIVE_ADMIN_FIELDS,
  rememberingSecrets,
  SIMULATED_ADMIN_FIELDS,
  withNativeAdministration,
  withSimulatedAdministration,
} from './admin/settings.ts';
import type { SimulatedCluster } from './cluster/cluster.ts';
import { CLUSTER_FIELDS, isCluster, openClusterModule } from './cluster/settings.ts';
import { CLOUDHSM_PROFILE } from './profile.ts';
import { CLOUDHSM_RUNBOOK } from './runbook/runbook.ts';
import { cloudhsmPersonality, HSM_TYPES, type HsmType, KEY_LIMITS } from './simulator/personality.ts';

const SIMULATED: ObjectShape = {
  ...SIMULATED_DRIVER,
  fields: {
    ...SIMULATED_DRIVER.fields,
    'hsm-type': withDefault({ kind: 'enum', values: HSM_TYPES, description: 'whose key limits hold' }, 'hsm2m.medium'),
    ...CLUSTER_FIELDS,
    ...SIMULATED_ADMIN_FIELDS,
  },
};

const NATIVE: ObjectShape = { ...NATIVE_DRIVER, fields: { ...NATIVE_DRIVER.fields, ...NATIVE_ADMIN_FIELDS } };

const hsmTypeOf = (given: unknown): HsmType => HSM_TYPES.find((type) => type === given) ?? 'hsm2m.medium';

export const cloudhsm: Adapter = {
  name: 'cloudhsm',
  summary: 'AWS CloudHSM (PKCS#11, Client SDK 5)',
  drivers: { simulated: SIMULATED, pkcs11: NATIVE },
  actions: { ...PKCS11_ACTION_SPECS, ...ADMIN_ACTION_SPECS },
  runbook: CLOUDHSM_RUNBOOK,
  async open(settings, given) {
    const context = rememberingSecrets(given);
    if (settings.driver === 'pkcs11') {
      const device = await openNative(settings, context, CLOUDHSM_PROFILE);
      return await withNativeAdministration({ device, settings, context });
    }
    const { values } = settings;
    const hsmType = hsmTypeOf(values['hsm-type']);
    const limit = KEY_LIMITS[hsmType];
    let cluster: SimulatedCluster | null = null;
    const source = async (request: ModuleRequest) => {
      const opened = await openClusterModule(request, values, hsmType);
      cluster = opened.cluster;
      return opened;
    };
    const device = await openSimulated(settings, context, {
      // Simulated keys are on every HSM at once: two reads keep the rule alive without waiting for nobody.
      profile: { ...CLOUDHSM_PROFILE, settle: { reads: 2, intervalMs: 10 } },
      personality: (options) => cloudhsmPersonality({ ...options, hsmType }),
      ...(isCluster(values) ? { source } : {}),
      ...(limit === null ? {} : { capabilities: { keyLimit: limit.keys } }),
    });
    return await withSimulatedAdministration({ device, settings, context, cluster });
  },
};
