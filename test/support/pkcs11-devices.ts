/** Devices behind PKCS#11 for tests: through the adapters, or over a simulated module that a test can bend. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Adapter, Device, OpenContext } from '../../src/adapters/adapter.ts';
import { LUNA_CLASSIC_PROFILE } from '../../src/adapters/luna-classic/profile.ts';
import { CKU } from '../../src/adapters/pkcs11/constants.ts';
import type { Cryptoki } from '../../src/adapters/pkcs11/cryptoki.ts';
import type { LoginGuard } from '../../src/adapters/pkcs11/login-guard.ts';
import { type OpenPkcs11Options, openPkcs11Device } from '../../src/adapters/pkcs11/open-device.ts';
import type { FaultPlan } from '../../src/adapters/pkcs11/simulator/faults.ts';
import { GENERIC_PERSONALITY, type Personality } from '../../src/adapters/pkcs11/simulator/personality.ts';
import { createSimulatedModule } from '../../src/adapters/pkcs11/simulator/simulated-module.ts';
import type { KeyRecord, KeyRef } from '../../src/keys/key-record.ts';
import { Secret } from '../../src/keys/secret.ts';

export const SALT = new Uint8Array(16).fill(7);

export const temporaryHome = (): string => mkdtempSync(join(tmpdir(), 'keyferry-home-'));

export const openContext = (pin = '1234', sessions = 4): OpenContext => ({
  secret: async () => new Secret(pin),
  home: temporaryHome(),
  retryPin: false,
  sessions,
});

export async function openSimulated(
  adapter: Adapter,
  values: Readonly<Record<string, unknown>> = {},
  name = adapter.name,
): Promise<Device> {
  const settings = { name, adapter: adapter.name, driver: 'simulated', values: { 'crypto-workers': 0, ...values } };
  return await adapter.open(settings, openContext());
}

const plainLogin: LoginGuard = {
  login: async (module, session, _token, pin) => module.C_Login(session, CKU.USER, pin.reveal()),
};

export interface BentOptions {
  readonly personality?: Partial<Personality>;
  readonly faults?: FaultPlan;
  /** Replaces calls of the module; `real` is the module itself. */
  readonly bend?: (real: Cryptoki) => Partial<Cryptoki>;
  readonly stateDir?: string;
  readonly open?: Partial<OpenPkcs11Options>;
}

/** A device over a plain simulated module, some of whose calls the test replaces. */
export async function openBent(
  options: BentOptions = {},
): Promise<{ readonly device: Device; readonly module: Cryptoki }> {
  const real = createSimulatedModule({
    stateDir: options.stateDir ?? null,
    personality: { ...GENERIC_PERSONALITY, ...options.personality },
    cryptoWorkers: 0,
    ...(options.faults === undefined ? {} : { faults: options.faults }),
  });
  real.C_Initialize();
  const bent = options.bend?.(real) ?? {};
  const module = new Proxy<Cryptoki>(real, {
    get(target, name) {
      const own = Reflect.get(bent, name) ?? Reflect.get(target, name);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
  const device = await openPkcs11Device({
    name: 'bent',
    adapter: 'luna-classic',
    driver: 'simulated',
    module,
    profile: { ...LUNA_CLASSIC_PROFILE, settle: { reads: 1, intervalMs: 0 } },
    selector: { token: 'generic' },
    pin: async () => new Secret('1234'),
    sessions: 4,
    trust: 'simulated',
    login: plainLogin,
    onClose: () => real.close(),
    ...options.open,
  });
  return { device, module };
}

export async function listKeys(device: Device, query: Parameters<Device['inventory']>[0] = {}): Promise<KeyRecord[]> {
  const all: KeyRecord[] = [];
  for await (const batch of device.inventory(query)) all.push(...batch);
  return all;
}

export const refOf = (record: KeyRecord): KeyRef => ({ kind: 'key', device: 'test', locator: record.locator });

/** Makes a key and gives its reference. */
export async function makeKey(device: Device, args: Readonly<Record<string, unknown>> = {}): Promise<KeyRef> {
  const { outputs } = await device.perform({
    action: 'generate-key',
    args: { type: 'aes', bits: 256, label: 'key', extractable: true, ...args },
  });
  return outputs.key as KeyRef;
}

export interface Route {
  readonly publicKey: KeyRef;
  readonly privateKey: KeyRef;
  readonly wrapper: KeyRef;
}

/** The wrapping pair on the target and its public half on the source. */
export async function makeRoute(source: Device, target: Device): Promise<Route> {
  const pair = await target.perform({
    action: 'generate-rsa-key-pair',
    args: { purpose: 'wrapping', label: 'route', 'modulus-bits': 2048 },
  });
  const exported = await target.perform({ action: 'export-public-key', args: { key: pair.outputs.public_key } });
  const imported = await source.perform({
    action: 'import-public-key',
    args: { 'public-key': exported.outputs.pem, label: 'route', purpose: 'wrapping' },
  });
  return {
    publicKey: pair.outputs.public_key as KeyRef,
    privateKey: pair.outputs.private_key as KeyRef,
    wrapper: imported.outputs.key as KeyRef,
  };
}

export const wrapCall = (key: KeyRef, route: Route, mechanism = 'rsa-oaep-sha1') => ({
  action: 'wrap-key',
  args: { key, 'wrapping-key': route.wrapper, mechanism },
});

export const unwrapCall = (
  wrapped: unknown,
  like: KeyRef,
  route: Route,
  more: Readonly<Record<string, unknown>> = {},
) => ({
  action: 'unwrap-key',
  args: { 'wrapped-key': wrapped, 'unwrapping-key': route.privateKey, like, ...more },
});
