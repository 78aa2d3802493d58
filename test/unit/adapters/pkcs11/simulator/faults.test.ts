import { describe, expect, it } from 'vitest';
import { CKR, CKU } from '../../../../../src/adapters/pkcs11/constants.ts';
import type { Fault } from '../../../../../src/adapters/pkcs11/simulator/faults.ts';
import { aModule, makeAes, USER_PIN } from '../../../../support/cryptoki-module.ts';
import { refusalOf, slowRefusalOf, template } from '../../../../support/cryptoki-templates.ts';

const withFaults = (...faults: Fault[]) => aModule({ faults: { seed: 7, faults } });
const count = ({ module, session }: ReturnType<typeof aModule>): number => module.findObjects(session, []).length;

describe('planned faults', () => {
  it('busy: nothing happened, and the next try works', async () => {
    const under = withFaults({ call: 'C_GenerateKey', nth: 2, kind: 'busy' });
    await makeAes(under);
    expect(await slowRefusalOf(makeAes(under))).toBe(CKR.FUNCTION_FAILED);
    expect(count(under)).toBe(1);
    await makeAes(under);
    expect(count(under)).toBe(2);
  });

  it('lost-reply: the key is there although the call failed', async () => {
    const under = withFaults({ call: 'C_GenerateKey', nth: 1, kind: 'lost-reply' });
    expect(await slowRefusalOf(makeAes(under))).toBe(CKR.DEVICE_ERROR);
    expect(count(under)).toBe(1);
  });

  it('late-reply: the key is there before the answer', async () => {
    const under = withFaults({ call: 'C_GenerateKey', kind: 'late-reply', ms: 60 });
    const pending = makeAes(under);
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(count(under)).toBe(1);
    let isDone = false;
    void pending.then(() => {
      isDone = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(isDone).toBe(false);
    await pending;
  });

  it('latency: the key is there after the time', async () => {
    const under = withFaults({ call: 'C_GenerateKey', kind: 'latency', ms: 40 });
    const pending = makeAes(under);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(count(under)).toBe(0);
    await pending;
    expect(count(under)).toBe(1);
  });

  it('gone: nothing works until the module was finalised', async () => {
    const under = withFaults({ call: 'C_GenerateKey', nth: 1, kind: 'gone' });
    expect(await slowRefusalOf(makeAes(under))).toBe(CKR.DEVICE_REMOVED);
    expect(refusalOf(() => under.module.findObjects(under.session, []))).toBe(CKR.DEVICE_REMOVED);
    expect(refusalOf(() => under.module.C_GetTokenInfo(0n))).toBe(CKR.DEVICE_REMOVED);
    under.module.C_Finalize();
    under.module.C_Initialize();
    const session = under.module.C_OpenSession(0n);
    under.module.C_Login(session, CKU.USER, USER_PIN);
    expect(under.module.findObjects(session, [])).toEqual([]);
  });

  it('hang: no answer, and nothing happened', async () => {
    const under = withFaults({ call: 'C_GenerateKey', nth: 1, kind: 'hang' });
    const state = await Promise.race([
      makeAes(under).then(() => 'answered'),
      new Promise((resolve) => setTimeout(() => resolve('silent'), 30)),
    ]);
    expect(state).toBe('silent');
    expect(count(under)).toBe(0);
  });

  it('fall on the same calls again with the same seed', async () => {
    const run = async (seed: number) => {
      const under = aModule({ faults: { seed, faults: [{ call: 'C_GenerateKey', probability: 0.5, kind: 'busy' }] } });
      const results: boolean[] = [];
      for (let i = 0; i < 24; i += 1)
        results.push(
          await makeAes(under).then(
            () => true,
            () => false,
          ),
        );
      return results;
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
    expect(new Set(first).size).toBe(2);
  });

  it('also meet calls without a promise, counted over all calls', () => {
    const under = withFaults({ call: 'C_FindObjects', nth: 1, kind: 'lost-reply' });
    expect(refusalOf(() => under.module.findObjects(under.session, template({ LABEL: 'x' })))).toBe(CKR.DEVICE_ERROR);
    const all = aModule({ login: false, faults: { faults: [{ call: '*', nth: 3, kind: 'busy' }] } });
    all.module.C_GetTokenInfo(0n);
    expect(refusalOf(() => all.module.C_GetTokenInfo(0n))).toBe(CKR.FUNCTION_FAILED);
  });
});
