/**
 * The devices of a site over simulated modules that a test can count, break and bend: the adapters' personalities and profiles, opened
 * as the simulated driver does, with a hand on every C_ call.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoundDevice } from '../../src/adapters/adapter.ts';
import { CLOUDHSM_PROFILE } from '../../src/adapters/cloudhsm/profile.ts';
import { cloudhsmPersonality } from '../../src/adapters/cloudhsm/simulator/personality.ts';
import { LUNA_CLASSIC_PROFILE } from '../../src/adapters/luna-classic/profile.ts';
import { lunaClassicPersonality } from '../../src/adapters/luna-classic/simulator/personality.ts';
import { CKU } from '../../src/adapters/pkcs11/constants.ts';
import type { Cryptoki } from '../../src/adapters/pkcs11/cryptoki.ts';
import { openPkcs11Device } from '../../src/adapters/pkcs11/open-device.ts';
import type { Fault } from '../../src/adapters/pkcs11/simulator/faults.ts';
import type { Defects, Personality } from '../../src/adapters/pkcs11/simulator/personality.ts';
import { createSimulatedModule } from '../../src/adapters/pkcs11/simulator/simulated-module.ts';
import { Secret } from '../../src/keys/secret.ts';
import { type OpenedDevices, openedDevices, ROLES, type Role, type Site } from './engine-site.ts';

export interface ModuleOptions {
  /** `nth` counts from the first call after the device was opened. */
  readonly faults?: readonly Fault[];
  readonly defects?: Defects;
  readonly personality?: (given: Personality) => Personality;
  /** Replaces calls from the start. `real` is the module itself. */
  readonly bend?: (real: Cryptoki) => Partial<Cryptoki>;
  /** Whether mechanisms are tried at open, true by default. */
  readonly probe?: boolean;
  /** Called before each call once the device is open; may throw what the module would. */
  readonly before?: (call: string) => void;
}

export interface CountedDevices extends OpenedDevices {
  /** How often the run made this call so far, opening aside. */
  calls(role: Role, call: keyof Cryptoki): number;
}

interface Counter {
  readonly counts: Map<string, number>;
  opened: ReadonlyMap<string, number>;
}

const PERSONALITIES = { classic: lunaClassicPersonality, cluster: cloudhsmPersonality } as const;

function personalityOf(site: Site, role: Role, defects: Defects): Personality {
  const serial = readFileSync(join(site.state(role), 'serial'), 'utf8').trim();
  const given = { label: undefined, serial, pin: undefined, defects };
  return role === 'classic'
    ? PERSONALITIES.classic({ ...given, members: 1 })
    : PERSONALITIES.cluster({ ...given, hsmType: 'unlimited' });
}

export async function openModules(
  site: Site,
  options: Partial<Record<Role, ModuleOptions>> = {},
): Promise<CountedDevices> {
  const bound = new Map<string, BoundDevice>();
  const counters = new Map<Role, Counter>();
  for (const role of Object.keys(ROLES) as Role[]) {
    const counter: Counter = { counts: new Map(), opened: new Map() };
    counters.set(role, counter);
    bound.set(role, await openModule(site, role, options[role] ?? {}, counter));
  }
  const devices = openedDevices(bound);
  return {
    ...devices,
    calls: (role, call) => {
      const counter = counters.get(role);
      return (counter?.counts.get(call) ?? 0) - (counter?.opened.get(call) ?? 0);
    },
  };
}

async function openModule(site: Site, role: Role, options: ModuleOptions, counter: Counter): Promise<BoundDevice> {
  const sound = personalityOf(site, role, options.defects ?? {});
  const personality = options.personality?.(sound) ?? sound;
  const open = async (faults: readonly Fault[]) => {
    const real = createSimulatedModule({
      stateDir: site.state(role),
      personality,
      cryptoWorkers: 0,
      faults: { faults },
    });
    real.C_Initialize();
    counter.counts.clear();
    let isOpen = false;
    const module = counted(real, counter, options, () => isOpen);
    const token = personality.tokens[0];
    const device = await openPkcs11Device({
      name: role,
      adapter: ROLES[role],
      driver: 'simulated',
      module,
      profile: {
        ...(role === 'classic' ? LUNA_CLASSIC_PROFILE : CLOUDHSM_PROFILE),
        settle: { reads: 2, intervalMs: 2 },
      },
      selector: { serial: token?.serial ?? '' },
      pin: async () => new Secret(token?.userPin ?? ''),
      sessions: 4,
      trust: 'simulated',
      capabilities: { probe: options.probe ?? true },
      login: { login: async (_, session, __, pin) => real.C_Login(session, CKU.USER, pin.reveal()) },
      onClose: () => real.close(),
    });
    isOpen = true;
    return device;
  };
  let device = await open([]);
  counter.opened = new Map(counter.counts);
  if (options.faults !== undefined) {
    // The simulator counts from its first call, which opening makes.
    const later = options.faults.map((fault) =>
      fault.nth === undefined ? fault : { ...fault, nth: fault.nth + (counter.opened.get(fault.call) ?? 0) },
    );
    await device.close();
    device = await open(later);
    counter.opened = new Map(counter.counts);
  }
  const settings = { name: role, adapter: ROLES[role], driver: 'simulated', values: {} };
  return { role, settings, description: await device.describe(), device };
}

function counted(real: Cryptoki, counter: Counter, options: ModuleOptions, isOpen: () => boolean): Cryptoki {
  const bent = options.bend?.(real) ?? {};
  return new Proxy<Cryptoki>(real, {
    get(target, name) {
      const own = Reflect.get(bent, name) ?? Reflect.get(target, name);
      if (typeof own !== 'function') return own;
      return (...args: unknown[]) => {
        counter.counts.set(String(name), (counter.counts.get(String(name)) ?? 0) + 1);
        if (isOpen()) options.before?.(String(name));
        return Reflect.apply(own, target, args);
      };
    },
  });
}
