/** Time in the engine: quotas, backoff, patience and the rate that people see. */
import { describe, expect, it } from 'vitest';
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

describe('the rate limiter', () => {
  it('spaces calls of one name evenly, in the order they come', async () => {
    const clock = aClock();
    const limiter = new RateLimiter(clock);
    await Promise.all([1, 2, 3, 4].map(() => limiter.acquire('target:unwrap-key', 10)));
    expect(clock.slept).toEqual([100, 200, 300]);
  });

  it('keeps names apart, and holds nothing back without a rate', async () => {
    const clock = aClock();
    const limiter = new RateLimiter(clock);
    await limiter.acquire('target:unwrap-key', 10);
    await limiter.acquire('source:wrap-key', 10);
    await limiter.acquire('target:delete-key', undefined);
    await limiter.acquire('target:delete-key', 0);
    expect(clock.slept).toEqual([]);
  });

  it('does not save up what was not used', async () => {
    const clock = aClock();
    const limiter = new RateLimiter(clock);
    await limiter.acquire('a', 10);
    clock.advance(60_000);
    await limiter.acquire('a', 10);
    await limiter.acquire('a', 10);
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
