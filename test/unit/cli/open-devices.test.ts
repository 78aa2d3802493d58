import { describe, expect, test } from 'vitest';
import type { BoundDevice, DeviceSettings } from '../../../src/adapters/adapter.ts';
import { createInterrupts } from '../../../src/cli/interrupts.ts';
import { openDevices } from '../../../src/cli/open-devices.ts';
import type { Shell } from '../../../src/cli/shell.ts';
import { KeyferryError } from '../../../src/errors/keyferry-error.ts';
import { fakeDevice } from '../../support/fake-device.ts';
import { aTerminal } from '../../support/terminal-input.ts';

const settings = (name: string): DeviceSettings => ({ name, adapter: 'fake', driver: 'simulated', values: {} });

function aBench() {
  const shell: Shell = { io: aTerminal().io, interrupts: createInterrupts(() => undefined), exitCode: 0 };
  const opened: string[] = [];
  const closed: string[] = [];
  const open = async (role: string, of: DeviceSettings): Promise<BoundDevice> => {
    opened.push(of.name);
    if (of.name.startsWith('broken'))
      throw new KeyferryError('device-unreachable', `${of.name} does not answer`, { device: of.name });
    if (of.name === 'bug') throw new TypeError('a bug');
    const fake = fakeDevice({ role, name: of.name });
    const device = new Proxy(fake.bound.device, {
      get: (target, property) =>
        property === 'close' ? async () => void closed.push(of.name) : Reflect.get(target, property),
    });
    return { ...fake.bound, role, settings: of, device };
  };
  return { shell, open, opened, closed };
}

describe('openDevices', () => {
  test('opens each device once, also where two roles are bound to it', async () => {
    const { shell, open, opened, closed } = aBench();
    const bound = new Map([
      ['source', settings('lab')],
      ['target', settings('lab')],
    ]);
    const { devices, close } = await openDevices(shell, bound, open);
    expect(opened).toEqual(['lab']);
    expect([...devices.values()].map(({ role }) => role)).toEqual(['source', 'target']);
    await close();
    await close();
    expect(closed).toEqual(['lab']);
  });

  test('closes what was opened when another fails, and says every failure', async () => {
    const { shell, open, closed } = aBench();
    const bound = new Map(['good', 'broken1', 'broken2'].map((name) => [name, settings(name)]));
    const failure = openDevices(shell, bound, open);
    await expect(failure).rejects.toMatchObject({ code: 'device-unreachable', device: 'broken1', exitCode: 7 });
    await expect(failure).rejects.toThrow('broken1 does not answer\nAlso: broken2 does not answer');
    expect(closed).toEqual(['good']);
  });

  test('a bug is not hidden behind an error', async () => {
    const { shell, open } = aBench();
    const bound = new Map(['broken', 'bug'].map((name) => [name, settings(name)]));
    await expect(openDevices(shell, bound, open)).rejects.toBeInstanceOf(TypeError);
  });

  test('a signal closes them', async () => {
    const { shell, open, closed } = aBench();
    await openDevices(shell, new Map([['source', settings('lab')]]), open);
    shell.interrupts.signal();
    await expect(shell.interrupts.interrupted).rejects.toThrow();
    expect(closed).toEqual(['lab']);
  });
});
