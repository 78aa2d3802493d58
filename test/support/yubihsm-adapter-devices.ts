/**
 * YubiHSMs for tests of the adapter: through the adapter, or several sessions on one simulated device, whose replies a test can bend. What the
 * device holds is asked through a session of the test's own.
 */
import type { Device, OpenContext } from '../../src/adapters/adapter.ts';
import { yubihsm } from '../../src/adapters/yubihsm/adapter.ts';
import type { Command } from '../../src/adapters/yubihsm/commands/command.ts';
import { getDeviceInfo } from '../../src/adapters/yubihsm/commands/get-device-info.ts';
import { getObjectInfo } from '../../src/adapters/yubihsm/commands/get-object-info.ts';
import { listObjects } from '../../src/adapters/yubihsm/commands/list-objects.ts';
import { putAuthenticationKey } from '../../src/adapters/yubihsm/commands/put-authentication-key.ts';
import type { Connector } from '../../src/adapters/yubihsm/connector/connector.ts';
import { YubiHsmDevice } from '../../src/adapters/yubihsm/device.ts';
import { openOver } from '../../src/adapters/yubihsm/open-device.ts';
import { LastingSession } from '../../src/adapters/yubihsm/session/lasting-session.ts';
import { passwordLogin } from '../../src/adapters/yubihsm/session/login.ts';
import { openSession } from '../../src/adapters/yubihsm/session/open-session.ts';
import { callPlain } from '../../src/adapters/yubihsm/session/plain-exchange.ts';
import type { CommandCaller } from '../../src/adapters/yubihsm/session/session.ts';
import { staticKeysFromPassword } from '../../src/adapters/yubihsm/session/static-keys.ts';
import { SimulatedConnector } from '../../src/adapters/yubihsm/simulated-connector.ts';
import type { YubiHsmFault } from '../../src/adapters/yubihsm/simulator/faults.ts';
import type { FirmwareLevel } from '../../src/adapters/yubihsm/simulator/firmware.ts';
import { openSimulatedYubiHsm } from '../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { ALL_CAPABILITIES, type CapabilityName, capabilityMask } from '../../src/adapters/yubihsm/wire/capabilities.ts';
import { messageLimit } from '../../src/adapters/yubihsm/wire/frame.ts';
import { labelOf } from '../../src/adapters/yubihsm/wire/label.ts';
import type { ObjectInfo } from '../../src/adapters/yubihsm/wire/object-info.ts';
import { OBJECT_TYPE, type ObjectTypeName } from '../../src/adapters/yubihsm/wire/object-types.ts';
import { authorityOf, YubiHsm } from '../../src/adapters/yubihsm/yubihsm.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { KeyRef } from '../../src/keys/key-record.ts';
import { Secret } from '../../src/keys/secret.ts';
import { openContext } from './pkcs11-devices.ts';

export const yubihsmSettings = (values: Readonly<Record<string, unknown>> = {}, driver = 'simulated') => ({
  name: 'token',
  adapter: yubihsm.name,
  driver,
  values,
});

export async function openYubiHsm(
  values: Readonly<Record<string, unknown>> = {},
  context: OpenContext = openContext('password'),
): Promise<Device> {
  return await yubihsm.open(yubihsmSettings(values), context);
}

/** What a session may do; absent: everything that the factory's key may. */
export interface Rights {
  readonly capabilities?: readonly CapabilityName[];
  readonly without?: readonly CapabilityName[];
  readonly delegated?: readonly CapabilityName[];
  readonly delegatedWithout?: readonly CapabilityName[];
  readonly domains?: number;
}

/** Sees every reply before the adapter does; gives it, another one, or throws. */
export type Bend = (command: Command<never, unknown>, reply: unknown, request: unknown) => unknown;

export interface YubiHsmSite {
  readonly connector: Connector;
  /** A session of its own, with the rights given. */
  open(rights?: Rights): Promise<Device>;
  /** As `open`, its replies bent. */
  openBent(bend: Bend, driver?: string): Promise<Device>;
  /** The witness. */
  readonly admin: CommandCaller;
  info(type: ObjectTypeName, id: number): Promise<ObjectInfo | null>;
  /** `symmetric-key/0100` of everything but authentication keys. */
  objects(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface SiteOptions {
  readonly firmware?: FirmwareLevel;
  readonly serial?: number;
  readonly faults?: readonly YubiHsmFault[];
}

const mask = (named: readonly CapabilityName[] | undefined, without: readonly CapabilityName[] = []): bigint =>
  (named === undefined ? ALL_CAPABILITIES : capabilityMask(named)) & ~capabilityMask(without);

export async function yubihsmSite({
  firmware = '2.4',
  serial = 12_345_678,
  faults = [],
}: SiteOptions = {}): Promise<YubiHsmSite> {
  const simulated = await openSimulatedYubiHsm({ stateDir: null, firmware, serial, faults: { faults } });
  const inner = new SimulatedConnector(simulated);
  const connector: Connector = {
    status: () => inner.status(),
    send: (message) => inner.send(message),
    close: async () => undefined,
  };
  const peer = { connector, device: 'token' };
  const info = await callPlain(peer, getDeviceInfo, undefined);
  const sessionAs = async (keyId: number, password: string) => {
    const login = await passwordLogin(keyId, new Secret(password));
    return new LastingSession({ open: () => openSession({ peer, login, messageLimit: messageLimit(info.firmware) }) });
  };
  const admin = await sessionAs(1, 'password');
  const opened: { close(): Promise<void> }[] = [admin];
  const factory = await authorityOf(admin, 1);
  let nextKey = 0x0a00;
  const newKey = async (rights: Rights): Promise<number> => {
    nextKey += 1;
    const keys = await staticKeysFromPassword(`password-${nextKey}`);
    await admin.call(putAuthenticationKey, {
      id: nextKey,
      label: labelOf('test session'),
      domains: rights.domains ?? 0xffff,
      capabilities: mask(rights.capabilities, rights.without) & factory.capabilities,
      delegatedCapabilities: mask(rights.delegated, rights.delegatedWithout) & factory.delegated,
      material: { kind: 'symmetric', ...keys },
    });
    return nextKey;
  };
  const open = async (rights: Rights = {}): Promise<Device> => {
    const key = await newKey(rights);
    const values = { 'authentication-key': key.toString(16).padStart(4, '0'), password: { env: 'X' } };
    const device = await openOver(connector, yubihsmSettings(values), openContext(`password-${key}`));
    opened.push(device);
    return device;
  };
  const openBent = async (bend: Bend, driver = 'simulated'): Promise<Device> => {
    const session = await sessionAs(1, 'password');
    const caller: CommandCaller = {
      async call(command, request) {
        return bend(command, await session.call(command, request), request) as never;
      },
    };
    const hsm = new YubiHsm({
      name: 'token',
      caller,
      deviceInfo: () => callPlain(peer, getDeviceInfo, undefined),
      info,
      authority: await authorityOf(session, 1),
    });
    const device = new YubiHsmDevice({ hsm, settings: yubihsmSettings({}, driver), close: () => session.close() });
    opened.push(device);
    return device;
  };
  const nameOf = (type: number): string =>
    Object.entries(OBJECT_TYPE).find(([, value]) => value === type)?.[0] ?? String(type);
  return {
    connector,
    open,
    openBent,
    admin,
    async info(type, id) {
      try {
        return await admin.call(getObjectInfo, { type: OBJECT_TYPE[type], id });
      } catch (error) {
        if (error instanceof KeyferryError && error.code === 'key-not-found') return null;
        throw error;
      }
    },
    async objects() {
      const all = await admin.call(listObjects, {});
      return all
        .filter(({ type }) => type !== OBJECT_TYPE['authentication-key'])
        .map(({ type, id }) => `${nameOf(type)}/${id.toString(16).padStart(4, '0')}`)
        .sort();
    },
    async close() {
      for (const each of opened.reverse()) await each.close();
      await inner.close();
    },
  };
}

/** Makes a key through an action, `generate-key` unless told otherwise, and gives its reference. */
export async function make(
  device: Device,
  args: Readonly<Record<string, unknown>>,
  { action = 'generate-key', output = 'key' } = {},
): Promise<KeyRef> {
  const { outputs } = await device.perform({ action, args: { type: 'aes', bits: 256, label: 'key', ...args } });
  return outputs[output] as KeyRef;
}

/** What a call is refused with; fails the test when it is not. */
export async function refusalOf(work: Promise<unknown>): Promise<KeyferryError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof KeyferryError) return error;
  throw new Error(`expected a KeyferryError, got ${String(error)}`);
}

/** The reasons of one preview. */
export async function findingsOf(
  device: Device,
  action: string,
  args: Readonly<Record<string, unknown>>,
): Promise<readonly string[]> {
  const [findings = []] = await device.preview(action, [args], null);
  return findings.map(({ level, reason }) => `${level}: ${reason}`);
}
