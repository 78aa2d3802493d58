/** What is compared before the first wrap, and what of it is written down. */
import { describe, expect, it } from 'vitest';
import type { BoundDevice } from '../../src/adapters/adapter.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { Entry, Journal } from '../../src/journal/journal.ts';
import type { KeyRef } from '../../src/keys/key-record.ts';
import type { Playbook } from '../../src/playbook/model.ts';
import { systemClock } from '../../src/workflows/call-clock.ts';
import { guardWrappingKeys } from '../../src/workflows/wrapping-guard.ts';
import { routePlaybook } from '../support/engine-fakes.ts';
import { type FakeKey, fakeDevice, fakeRecord } from '../support/fake-device.ts';
import { SALT } from '../support/plan-making.ts';

interface Guarded {
  /** The unwrapping key on the target, and what is on the source under the wrapping key's name. */
  readonly unwrapping: FakeKey;
  readonly wrapping: FakeKey;
  readonly spki?: { readonly source: string; readonly target: string };
  readonly playbook?: Playbook;
  readonly steps?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Refusals of the device before it answers. */
  readonly busyReads?: number;
}

async function guard(given: Guarded): Promise<{ readonly checks: Entry[]; readonly error: unknown }> {
  const checks: Entry[] = [];
  let busyReads = given.busyReads ?? 0;
  const side = (role: 'source' | 'target', key: FakeKey): BoundDevice => {
    const { bound } = fakeDevice({ role, keys: [key] });
    const device = {
      ...bound.device,
      publicKey: async () => {
        busyReads -= 1;
        if (busyReads >= 0) throw new KeyferryError('device-busy', 'busy');
        return new TextEncoder().encode(given.spki?.[role] ?? 'pair');
      },
    };
    return { ...bound, device };
  };
  const devices = new Map(
    [side('source', given.wrapping), side('target', given.unwrapping)].map((each) => [each.role, each]),
  );
  const ref = (role: string, key: FakeKey): KeyRef => ({
    kind: 'key',
    device: role,
    locator: fakeRecord(key, `serial-${role}`).locator,
  });
  const steps = given.steps ?? {
    pair: { private_key: ref('target', given.unwrapping) },
    wrapper: { key: ref('source', given.wrapping) },
  };
  const environment = {
    playbook: given.playbook ?? routePlaybook(),
    journal: { append: async (entry: Entry) => void checks.push(entry) } as unknown as Journal,
    devices,
    salt: SALT,
    clock: { ...systemClock(), sleep: async () => undefined },
  };
  const error = await guardWrappingKeys(environment, { inputs: {}, steps }).then(
    () => null,
    (reason: unknown) => reason,
  );
  return { checks, error };
}

const PUBLIC: FakeKey = { label: 'wrapping', id: 'aa', class: 'public', type: 'rsa' };
const PRIVATE: FakeKey = { ...PUBLIC, class: 'private', attributes: { local: true } };

describe('an RSA pair', () => {
  it('passes when both halves belong together and the private one was made there', async () => {
    const { checks, error } = await guard({ wrapping: PUBLIC, unwrapping: PRIVATE });
    expect(error).toBeNull();
    expect(checks).toEqual([
      {
        kind: 'check',
        name: 'wrapping-key wrapped → arrived',
        result: 'passed',
        detail: { spkiSha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    ]);
  });

  it.each<[string, Partial<Guarded>, string]>([
    [
      'whose public half is another on the source',
      { spki: { source: 'stranger', target: 'pair' } },
      'wrapping-key-swapped',
    ],
    [
      'whose private half came from elsewhere',
      { unwrapping: { ...PRIVATE, attributes: { local: false } } },
      'wrapping-key-not-local',
    ],
    [
      'of which the device does not say where it came from',
      { unwrapping: { ...PRIVATE, attributes: {} } },
      'wrapping-key-not-local',
    ],
  ])('%s is refused, and that is written down', async (_, given, code) => {
    const { checks, error } = await guard({ wrapping: PUBLIC, unwrapping: PRIVATE, ...given });
    expect(error).toMatchObject({ code, scope: 'run' });
    expect(checks).toMatchObject([{ kind: 'check', result: 'failed', detail: { code } }]);
  });

  it('is asked for again when the device is busy', async () => {
    expect((await guard({ wrapping: PUBLIC, unwrapping: PRIVATE, busyReads: 3 })).error).toBeNull();
    expect((await guard({ wrapping: PUBLIC, unwrapping: PRIVATE, busyReads: 60 })).error).toMatchObject({
      code: 'device-busy',
    });
  });
});

describe('a transit key on both sides', () => {
  const KEK: FakeKey = { label: 'kek', id: 'bb', class: 'secret' };

  it('passes when it is the same', async () => {
    const { checks, error } = await guard({ wrapping: KEK, unwrapping: KEK });
    expect(error).toBeNull();
    expect(checks).toMatchObject([{ result: 'passed', detail: { result: 'same' } }]);
  });

  it('is refused when it is another', async () => {
    const { checks, error } = await guard({ wrapping: KEK, unwrapping: { ...KEK, material: 'strangers' } });
    expect(error).toMatchObject({ code: 'wrapping-key-swapped' });
    expect(checks).toMatchObject([{ result: 'failed' }]);
  });
});

describe('a route without wrapping keys of the run', () => {
  it('has nothing to compare before its items', async () => {
    const { checks, error } = await guard({ wrapping: PUBLIC, unwrapping: PRIVATE, steps: {} });
    expect(error).toBeNull();
    expect(checks).toEqual([]);
  });

  it('nor has one that wraps nothing', async () => {
    const playbook = routePlaybook({ each: [] });
    const { checks } = await guard({
      wrapping: PUBLIC,
      unwrapping: PRIVATE,
      playbook,
      spki: { source: 'a', target: 'b' },
    });
    expect(checks).toEqual([]);
  });
});
