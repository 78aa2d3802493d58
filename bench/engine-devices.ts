/** Opens the two devices of the main playbook for a benchmark, with keys to move on the first. */
import type { BoundDevice, Device, DeviceSettings } from '../src/adapters/adapter.ts';
import { CLOUDHSM_PROFILE } from '../src/adapters/cloudhsm/profile.ts';
import { LUNA_CLASSIC_PROFILE } from '../src/adapters/luna-classic/profile.ts';
import { openHostedDevice } from '../src/adapters/pkcs11/host/hosted-device.ts';
import { loadAdapters } from '../src/adapters/registry.ts';
import { Secret } from '../src/keys/secret.ts';
import type { EngineRequest } from './engine-messages.ts';
import { BENCH_PIN, SOFTHSM_TOKENS, softHsmModule } from './softhsm-tokens.ts';

const ADAPTERS = await loadAdapters();

const PROFILES = { classic: LUNA_CLASSIC_PROFILE, cluster: CLOUDHSM_PROFILE } as const;
type Role = keyof typeof PROFILES;

/** Items in work at once: the playbook's. */
const SESSIONS = 64;

function settingsOf(role: Role, { devices, dir }: EngineRequest): DeviceSettings {
  const { adapter } = PROFILES[role];
  const values: Record<string, unknown> =
    devices === 'softhsm'
      ? { module: softHsmModule(), token: SOFTHSM_TOKENS[role] }
      : { state: `${dir}/${role}`, ...(role === 'cluster' ? { 'hsm-type': 'unlimited' } : {}) };
  return { name: role, adapter, driver: devices === 'softhsm' ? 'pkcs11' : 'simulated', values };
}

async function open(settings: DeviceSettings, dir: string): Promise<Device> {
  const adapter = ADAPTERS[settings.adapter];
  if (adapter === undefined) throw new Error(`no adapter ${settings.adapter}`);
  const context = { home: `${dir}/home`, retryPin: false, sessions: SESSIONS };
  return await adapter.open(settings, { ...context, secret: async () => new Secret(BENCH_PIN) });
}

async function openInHost(role: Role, settings: DeviceSettings, dir: string): Promise<Device> {
  return await openHostedDevice({
    name: role,
    adapter: settings.adapter,
    profile: PROFILES[role],
    modulePath: JSON.stringify(settings.values),
    selector: {},
    sessions: SESSIONS,
    home: `${dir}/home`,
    retryPin: false,
    pin: async () => new Secret(BENCH_PIN),
    program: new URL('./simulated-host.js', import.meta.url),
  });
}

/** Keys on the source, made by another opening of the device, as by an earlier command. */
async function fillSource(request: EngineRequest): Promise<void> {
  const device = await open(settingsOf('classic', request), request.dir);
  await device.fill?.({ count: request.keys, type: 'aes-256', prefix: 'payments-', nonextractableShare: 0 });
  await device.close();
}

export async function openEngineDevices(request: EngineRequest): Promise<ReadonlyMap<string, BoundDevice>> {
  if (request.devices !== 'softhsm') await fillSource(request);
  const bound = new Map<string, BoundDevice>();
  for (const role of ['classic', 'cluster'] as const) {
    const settings = settingsOf(role, request);
    const device =
      request.devices === 'hosted' ? await openInHost(role, settings, request.dir) : await open(settings, request.dir);
    bound.set(role, { role, settings, description: await device.describe(), device });
  }
  return bound;
}
