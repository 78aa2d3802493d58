/** Settings of a devices-file entry for the administration of a cluster, and the administration that they make. */
import { existsSync } from 'node:fs';
import type { Secret } from '../../../keys/secret.ts';
import { parseDuration } from '../../../schema/duration.ts';
import { type Field, optional, path } from '../../../schema/shape.ts';
import type { Device, DeviceSettings, OpenContext } from '../../adapter.ts';
import { keyAttestation } from '../attest/key-attestation.ts';
import type { SimulatedCluster } from '../cluster/cluster.ts';
import { simulatedPins } from '../cluster/settings.ts';
import { CLOUDHSM_PROFILE } from '../profile.ts';
import { administeredDevice } from './administered-device.ts';
import { Administration, type AdministrationOptions } from './administration.ts';
import { clusterAgreement } from './cluster-agreement.ts';
import { nativeTool } from './native-tool.ts';
import { simulatedTool } from './simulator/simulated-tool.ts';

const ADMIN_PIN: Field = optional({
  kind: 'opaque',
  type: 'secret',
  description: 'user:password of an admin, for users and quorum',
});

export const NATIVE_ADMIN_FIELDS: Readonly<Record<string, Field>> = {
  'admin-pin': ADMIN_PIN,
  tool: optional(path('the program cloudhsm-cli; absent: /opt/cloudhsm/bin/cloudhsm-cli')),
  'tool-timeout': optional({ kind: 'duration', description: 'a command of the tool that takes longer is given up' }),
};

export const SIMULATED_ADMIN_FIELDS: Readonly<Record<string, Field>> = {
  'admin-pin': ADMIN_PIN,
  'attestation-root': optional(
    path(
      'PEM of the one root that attestations must lead to; a simulated cluster writes its own to attestation-root.pem in its state folder',
    ),
  ),
};

const DEFAULT_TOOL = '/opt/cloudhsm/bin/cloudhsm-cli';
const DEFAULT_TIMEOUT_MS = 120_000;

/** `pin` serves PKCS#11 and the tool, and is asked for once. */
export function rememberingSecrets(context: OpenContext): OpenContext {
  const known = new Map<string, Promise<Secret>>();
  return {
    ...context,
    secret: (setting) => {
      const secret = known.get(setting) ?? context.secret(setting);
      known.set(setting, secret);
      return secret;
    },
  };
}

interface Opened {
  readonly device: Device;
  readonly settings: DeviceSettings;
  readonly context: OpenContext;
}

export async function withNativeAdministration({ device, settings, context }: Opened): Promise<Device> {
  const { values, name } = settings;
  const tool = typeof values.tool === 'string' ? values.tool : DEFAULT_TOOL;
  const timeoutMs = parseDuration(String(values['tool-timeout'] ?? '')) ?? DEFAULT_TIMEOUT_MS;
  const lacking = `there is no ${tool}; install the vendor's tool or name it with tool:`;
  return await closingOnFailure(device, async () =>
    administeredDevice({
      device,
      name,
      lacking,
      admin: existsSync(tool)
        ? new Administration({
            ...(await common({ device, settings, context })),
            tool: nativeTool({ path: tool, timeoutMs }),
            pins: { 'crypto-user': await context.secret('pin'), admin: await adminPin(settings, context) },
            settle: CLOUDHSM_PROFILE.settle,
            nodes: null,
          })
        : null,
    }),
  );
}

/** `cluster`: null for a single simulated HSM, which has one user and nothing to administer. */
export async function withSimulatedAdministration(
  opened: Opened & { readonly cluster: SimulatedCluster | null },
): Promise<Device> {
  const { device, settings, context, cluster } = opened;
  const { name, values } = settings;
  const own = simulatedPins(values);
  const rootPath = typeof values['attestation-root'] === 'string' ? values['attestation-root'] : null;
  return await closingOnFailure(device, async () => {
    const lacking = 'a simulated device is a cluster when nodes: is given';
    if (cluster === null) return administeredDevice({ device, name, lacking, admin: null });
    const user = values.pin === undefined ? own.user : await context.secret('pin');
    const admin = new Administration({
      ...(await common(opened)),
      tool: simulatedTool(cluster),
      pins: { 'crypto-user': user, admin: (await adminPin(settings, context)) ?? own.admin },
      settle: { reads: 2, intervalMs: 10 },
      nodes: clusterAgreement(cluster),
      attestation: keyAttestation({ cluster, device, name, pin: user, rootPath }),
    });
    return administeredDevice({ device, name, lacking, admin });
  });
}

async function common({
  device,
  settings,
  context,
}: Opened): Promise<Pick<AdministrationOptions, 'device' | 'serial' | 'home' | 'retryPin'>> {
  const { serial } = await device.describe();
  return { device: settings.name, serial, home: context.home, retryPin: context.retryPin };
}

const adminPin = async (settings: DeviceSettings, context: OpenContext): Promise<Secret | null> =>
  settings.values['admin-pin'] === undefined ? null : await context.secret('admin-pin');

async function closingOnFailure(device: Device, make: () => Promise<Device>): Promise<Device> {
  try {
    return await make();
  } catch (error) {
    await device.close();
    throw error;
  }
}
