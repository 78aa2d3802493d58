/** One call and what becomes of it: tried again, settled by asking, undone, or parked. */
import { describe, expect, it } from 'vitest';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { Playbook, Retry } from '../../src/playbook/model.ts';
import {
  aGate,
  busy,
  eachSteps,
  fakeSite,
  keysNamed,
  lost,
  lostReply,
  noAnswer,
  refuse,
  routePlaybook,
  type Script,
} from '../support/engine-fakes.ts';

const QUICK: Retry = { attempts: null, backoff: 'fixed', delayMs: 1 };

/** The main route, each of its steps with this policy. */
function patient(retry: Partial<Retry> = {}, timeoutMs: number | null = null): Playbook {
  return routePlaybook({ each: eachSteps({ retry: { ...QUICK, ...retry }, timeoutMs }) });
}

const ONE = { keys: keysNamed(1) };
const oneWith = (script: Script) => fakeSite({ ...ONE, script });

async function itemOf(site: ReturnType<typeof fakeSite>, run: string) {
  const [item] = (await site.entries(run)).flatMap(({ entry }) => (entry.kind === 'item' ? [entry] : []));
  return item;
}

describe('a call that a busy device refuses', () => {
  it('is tried again until it works', async () => {
    const site = oneWith({ 'target unwrap-key': async ({ nth }) => (nth < 4 ? busy() : undefined) });
    const result = await site.run(patient());
    expect(result).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 1 } });
    expect(site.called('target perform unwrap-key')).toHaveLength(4);
    expect(site.called('target reconcile unwrap-key')).toHaveLength(0);
    expect(site.labels('target')).toEqual(['key-1']);
  });

  it.each([
    [1, 1],
    [9, 9],
    [null, 6],
  ])('with %j attempts asked for is given up after %i', async (attempts, tries) => {
    const site = oneWith({ 'source wrap-key': async () => busy() });
    const result = await site.run(patient({ attempts }));
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { failed: 1 } });
    expect(site.called('source perform wrap-key')).toHaveLength(tries);
    expect((await itemOf(site, result.run))?.error).toMatchObject({ code: 'device-busy' });
    expect(site.labels('target')).toEqual([]);
  });

  it('waits as long as the step says', async () => {
    const site = oneWith({ 'source wrap-key': async ({ nth }) => (nth < 4 ? busy() : undefined) });
    const begun = performance.now();
    await site.run(patient({ delayMs: 60 }));
    // Three waits of at least half the delay.
    expect(performance.now() - begun).toBeGreaterThanOrEqual(85);
  });
});

describe('a call that the device refuses', () => {
  it('is not tried again, whatever the retry policy says', async () => {
    const site = oneWith({ 'target unwrap-key': async () => refuse() });
    const result = await site.run(patient({ attempts: 5 }));
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { failed: 1 } });
    expect(site.called('target perform unwrap-key')).toHaveLength(1);
    expect(site.called('target reconcile unwrap-key')).toHaveLength(0);
  });

  it('with a plain Error is a bug, and shows as one', async () => {
    const site = oneWith({
      'source wrap-key': async () => {
        throw new TypeError('a bug of the adapter');
      },
    });
    await expect(site.run(patient())).rejects.toThrow('a bug of the adapter');
  });
});

describe('a call without an answer', () => {
  it('that was applied is not made again', async () => {
    const site = oneWith({ 'target unwrap-key': lostReply });
    const result = await site.run(patient({ attempts: 5 }));
    expect(result).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 1 } });
    expect(site.called('target perform unwrap-key')).toHaveLength(1);
    expect(site.called('target reconcile unwrap-key')).toHaveLength(1);
    expect(site.labels('target')).toEqual(['key-1']);
  });

  it('that was not applied is made again, each time after asking', async () => {
    const site = oneWith({ 'target unwrap-key': async ({ nth }) => (nth < 3 ? noAnswer() : undefined) });
    const result = await site.run(patient());
    expect(result).toMatchObject({ state: 'done', counts: { migrated: 1 } });
    expect(site.log.filter(({ action }) => action === 'unwrap-key').map(({ method }) => method)).toEqual([
      'expect',
      'perform',
      'reconcile',
      'expect',
      'perform',
      'reconcile',
      'expect',
      'perform',
    ]);
  });

  it('that is never applied fails the key after six tries', async () => {
    const site = oneWith({ 'target unwrap-key': async () => noAnswer() });
    const result = await site.run(patient());
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { failed: 1 } });
    expect(site.called('target perform unwrap-key')).toHaveLength(6);
    expect((await itemOf(site, result.run))?.error).toMatchObject({ code: 'outcome-unknown' });
  });

  it('that cannot be told apart parks the key, and nothing more is done with it', async () => {
    const site = oneWith({
      'target unwrap-key': lostReply,
      'target reconcile unwrap-key': async () => ({ state: 'ambiguous', reason: 'two objects bear its name' }),
    });
    const result = await site.run(patient({ attempts: 5 }));
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { needsAttention: 1, failed: 0 } });
    expect(await itemOf(site, result.run)).toMatchObject({
      state: 'needs-attention',
      reason: 'target unwrap-key: two objects bear its name',
    });
    expect(site.called('target perform unwrap-key')).toHaveLength(1);
    expect(site.called('target perform delete-key')).toEqual(['wrapping', 'wrapping']);
    expect(site.labels('target')).toEqual(['key-1']);
  });

  it('whose device is busy when it is asked is asked again', async () => {
    const site = oneWith({
      'target unwrap-key': lostReply,
      'target reconcile unwrap-key': async ({ nth }) => (nth < 3 ? busy() : undefined),
    });
    expect(await site.run(patient())).toMatchObject({ state: 'done', counts: { migrated: 1 } });
    expect(site.called('target perform unwrap-key')).toHaveLength(1);
  });

  it('because the device is gone pauses the run with exit code 7, and is settled by the next process', async () => {
    const site = fakeSite({
      script: {
        'target unwrap-key': async (told) => {
          if (told.label !== 'key-2') return undefined;
          await told.usual();
          return lost();
        },
      },
    });
    const paused = await site.run(patient(), { concurrency: 1 });
    expect(paused).toMatchObject({
      state: 'paused',
      exitCode: 7,
      error: { code: 'device-lost' },
      counts: { migrated: 1, pending: 2 },
    });
    expect(site.called('target perform delete-key')).toEqual([]);
    site.script = {};
    const resumed = await site.resume(paused.run, patient());
    expect(resumed).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 3 } });
    expect(site.called('target perform unwrap-key').sort()).toEqual(['key-1', 'key-2', 'key-3']);
    expect(site.labels('target')).toEqual(['key-1', 'key-2', 'key-3']);
  });
});

describe('a call that takes longer than its timeout', () => {
  it('is waited for, and only then is the device asked', async () => {
    const gate = aGate();
    const order: string[] = [];
    const site = oneWith({
      'target unwrap-key': async ({ usual }) => {
        setTimeout(gate.open, 120);
        await gate.passed;
        const result = await usual();
        order.push('ended');
        return result;
      },
      'target reconcile unwrap-key': async () => {
        order.push('asked');
        return undefined;
      },
    });
    const result = await site.run(patient({ attempts: 5 }, 20));
    expect(order).toEqual(['ended', 'asked']);
    expect(result).toMatchObject({ state: 'done', counts: { migrated: 1 } });
    expect(site.called('target perform unwrap-key')).toHaveLength(1);
    const outcomes = (await site.entries(result.run)).flatMap(({ entry }) =>
      entry.kind === 'outcome' && entry.call.step === 'arrived'
        ? [[entry.result, entry.settled, entry.error?.code]]
        : [],
    );
    expect(outcomes).toEqual([
      ['unknown', false, 'step-timeout'],
      ['applied', true, undefined],
    ]);
  });

  it('and only reads, fails the key', async () => {
    const site = oneWith({ 'source wrap-key': () => new Promise(() => undefined) });
    const result = await site.run(patient({}, 20));
    expect(result).toMatchObject({ state: 'done', counts: { failed: 1 } });
    expect((await itemOf(site, result.run))?.error).toMatchObject({ code: 'step-timeout', outcome: 'not-applied' });
  });
});

describe('what a failed key had made', () => {
  const otherwise = (): Script => ({
    'target unwrap-key': async ({ usual }) => ({
      ...(await usual()),
      violations: [{ code: 'attribute-mismatch', message: 'extractable is true' }],
    }),
  });

  it('is removed again', async () => {
    const site = oneWith(otherwise());
    const result = await site.run(patient());
    expect(result).toMatchObject({ state: 'done', exitCode: 1, leftovers: [], counts: { failed: 1 } });
    expect(await itemOf(site, result.run)).toMatchObject({
      state: 'failed',
      target: null,
      reason: expect.stringMatching(
        /extractable is true.*\. What was made for it was taken back: target\.delete-key\.$/,
      ),
      error: { code: 'attribute-mismatch' },
    });
    expect(site.called('target perform delete-key')).toContain('key-1');
    expect(site.labels('target')).not.toContain('key-1');
  });

  it.each([
    ['was removed though nobody said so', lostReply, 1],
    [
      'was not removed at first',
      async ({ nth, label }: { nth: number; label: string | null }) =>
        label === 'key-1' && nth < 3 ? noAnswer() : undefined,
      3,
    ],
    [
      'the device was too busy to remove at first',
      async ({ nth, label }: { nth: number; label: string | null }) =>
        label === 'key-1' && nth < 3 ? busy() : undefined,
      3,
    ],
    [
      'was gone already',
      async ({ label }: { label: string | null }) => {
        if (label === 'key-1') throw new KeyferryError('key-not-found', 'gone');
        return undefined;
      },
      1,
    ],
  ] as const)('and %s, is no leftover', async (_, deleting, calls) => {
    const site = fakeSite({ ...ONE, script: { ...otherwise(), 'target delete-key': deleting as Script[string] } });
    const result = await site.run(patient());
    expect(result).toMatchObject({ state: 'done', leftovers: [], counts: { failed: 1 } });
    expect(site.called('target perform delete-key').filter((label) => label === 'key-1')).toHaveLength(calls);
  });

  it('and cannot be removed, needs attention and is named', async () => {
    const site = oneWith({
      ...otherwise(),
      'target delete-key': async ({ label }) => (label === 'key-1' ? refuse() : undefined),
    });
    const result = await site.run(patient());
    expect(result).toMatchObject({
      state: 'done',
      exitCode: 1,
      counts: { needsAttention: 1 },
      leftovers: [{ device: 'target', object: expect.stringContaining('"key-1"') }],
    });
    expect(await itemOf(site, result.run)).toMatchObject({
      target: { device: 'target' },
      reason: expect.not.stringContaining('taken back'),
    });
  });
});

describe('a key that is on the target already', () => {
  it('is skipped, and not made again', async () => {
    const site = oneWith({
      'target expect unwrap-key': async ({ call }) => ({ expectation: null, already: call.args.like }) as never,
    });
    const result = await site.run(patient());
    expect(result).toMatchObject({ state: 'done', exitCode: 0, counts: { skipped: 1, migrated: 0 } });
    expect((await itemOf(site, result.run))?.reason).toMatch(/^already-there: /);
    expect(site.called('target perform unwrap-key')).toEqual([]);
  });
});

describe('a comparison that finds another key', () => {
  it('fails the key with exit code 5 and removes what arrived', async () => {
    const site = fakeSite({ keys: keysNamed(2) });
    site.script = {
      'target unwrap-key': async ({ label, call, usual }) => {
        const result = await usual();
        if (label === 'key-2') {
          site.target.keys = [...site.target.keys].map((key) =>
            key.label === 'key-2' ? { ...key, material: 'other' } : key,
          );
        }
        return call.action === 'unwrap-key' ? result : undefined;
      },
    };
    const result = await site.run(patient());
    expect(result).toMatchObject({ state: 'done', exitCode: 5, counts: { migrated: 1, failed: 1 } });
    expect(site.labels('target')).toEqual(['key-1']);
  });
});
