import { expect, test } from 'vitest';
import type { DeviceSettings } from '../../../src/adapters/adapter.ts';
import { bindDevices } from '../../../src/devices/bind-devices.ts';

const settings = (name: string, adapter: string): DeviceSettings => ({
  name,
  adapter,
  driver: 'simulated',
  values: {},
});
const FILE = {
  path: '/d.yaml',
  devices: {
    classic: settings('classic', 'luna-classic'),
    cluster: settings('cluster', 'cloudhsm'),
    lab: settings('lab', 'luna-classic'),
  },
};
const PLAYBOOK = { devices: { classic: 'luna-classic', cluster: 'cloudhsm' } };

const bind = (overrides: Record<string, string>, playbook = PLAYBOOK): Record<string, string> =>
  Object.fromEntries(
    [...bindDevices({ playbook, file: FILE, overrides })].map(([role, device]) => [role, device.name]),
  );

test('a role is the device of its name, or the one that is named for it', () => {
  expect(bind({})).toEqual({ classic: 'classic', cluster: 'cluster' });
  expect(bind({ classic: 'lab' })).toEqual({ classic: 'lab', cluster: 'cluster' });
});

test.each([
  [{ classic: 'labb' }, 'The devices file /d.yaml has no device labb (did you mean lab?).'],
  [{ clasic: 'lab' }, 'The playbook has no device clasic (did you mean classic?).'],
  [{ classic: 'cluster' }, 'The playbook wants luna-classic as classic, and the device cluster is cloudhsm.'],
  [{ classic: 'toString' }, 'The devices file /d.yaml has no device toString (known: classic, cluster, lab).'],
  [
    { classic: 'cluster', cluster: 'none' },
    'The playbook wants luna-classic as classic, and the device cluster is cloudhsm; the devices file /d.yaml has no device none (known: classic, cluster, lab).',
  ],
])('%j is refused', (overrides: Record<string, string>, message) => {
  expect(() => bind(overrides)).toThrow(expect.objectContaining({ code: 'device-unknown', message }));
});

test('a role without a device is refused', () => {
  expect(() =>
    bind({}, { devices: { classic: 'luna-classic', cluster: 'cloudhsm', token: 'yubihsm' } as never }),
  ).toThrow(/has no device token/);
});
