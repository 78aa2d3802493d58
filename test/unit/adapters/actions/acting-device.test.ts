import { describe, expect, test } from 'vitest';
import { ActingDevice } from '../../../../src/adapters/actions/acting-device.ts';
import { type Action, block, done, type Source } from '../../../../src/adapters/actions/action.ts';
import { specsOf, tableOf } from '../../../../src/adapters/actions/action-table.ts';
import { shape } from '../../../../src/adapters/actions/arguments.ts';
import { KeyferryError } from '../../../../src/errors/keyferry-error.ts';

class Shelf {
  readonly calls: string[] = [];
  fail(code: 'argument-invalid', message: string): KeyferryError {
    return new KeyferryError(code, `shelf: ${message}`, { device: 'shelf' });
  }
}

const look: Action<Shelf> = {
  spec: { name: 'look', summary: 'Look', effect: 'read', input: shape({}), outputs: {} },
  async perform(shelf, call) {
    shelf.calls.push(`look ${String(call.args.at)}`);
    return done({ seen: call.args.at });
  },
};

const put: Action<Shelf> = {
  spec: { name: 'put', summary: 'Put', effect: 'create', input: shape({}), outputs: {} },
  perform: async () => done({}),
  preview: async (_shelf, calls, salt) => calls.map((args) => [block(`${String(args.at)} ${salt?.length}`)]),
  expect: async (_shelf, _call, source) => ({
    expectation: { kind: 'marker', id: source?.fingerprint.value ?? 'none' },
    already: null,
  }),
  reconcile: async () => ({ state: 'absent' }),
};

class ShelfDevice extends ActingDevice<Shelf> {
  readonly salts: (number | undefined)[] = [];
  protected override remember(salt: Uint8Array | null | undefined): void {
    this.salts.push(salt?.length);
  }
}

function aDevice(): { shelf: Shelf; device: ShelfDevice } {
  const shelf = new Shelf();
  return { shelf, device: new ShelfDevice(shelf, tableOf([look, put])) };
}

const sourceOf = (value: string, saltBytes: number): Source => ({
  fingerprint: { method: 'mac', value },
  salt: new Uint8Array(saltBytes),
});

const refused = (message: string) => ({ code: 'argument-invalid', message: `shelf: ${message}`, device: 'shelf' });

describe('a device of actions', () => {
  test('hands each call to the action of its name', async () => {
    const { shelf, device } = aDevice();
    expect(await device.perform({ action: 'look', args: { at: 'here' } })).toEqual(done({ seen: 'here' }));
    expect(shelf.calls).toEqual(['look here']);
    expect(await device.preview('put', [{ at: 1 }, { at: 2 }], new Uint8Array(4))).toEqual([
      [block('1 4')],
      [block('2 4')],
    ]);
    const source = sourceOf('ab', 2);
    expect((await device.expect({ action: 'put', args: {} }, source)).expectation).toEqual({
      kind: 'marker',
      id: 'ab',
    });
    expect(await device.reconcile({ action: 'put', args: {} }, null)).toEqual({ state: 'absent' });
  });

  test('finds nothing beforehand where an action has no preview', async () => {
    expect(await aDevice().device.preview('look', [{}, {}], null)).toEqual([[], []]);
  });

  test('remembers the salt of the source before that of the call', async () => {
    const { device } = aDevice();
    await device.expect({ action: 'put', args: {}, salt: new Uint8Array(9) }, sourceOf('ab', 2));
    await device.reconcile({ action: 'put', args: {}, salt: new Uint8Array(9) }, null);
    await device.perform({ action: 'put', args: {} });
    expect(device.salts).toEqual([2, 9, undefined]);
  });

  test('refuses an action that it has not, by every method', async () => {
    const { device } = aDevice();
    const call = { action: 'toString', args: {} };
    const expected = refused('there is no action "toString".');
    await expect(device.perform(call)).rejects.toMatchObject(expected);
    await expect(device.preview('toString', [], null)).rejects.toMatchObject(expected);
    await expect(device.expect(call, null)).rejects.toMatchObject(expected);
    await expect(device.reconcile(call, null)).rejects.toMatchObject(expected);
  });

  test('refuses to forecast or to settle what a reading action never does', async () => {
    const { device } = aDevice();
    const call = { action: 'look', args: {} };
    await expect(device.expect(call, null)).rejects.toMatchObject(refused('look creates nothing.'));
    await expect(device.reconcile(call, null)).rejects.toMatchObject(refused('look changes nothing.'));
  });

  test('declares its actions by name', () => {
    expect(specsOf([look, put])).toEqual({ look: look.spec, put: put.spec });
  });
});
