import { describe, expect, test } from 'vitest';
import { deviceRefusal } from '../../../../../src/adapters/yubihsm/session/device-refusal.ts';
import { DEVICE_ERROR, type DeviceErrorName } from '../../../../../src/adapters/yubihsm/wire/device-errors.ts';

const refusalOf = (error: number, effect: 'read' | 'create' = 'create') =>
  deviceRefusal(error, { device: 'token', operation: 'put-opaque', effect });

describe('what the device refused', () => {
  test.each<[DeviceErrorName, string, string, string]>([
    ['invalid-command', 'capability-missing', 'item', 'not-applied'],
    ['invalid-data', 'device-refused', 'item', 'not-applied'],
    ['storage-failed', 'outcome-unknown', 'run', 'unknown'],
    ['wrong-length', 'device-refused', 'item', 'not-applied'],
    ['insufficient-permissions', 'key-not-permitted', 'item', 'not-applied'],
    ['log-full', 'device-refused', 'run', 'not-applied'],
    ['object-not-found', 'key-not-found', 'item', 'not-applied'],
    ['object-exists', 'device-refused', 'item', 'not-applied'],
    ['algorithm-disabled', 'capability-missing', 'item', 'not-applied'],
    ['sessions-full', 'device-busy', 'transient', 'not-applied'],
    ['demo-mode', 'device-refused', 'run', 'not-applied'],
    ['command-unexecuted', 'outcome-unknown', 'item', 'unknown'],
  ])('%s: %s, for %s, %s', (name, code, scope, outcome) => {
    const error = refusalOf(DEVICE_ERROR[name]);
    expect(error).toMatchObject({ code, scope, outcome, native: { name, value: DEVICE_ERROR[name] } });
    expect(error.message).toContain(name);
  });

  test.each(Object.entries(DEVICE_ERROR))('%s never leaves a read with an open outcome', (_, byte) => {
    expect(refusalOf(byte, 'read').outcome).toBe('not-applied');
  });

  test('a byte without a name leaves a change open and is shown as it is', () => {
    const error = refusalOf(0x42);
    expect(error).toMatchObject({ code: 'outcome-unknown', outcome: 'unknown', native: { name: '0x42', value: 0x42 } });
    expect(error.message).toContain('may have changed');
    expect(refusalOf(0x42, 'read').code).toBe('device-busy');
  });

  test('"ok" as an error is none that can be relied on', () => {
    expect(refusalOf(DEVICE_ERROR.ok)).toMatchObject({ outcome: 'unknown' });
  });
});
