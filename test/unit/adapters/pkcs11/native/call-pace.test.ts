import { beforeEach, describe, expect, test } from 'vitest';
import { CallPace } from '../../../../../src/adapters/pkcs11/native/call-pace.ts';

let clock: number;
let pace: CallPace;

beforeEach(() => {
  clock = 0;
  pace = new CallPace(() => clock);
});

/** Makes the call so often and says how each was made: b(locking) or t(hreaded). */
async function made(name: string, times: number, ms: { blocking: number; threaded: number }): Promise<string> {
  let ways = '';
  for (let n = 0; n < times; n++) {
    ways += await pace.run(
      name,
      () => {
        clock += ms.blocking;
        return 'b';
      },
      async () => {
        clock += ms.threaded;
        return 't';
      },
    );
  }
  return ways;
}

describe('CallPace', () => {
  test('begins with a thread and goes on without one when the call is quick', async () => {
    expect(await made('ecb', 4, { blocking: 0.01, threaded: 0.1 })).toBe('tbbb');
  });

  test('never blocks for a slow call', async () => {
    expect(await made('unwrap', 300, { blocking: 9, threaded: 9 })).toBe('t'.repeat(300));
  });

  test('goes back to a thread when the call turns out slow without one, and tries again much later', async () => {
    const ways = await made('wrap', 203, { blocking: 1, threaded: 1 });
    expect(ways).toBe(`tb${'t'.repeat(200)}b`);
  });

  test('goes back to a thread when a quick call becomes slow, but not for one pause', async () => {
    await made('ecb', 20, { blocking: 0.01, threaded: 0.1 });
    expect(await made('ecb', 1, { blocking: 500, threaded: 0.1 })).toBe('b');
    expect(await made('ecb', 20, { blocking: 0.01, threaded: 0.1 })).toBe('b'.repeat(20));
    expect(await made('ecb', 4, { blocking: 500, threaded: 500 })).toBe('bbtt');
  });

  test('judges each kind of call by itself', async () => {
    await made('ecb', 3, { blocking: 0.01, threaded: 0.1 });
    expect(await made('unwrap', 2, { blocking: 9, threaded: 9 })).toBe('tt');
    expect(await made('ecb', 1, { blocking: 0.01, threaded: 0.1 })).toBe('b');
  });

  test('passes errors on from both ways', async () => {
    const fail = (): never => {
      throw new Error('no');
    };
    await expect(pace.run('x', fail, async () => fail())).rejects.toThrow('no');
    await made('y', 1, { blocking: 0, threaded: 0 });
    await expect(pace.run('y', fail, async () => fail())).rejects.toThrow('no');
  });
});
