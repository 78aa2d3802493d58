import { describe, expect, it } from 'vitest';
import { CKR } from '../../../../src/adapters/pkcs11/constants.ts';
import { CryptokiError, type Handle } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import { SessionPool } from '../../../../src/adapters/pkcs11/session-pool.ts';

function counted(limit: number, most = Number.POSITIVE_INFINITY) {
  let opened = 0;
  const open = (): Handle => {
    if (opened >= most) throw new CryptokiError('C_OpenSession', CKR.SESSION_COUNT);
    opened += 1;
    return BigInt(opened);
  };
  return { pool: new SessionPool(open, limit), opened: () => opened };
}

const tick = () => new Promise(setImmediate);

describe('the session pool', () => {
  it('never gives one session to two calls at once, and serves those that wait in order', async () => {
    const { pool, opened } = counted(2);
    const active = new Set<Handle>();
    const order: number[] = [];
    await Promise.all(
      [1, 2, 3, 4, 5].map((number) =>
        pool.use(async (session) => {
          expect(active.has(session)).toBe(false);
          active.add(session);
          await tick();
          active.delete(session);
          order.push(number);
        }),
      ),
    );
    expect(opened()).toBe(2);
    expect(order).toEqual([1, 2, 3, 4, 5]);
  });

  it('goes on with fewer sessions when the device has no more', async () => {
    const { pool, opened } = counted(8, 2);
    const results = await Promise.all([1, 2, 3, 4].map((number) => pool.use(() => tick().then(() => number))));
    expect(results).toEqual([1, 2, 3, 4]);
    expect([opened(), pool.limit]).toEqual([2, 2]);
  });

  it('fails when the device has none at all', async () => {
    await expect(counted(4, 0).pool.use(async () => 1)).rejects.toMatchObject({ value: CKR.SESSION_COUNT });
  });

  it('gives the session back after an error of the call', async () => {
    const { pool, opened } = counted(1);
    await expect(pool.use(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await pool.use(async (session) => session)).toBe(1n);
    expect(opened()).toBe(1);
  });

  it('does not hand out a session that the module has ended, and wakes who waits with another', async () => {
    const { pool, opened } = counted(1);
    const dead = pool.use(() => Promise.reject(new CryptokiError('C_WrapKey', CKR.SESSION_HANDLE_INVALID)));
    const waiting = pool.use(async (session) => session);
    await expect(dead).rejects.toThrow();
    expect(await waiting).toBe(2n);
    expect(opened()).toBe(2);
  });

  it.each([
    ['after a result', async () => 'done'],
    ['after an error', async () => Promise.reject(new Error('refused'))],
  ])('does not hand out a retired session again, %s, and wakes who waits with another', async (_what, end) => {
    const { pool, opened } = counted(1);
    const retired = pool.use(async (session) => {
      pool.retire(session);
      return await end();
    });
    const waiting = [pool.use(async (session) => session), pool.use(async (session) => session)];
    await retired.catch(() => null);
    expect(await Promise.all(waiting)).toEqual([2n, 2n]);
    expect(opened()).toBe(2);
  });

  it('keeps the session of a call that never returns', async () => {
    const { pool } = counted(2);
    void pool.use(() => new Promise(() => {}));
    const used = await Promise.all([1, 2, 3].map(() => pool.use(async (session) => session)));
    expect(new Set(used)).toEqual(new Set([2n]));
  });
});
