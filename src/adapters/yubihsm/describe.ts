/** What the device is and can do, from its firmware, its algorithms and the rights of the session. */
import type { KeyType } from '../../keys/key-spec.ts';
import type { Capabilities, DeviceDescription, DeviceSettings } from '../adapter.ts';
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

export async function describeYubiHsm(
  hsm: YubiHsm,
  { name, adapter, driver }: DeviceSettings,
): Promise<DeviceDescription> {
  return {
    name,
    adapter,
    driver,
    trust: driver === 'simulated' ? 'simulated' : 'hardware',
    serial: hsm.serial,
    label: '',
    manufacturer: 'Yubico',
    model: 'YubiHSM 2',
    firmware: hsm.firmware,
    capabilities: await capabilitiesOf(hsm),
  };
}
