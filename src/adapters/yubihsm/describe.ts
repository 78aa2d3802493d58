/** What the device is and can do, from its firmware, its algorithms and the rights of the session. */

import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { KeyType } from '../../keys/key-spec.ts';
import type { Capabilities, DeviceDescription, DeviceSettings, Trust } from '../adapter.ts';
import { getOpaque } from './commands/get-opaque.ts';
import { getStorageInfo } from './commands/get-storage-info.ts';
import { fingerprintMethods } from './objects/fingerprints.ts';
import { routesOn } from './objects/wrap-routes.ts';
import { ALGORITHM } from './wire/algorithms.ts';
import type { YubiHsm } from './yubihsm.ts';

const GENERATES: readonly (readonly [KeyType, number])[] = [
  ['aes', ALGORITHM.aes256],
  ['generic-secret', ALGORITHM['hmac-sha256']],
  ['rsa', ALGORITHM.rsa2048],
  ['ec', ALGORITHM.ecp256],
];

async function capabilitiesOf(hsm: YubiHsm): Promise<Capabilities> {
  const routes = routesOn(hsm);
  const { freeRecords } = await hsm.call(getStorageInfo, undefined, 'read how much room there is');
  return {
    wrap: routes,
    unwrap: routes,
    generate: GENERATES.flatMap(([type, algorithm]) => (hsm.hasAlgorithm(algorithm) ? [type] : [])),
    fingerprints: fingerprintMethods(hsm),
    uniqueIds: true,
    // One session, which does one command after the other.
    sessions: 1,
    capacity: freeRecords,
    // One device, and what it says is so.
    settle: { reads: 1, intervalMs: 0 },
    rates: {},
  };
}

/** The device's own certificate (opaque 0). keyferry's simulator says in it what it is, also to whoever meets it behind a connector. */
const SIMULATOR_MARK = 'keyferry simulator';

async function isServedSimulator(hsm: YubiHsm): Promise<boolean> {
  try {
    const certificate = await hsm.call(getOpaque, { id: 0 }, "read the device's own certificate");
    return Buffer.from(certificate).includes(SIMULATOR_MARK);
  } catch (error) {
    // A session may not be allowed to read it, and old devices have none: nothing speaks against the device then.
    if (error instanceof KeyferryError && error.native !== undefined) return false;
    throw error;
  }
}

async function trustOf(hsm: YubiHsm, driver: string): Promise<Trust> {
  if (driver === 'simulated') return 'simulated';
  return (await isServedSimulator(hsm)) ? 'software' : 'hardware';
}

export async function describeYubiHsm(
  hsm: YubiHsm,
  { name, adapter, driver }: DeviceSettings,
): Promise<DeviceDescription> {
  return {
    name,
    adapter,
    driver,
    trust: await trustOf(hsm, driver),
    serial: hsm.serial,
    label: '',
    manufacturer: 'Yubico',
    model: 'YubiHSM 2',
    firmware: hsm.firmware,
    capabilities: await capabilitiesOf(hsm),
  };
}
