/** Bytes of commands, written out from the format: the device itself: echo, storage, options, log, and what is asked outside a session. */
import { describe, expect, test } from 'vitest';
import { blinkDevice } from '../../../../../src/adapters/yubihsm/commands/blink-device.ts';
import { closeSession } from '../../../../../src/adapters/yubihsm/commands/close-session.ts';
import {
  getOption,
  OPTION,
  readSwitch,
  readSwitches,
  setOption,
} from '../../../../../src/adapters/yubihsm/commands/device-option.ts';
import { echo } from '../../../../../src/adapters/yubihsm/commands/echo.ts';
import { getDeviceInfo, getPartNumber } from '../../../../../src/adapters/yubihsm/commands/get-device-info.ts';
import { getDevicePublicKey } from '../../../../../src/adapters/yubihsm/commands/get-device-public-key.ts';
import { getLogEntries } from '../../../../../src/adapters/yubihsm/commands/get-log-entries.ts';
import { getStorageInfo } from '../../../../../src/adapters/yubihsm/commands/get-storage-info.ts';
import { resetDevice } from '../../../../../src/adapters/yubihsm/commands/reset-device.ts';
import { setLogIndex } from '../../../../../src/adapters/yubihsm/commands/set-log-index.ts';
import { WireError } from '../../../../../src/adapters/yubihsm/wire/wire-error.ts';
import {
  describeCommands,
  type Example,
  example,
  fill,
  NOTHING,
  times,
} from '../../../../support/yubihsm-wire-examples.ts';

const EXAMPLES: readonly Example[] = [
  example('echo', echo, fill(2), {
    sent: 'aaaa',
    reply: 'aaaa',
    value: undefined,
    wrong: ['', 'aa', 'aaab', 'aaaaaa'],
  }),
  example('reset-device', resetDevice, undefined, { sent: '', ...NOTHING }),
  example('blink-device', blinkDevice, { seconds: 5 }, { sent: '05', ...NOTHING }),
  example('get-storage-info', getStorageInfo, undefined, {
    sent: '',
    reply: '0100 00ff 0400 03f0 007e',
    value: { totalRecords: 256, freeRecords: 255, totalPages: 1024, freePages: 1008, pageBytes: 126 },
    wrong: ['', '010000ff040003f000', '010000ff040003f0007e00', '0100 0101 0400 03f0 007e', '0100 00ff 0400 0401 007e'],
  }),
  example(
    'set-option',
    setOption,
    { option: OPTION.commandAudit, value: Uint8Array.of(0x42, 1) },
    {
      sent: '03 0002 4201',
      ...NOTHING,
    },
  ),
  example(
    'get-option',
    getOption,
    { option: OPTION.forceAudit },
    { sent: '01', reply: '02', value: fill(1, 2), wrong: [] },
  ),
  example('get-log-entries', getLogEntries, undefined, {
    sent: '',
    reply: '0001 0002 00',
    value: { unloggedBoots: 1, unloggedAuthentications: 2, entries: [] },
    wrong: ['', '00010002', '0001000201', '000100020000'],
  }),
  example('set-log-index', setLogIndex, { number: 0x1234 }, { sent: '1234', ...NOTHING }),
];

/** Closing ends the session, so it is not tried over one here. */
const PLAIN: readonly Example[] = [
  example('close-session', closeSession, undefined, { sent: '', ...NOTHING }),
  example('get-device-info', getDeviceInfo, undefined, {
    sent: '',
    reply: '020401 00000001 3e 05 0102',
    value: { firmware: { major: 2, minor: 4, patch: 1 }, serial: 1, logTotal: 62, logUsed: 5, algorithms: [1, 2] },
    wrong: ['', '0204010000000 13e'],
  }),
  example('get-device-info, page 1', getPartNumber, undefined, {
    sent: '01',
    reply: '534c4500',
    value: 'SLE',
    wrong: ['', '00', '530045', '534c1b'],
  }),
  example('get-device-public-key', getDevicePublicKey, undefined, {
    sent: '',
    reply: `31${times('aa', 64)}`,
    value: fill(64),
    wrong: ['', '31', `0c${times('aa', 64)}`, `31${times('aa', 63)}`, `31${times('aa', 65)}`],
  }),
];

describeCommands(EXAMPLES, PLAIN);

describe('requests that cannot be made', () => {
  test.each<[string, () => Uint8Array]>([['a minute of 256 seconds', () => blinkDevice.encode({ seconds: 256 })]])(
    '%s',
    (_, encode) => {
      expect(encode).toThrow(WireError);
    },
  );
});

describe('option values', () => {
  test('of one switch', () => {
    expect([0, 1, 2].map((value) => readSwitch(Uint8Array.of(value)))).toEqual([0, 1, 2]);
    for (const wrong of [[], [3], [0, 0]]) expect(() => readSwitch(Uint8Array.from(wrong))).toThrow(WireError);
  });

  test('of many', () => {
    expect([...readSwitches(Uint8Array.of(0x42, 1, 0x43, 2))]).toEqual([
      [0x42, 1],
      [0x43, 2],
    ]);
    expect(() => readSwitches(Uint8Array.of(0x42))).toThrow(WireError);
    expect(() => readSwitches(Uint8Array.of(0x42, 1, 0x42, 0))).toThrow(WireError);
  });
});
