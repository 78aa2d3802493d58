import { describe, expect, test } from 'vitest';
import type { KeyRef } from '../../../src/keys/key-record.ts';
import type { FakeDevice, FakeKey } from '../../support/fake-device.ts';
import { planned } from '../../support/plan-making.ts';

const named = (at: number) => `k${String(at).padStart(4, '0')}`;
const many: FakeKey[] = Array.from({ length: 600 }, (_, at) => ({ label: named(at), id: `${at + 1000}` }));
const labelOf = (args: Readonly<Record<string, unknown>>) => (args.like as KeyRef).record?.label ?? '';

/** Labels per preview call of unwrap-key. */
function askedTogether(target: FakeDevice): string[][] {
  const asked = target.previewed.filter((call) => call.action === 'unwrap-key').map((call) => labelOf(call.args));
  const calls = target.calls.filter((call) => call.method === 'preview' && call.action === 'unwrap-key');
  return calls.map((call) => asked.splice(0, call.count));
}

describe('keys of equal material', () => {
  test('are asked about in one call, wherever they stand', async () => {
    const keys = many.map((key, at) => (at === 1 || at === 599 ? { ...key, material: 'shared' } : key));
    const { target, items } = await planned({ source: { keys } });
    const calls = askedTogether(target);
    expect(calls.map((call) => call.length)).toEqual([2, 255, 256, 87]);
    expect(calls[0]).toEqual([named(1), named(599)]);
    expect(items.map((item) => item.label)).toEqual(many.map((key) => key.label));
    expect(items[1]?.notes).toEqual(['2 keys of this plan have its material']);
    expect(items[2]?.notes).toEqual([]);
  });

  test('so that the one of the same name is the one that is there already', async () => {
    // A target that holds "k0599" and, as devices do, gives its copy to the first key that is not in the same call as its namesake.
    let isClaimed = false;
    const keys = many.map((key, at) => (at === 1 || at === 599 ? { ...key, material: 'shared' } : key));
    const { source, target, devices: _devices, plan: _plan } = await planned();
    const preview: typeof target.bound.device.preview = async (action, calls) => {
      const exact = calls.findIndex((args) => action === 'unwrap-key' && labelOf(args) === named(599));
      const first = calls.findIndex(
        (args) => action === 'unwrap-key' && [named(1), named(599)].includes(labelOf(args)),
      );
      const winner = exact === -1 ? first : exact;
      const isGiven = winner !== -1 && !isClaimed;
      isClaimed ||= isGiven;
      return calls.map((_args, at) => (isGiven && at === winner ? [{ level: 'duplicate', reason: 'there' }] : []));
    };
    source.keys = keys;
    const clever = { ...target, bound: { ...target.bound, device: { ...target.bound.device, preview } } };
    const { items } = await planned({ fakes: { source, target: clever } });
    expect(items.filter((item) => item.action === 'duplicate').map((item) => item.label)).toEqual([named(599)]);
  });

  test('a group is never split, small groups share a call', async () => {
    const keys = many.map((key, at) => ({ ...key, material: at < 300 ? 'big' : `pair-${at >> 1}` }));
    const { target } = await planned({ source: { keys } });
    const calls = askedTogether(target);
    const big = calls.find((call) => call.includes(named(0)));
    expect(big).toHaveLength(300);
    expect(calls.every((call) => call.length <= 256 || call === big)).toBe(true);
    expect(calls.length).toBeLessThanOrEqual(4);
    for (let at = 300; at < 600; at += 2) {
      const call = calls.find((each) => each.includes(named(at)));
      expect(call).toContain(named(at + 1));
    }
  });

  test('keys of another type or without fingerprints share nothing', async () => {
    const keys: FakeKey[] = [
      { label: 'a', material: 'same' },
      { label: 'b', material: 'same', type: 'des3' },
    ];
    expect((await planned({ source: { keys } })).items.flatMap((item) => item.notes)).toEqual([]);
    const equal: FakeKey[] = [
      { label: 'a', material: 'same' },
      { label: 'b', material: 'same' },
    ];
    expect(
      (await planned({ fingerprint: false, source: { keys: equal } })).items.flatMap((item) => item.notes),
    ).toEqual([]);
  });

  test('what a preview says of them counts', async () => {
    const keys: FakeKey[] = [
      { label: 'a', material: 'same' },
      { label: 'b', material: 'same' },
    ];
    const findings = { 'unwrap-key': () => [{ level: 'block' as const, reason: 'no' }] };
    const { items } = await planned({ source: { keys }, target: { findings } });
    expect(items.map((item) => [item.action, item.reason])).toEqual([
      ['block', 'no'],
      ['block', 'no'],
    ]);
  });
});
