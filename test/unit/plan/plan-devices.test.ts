import { describe, expect, test } from 'vitest';
import type { BoundDevice } from '../../../src/adapters/adapter.ts';
import type { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { checkPlanDevices } from '../../../src/plan/plan-devices.ts';
import { type FakeDeviceOptions, fakeDevice } from '../../support/fake-device.ts';
import { planned } from '../../support/plan-making.ts';

const bind = (...options: FakeDeviceOptions[]): Map<string, BoundDevice> =>
  new Map(options.map((each) => fakeDevice(each).bound).map((bound) => [bound.role, bound]));

describe('the devices of a plan', () => {
  test('may have another name and driver, and more may be bound', async () => {
    const { plan } = await planned();
    const devices = bind({ role: 'source', name: 'renamed' }, { role: 'target' }, { role: 'third' });
    expect(() => checkPlanDevices(plan.head, devices)).not.toThrow();
  });

  test('are refused for every difference, all at once', async () => {
    const { plan } = await planned();
    const devices = bind({ role: 'source', serial: 'S2', trust: 'hardware' }, { role: 'target', adapter: 'other' });
    try {
      checkPlanDevices(plan.head, devices);
      expect.unreachable();
    } catch (error) {
      const { code, message, exitCode } = error as KeyferryError;
      expect([code, exitCode]).toEqual(['plan-devices', 3]);
      expect(message).toContain('source has serial "S2" and the plan was made for "serial-source"');
      expect(message).toContain('source has trust "hardware" and the plan was made for "simulated"');
      expect(message).toContain('target has adapter "other" and the plan was made for "fake-adapter"');
    }
  });

  test('must be bound', async () => {
    const { plan } = await planned();
    expect(() => checkPlanDevices(plan.head, bind({ role: 'source' }))).toThrow('no device is bound to target');
  });
});
