/** Creating, describing, listing and deleting objects, with the reported lengths that users measured. */
import { beforeEach, describe, expect, test } from 'vitest';
import {
  openSimulatedYubiHsm,
  type SimulatedYubiHsm,
} from '../../../../../src/adapters/yubihsm/simulator/simulated-yubihsm.ts';
import { DeviceClient } from '../../../../support/yubihsm-device-client.ts';

let device: SimulatedYubiHsm;
let client: DeviceClient;

beforeEach(async () => {
  device = await openSimulatedYubiHsm({ stateDir: null });
  client = await DeviceClient.open(device);
});

describe('a new device', () => {
  test('has the factory key', async () => {
    const info = await client.info('authentication-key', 1);
    expect(Buffer.from(info.label).toString()).toBe('DEFAULT AUTHKEY CHANGE THIS ASAP');
    expect(info).toMatchObject({ length: 40, domains: 0xffff, algorithm: 38, origin: 2, sequence: 0 });
  });
  test('generates', async () => {
    const id = await client.create('generate-asymmetric-key', { algorithm: 'ecp256', can: ['sign-ecdsa'] });
    expect(await client.info('asymmetric-key', id)).toMatchObject({ length: 96, origin: 1 });
  });
});
