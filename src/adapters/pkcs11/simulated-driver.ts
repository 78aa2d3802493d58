/**
 * The driver `simulated`: a PKCS#11 module in software, in this process, that behaves as the adapter's personality says. Everything
 * above the module is the code that drives the real one, its login guard included.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { Secret } from '../../keys/secret.ts';
import { type ObjectShape, optional, path } from '../../schema/shape.ts';
import type { Device, DeviceSettings, OpenContext } from '../adapter.ts';
import { prepareStateDir } from '../simulation/state-folder.ts';
import { createLoginGuard } from './login.ts';
import { CAPABILITIES_SHAPE, readCapabilities, readSelector, readSessions } from './native-driver.ts';
import { openPkcs11Device } from './open-device.ts';
import type { CapabilityOverrides, Pkcs11Profile } from './profile.ts';
import { FAULTS_SHAPE, type Fault, type FaultPlan } from './simulator/faults.ts';
import type { Defects, Personality } from './simulator/personality.ts';
import { createSimulatedModule, type SimulatedModule } from './simulator/simulated-module.ts';

export const SIMULATED_DRIVER: ObjectShape = {
  kind: 'object',
  fields: {
    state: optional(path('folder that keeps the keys, in clear; absent: they live as long as the process')),
    token: optional({ kind: 'string', description: 'label of the token' }),
    slot: optional({ kind: 'integer', minimum: 0, description: 'slot of the token' }),
    pin: optional({ kind: 'opaque', type: 'secret', description: "the user PIN; absent: the simulator's own" }),
    sessions: optional({ kind: 'integer', minimum: 1, maximum: 1024, description: 'sessions that may work at once' }),
    'crypto-workers': optional({
      kind: 'integer',
      minimum: 0,
      maximum: 64,
      description: 'threads for RSA private operations',
    }),
    faults: optional(FAULTS_SHAPE),
    'fault-seed': optional({ kind: 'integer', minimum: 0, description: 'seed of faults that come with a probability' }),
    defects: optional({
      kind: 'list',
      of: { kind: 'enum', values: ['wraps-unextractable', 'unwrapped-extractable', 'widens-wrapping-keys'] },
      description: 'known faults of devices in the field, to see them found',
    }),
    capabilities: optional(CAPABILITIES_SHAPE),
  },
};

/** What a personality is made from. */
export interface PersonalityOptions {
  /** Label of the token; undefined: the personality's own. */
  readonly label: string | undefined;
  /** Unique to this simulated device. */
  readonly serial: string;
  /** PIN of a token that has no state yet; undefined: the personality's own. */
  readonly pin: string | undefined;
  readonly defects: Defects;
}

/** What a devices-file entry asks of the module, apart from the personality. */
export interface ModuleRequest {
  readonly name: string;
  readonly stateDir: string | null;
  /** Label of the token; undefined: the personality's own. */
  readonly label: string | undefined;
  /** The user PIN as given. */
  readonly pin: string | undefined;
  readonly defects: Defects;
  readonly faults: FaultPlan;
  /** Undefined: the module's own number. */
  readonly cryptoWorkers: number | undefined;
}

export interface SourcedModule {
  readonly module: SimulatedModule;
  /** Of the token to open. */
  readonly serial: string;
  /** PIN that works when none is given. */
  readonly pin: string;
  /** Closes the module and what is behind it. */
  readonly close: () => Promise<void>;
}

export interface SimulatedDriver {
  readonly profile: Pkcs11Profile;
  personality(options: PersonalityOptions): Personality;
  /** Instead of one simulated device with that personality: where the module comes from. */
  readonly source?: (request: ModuleRequest) => Promise<SourcedModule>;
  /** Corrections that come from the adapter's own settings. */
  readonly capabilities?: CapabilityOverrides;
}

export async function openSimulated(
  settings: DeviceSettings,
  context: OpenContext,
  driver: SimulatedDriver,
): Promise<Device> {
  const { values, name } = settings;
  const pin = values.pin === undefined ? undefined : await context.secret('pin');
  const selector = readSelector(values);
  const sourced = await openSimulatedModule(settings, pin, driver);
  const { module } = sourced;
  try {
    module.C_Initialize();
    return await openPkcs11Device({
      name,
      adapter: settings.adapter,
      driver: settings.driver,
      module,
      profile: driver.profile,
      selector: selector.slot === undefined ? { serial: sourced.serial } : { slot: selector.slot },
      pin: async () => pin ?? new Secret(sourced.pin),
      sessions: readSessions(values, context),
      trust: 'simulated',
      capabilities: { ...driver.capabilities, ...readCapabilities(values, driver.profile) },
      login: createLoginGuard({ home: context.home, device: name, retryPin: context.retryPin }),
      onClose: () => sourced.close(),
    });
  } catch (error) {
    await sourced.close();
    throw error;
  }
}

/** The module behind a devices-file entry, not yet initialised: what the vendors' consoles run over. */
export async function openSimulatedModule(
  { name, values }: Pick<DeviceSettings, 'name' | 'values'>,
  pin: Secret | undefined,
  driver: SimulatedDriver,
): Promise<SourcedModule> {
  const seed = values['fault-seed'];
  const workers = values['crypto-workers'];
  return await (driver.source ?? ownModule(driver))({
    name,
    stateDir: typeof values.state === 'string' ? values.state : null,
    label: readSelector(values).token,
    pin: pin?.reveal(),
    defects: readDefects(values.defects),
    faults: {
      faults: (values.faults ?? []) as readonly Fault[],
      ...(typeof seed === 'number' ? { seed } : {}),
    },
    cryptoWorkers: typeof workers === 'number' ? workers : undefined,
  });
}

const ownModule =
  (driver: SimulatedDriver) =>
  async ({ name, stateDir, label, pin, defects, faults, cryptoWorkers }: ModuleRequest): Promise<SourcedModule> => {
    const personality = driver.personality({ label, serial: serialOf(name, stateDir), pin, defects });
    const workers = cryptoWorkers === undefined ? {} : { cryptoWorkers };
    // A group of partitions comes last in the list of slots and is what is meant where there is one.
    const token = personality.tokens.at(-1);
    const module = createSimulatedModule({ stateDir, personality, faults, ...workers });
    return { module, serial: token?.serial ?? '', pin: token?.userPin ?? '', close: () => module.close() };
  };

function readDefects(given: unknown): Defects {
  const names: readonly unknown[] = Array.isArray(given) ? given : [];
  return {
    wrapsUnextractable: names.includes('wraps-unextractable'),
    unwrappedExtractable: names.includes('unwrapped-extractable'),
    widensWrappingKeys: names.includes('widens-wrapping-keys'),
  };
}

/** Chosen once per state folder, so that two simulated devices are never one token to locators and plans. */
function serialOf(name: string, state: string | null): string {
  if (state === null) return `SIM${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
  prepareStateDir(state);
  const file = join(state, 'serial');
  try {
    writeFileSync(file, `SIM${randomBytes(6).toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) {
      throw new KeyferryError('file-unreadable', `${name}: the state folder ${state} cannot be written.`, {
        device: name,
        cause,
      });
    }
  }
  const serial = readFileSync(file, 'utf8').trim();
  if (!/^SIM[0-9a-f]{12}$/.test(serial)) {
    throw new KeyferryError(
      'simulator-state',
      `${name}: ${file} does not hold the serial number of a simulated device.`,
      { device: name },
    );
  }
  return serial;
}
