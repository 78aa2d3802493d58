/** Time in the engine: quotas, backoff, patience and the rate that people see. */
import { describe, expect, it } from 'vitest';
import type { ActionSpec, DeviceDescription } from '../../src/adapters/adapter.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import { backoffMs, type CallClock } from '../../src/workflows/call-clock.ts';
import { patiently, TRANSIENT_ATTEMPTS } from '../../src/workflows/patience.ts';
import { RateLimiter } from '../../src/workflows/rate-limiter.ts';
import { SlidingRate } from '../../src/workflows/sliding-rate.ts';

/** A clock whose sleeps pass at once and are written down. */
function aClock(): CallClock & { readonly slept: number[]; advance(ms: number): void } {
  let now = 1_000_000;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: async (ms) => {
      slept.push(ms);
    },
    random: () => 1,
    advance: (ms) => {
      now += ms;
    },
  };
}

const action = (name: string, quotas?: Readonly<Record<string, number>>): ActionSpec => ({
  name,
  summary: '',
  effect: 'read',
  input: { kind: 'object', fields: {} },
  outputs: {},
  ...(quotas === undefined ? {} : { quotas }),
});
const device = (rates: Readonly<Record<string, number>>, serial = 'one'): DeviceDescription =>
  ({ serial, capabilities: { rates } }) as unknown as DeviceDescription;

describe('the rate limiter', () => {
  const never = new Promise<void>(() => undefined);

  it('spaces calls of one name evenly, in the order they come', async () => {
    const clock = aClock();
    const limiter = new RateLimiter(clock, never);
    await Promise.all([1, 2, 3, 4].map(() => limiter.acquire(action('unwrap-key'), device({ 'unwrap-key': 10 }))));
    expect(clock.slept).toEqual([100, 200, 300]);
  });

  it('keeps operations and devices apart, and holds nothing back without a rate', async () => {
    const clock = aClock();
    const limiter = new RateLimiter(clock, never);
    await limiter.acquire(action('unwrap-key'), device({ 'unwrap-key': 10, 'wrap-key': 10, 'delete-key': 0 }));
    await limiter.acquire(action('wrap-key'), device({ 'unwrap-key': 10, 'wrap-key': 10 }));
    await limiter.acquire(action('unwrap-key'), device({ 'unwrap-key': 10 }, 'another'));
    await limiter.acquire(action('delete-key'), device({ 'delete-key': 0 }));
    await limiter.acquire(action('find-keys'), device({}));
    expect(clock.slept).toEqual([]);
  });

  it('counts the operations that an action makes, of all actions together', async () => {
    const clock = aClock();
    const limiter = new RateLimiter(clock, never);
    const account = device({ GetParametersForImport: 0.25, ImportKeyMaterial: 5 });
    await limiter.acquire(action('get-import-parameters', { GetParametersForImport: 1 }), account);
    await limiter.acquire(action('refuse-other', { GetParametersForImport: 2, ImportKeyMaterial: 1 }), account);
    await limiter.acquire(action('get-import-parameters', { GetParametersForImport: 1 }), account);
    expect(clock.slept).toEqual([4000, 12_000]);
  });

  it('lets a long queue for one operation not hold up another', async () => {
    const clock = aClock();
    const limiter = new RateLimiter(clock, never);
    const account = device({ GetParametersForImport: 0.25, ImportKeyMaterial: 5 });
    const both = action('both', { GetParametersForImport: 1, ImportKeyMaterial: 1 });
    for (let call = 0; call < 10; call += 1) await limiter.acquire(both, account);
    clock.slept.length = 0;
    await limiter.acquire(action('import', { ImportKeyMaterial: 1 }), account);
    expect(clock.slept).toEqual([2000]);
  });

  it('gives up waiting when the run is interrupted', async () => {
    const clock = { ...aClock(), sleep: () => never };
    const limiter = new RateLimiter(clock, Promise.resolve());
    const slow = device({ slow: 0.001 });
    await limiter.acquire(action('slow'), slow);
    await expect(limiter.acquire(action('slow'), slow)).resolves.toBeUndefined();
  });

  it('does not save up what was not used', async () => {
    const clock = aClock();
    const limiter = new RateLimiter(clock, never);
    const quick = device({ a: 10 });
    await limiter.acquire(action('a'), quick);
    clock.advance(60_000);
    await limiter.acquire(action('a'), quick);
    await limiter.acquire(action('a'), quick);
    expect(clock.slept).toEqual([100]);
  });
});

describe('backoff', () => {
  const exponential = { backoff: 'exponential', delayMs: 100 } as const;

  it.each([
    [1, 0, 50],
    [1, 1, 100],
    [2, 1, 200],
    [5, 0, 800],
    [30, 1, 60_000],
  ])('before try %i + 1 with the dice at %d is %i ms', (attempt, random, ms) => {
    expect(backoffMs(exponential, attempt, random)).toBe(ms);
  });

  it('that is fixed does not grow', () => {
    expect([1, 2, 9].map((attempt) => backoffMs({ backoff: 'fixed', delayMs: 100 }, attempt, 1))).toEqual([
      100, 100, 100,
    ]);
  });
});

describe('patience', () => {
  const failing = (times: number, code: 'device-busy' | 'device-lost' | 'key-not-found') => {
    let calls = 0;
    return {
      calls: () => calls,
      read: async () => {
        calls += 1;
        if (calls <= times) throw new KeyferryError(code, 'no');
        return calls;
      },
    };
  };

  it('waits longer each time for a device that is busy', async () => {
    const clock = aClock();
    const device = failing(3, 'device-busy');
    expect(await patiently(clock, device.read)).toBe(4);
    expect(clock.slept).toEqual([100, 200, 400]);
  });

  it('ends', async () => {
    const device = failing(100, 'device-busy');
    await expect(patiently(aClock(), device.read)).rejects.toMatchObject({ code: 'device-busy' });
    expect(device.calls()).toBe(TRANSIENT_ATTEMPTS);
  });

  it.each(['device-lost', 'key-not-found'] as const)('is not had with %s', async (code) => {
    const device = failing(1, code);
    await expect(patiently(aClock(), device.read)).rejects.toMatchObject({ code });
    expect(device.calls()).toBe(1);
  });

  it('is not had with a bug', async () => {
    let calls = 0;
    const read = async () => {
      calls += 1;
      throw new TypeError('a bug');
    };
    await expect(patiently(aClock(), read)).rejects.toThrow('a bug');
    expect(calls).toBe(1);
  });
});

describe('the rate that people see', () => {
  const steady = (items: number, gapMs: number): SlidingRate => {
    const rate = new SlidingRate();
    for (let item = 0; item < items; item += 1) rate.finished(item * gapMs);
    return rate;
  };

  it('is silent before thirty items', () => {
    expect(steady(29, 100).rate(2_900)).toBeNull();
    expect(steady(30, 100).rate(2_900)).not.toBeNull();
  });

  it('is the items per second', () => {
    expect(steady(100, 100).rate(9_900)).toBeCloseTo(10, 0);
  });

  it('forgets what was long ago', () => {
    const rate = steady(1_000, 10);
    for (let item = 0; item < 60; item += 1) rate.finished(10_000 + (item + 1) * 1_000);
    expect(rate.rate(70_000)).toBeCloseTo(1, 0);
  });

  it('falls when nothing finishes', () => {
    const rate = steady(100, 100);
    expect(rate.rate(19_900)).toBeCloseTo(5, 0);
  });
});
