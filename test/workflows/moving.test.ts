/** Many items at once: the window, the ramp, what stops the run, and items that the plan or time has set aside. */
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../src/adapters/adapter.ts';
import { isKeyRef } from '../../src/keys/key-record.ts';
import { labelText } from '../../src/keys/locator.ts';
import type { Expression, Policy } from '../../src/playbook/model.ts';
import {
  canaryStep,
  eachSteps,
  fakeSite,
  keysNamed,
  noAnswer,
  refuse,
  routePlaybook,
  type Script,
} from '../support/engine-fakes.ts';
import { anExpression } from '../support/plan-playbook.ts';

const policy = (rest: Partial<Policy>): Policy => ({ concurrency: 4, ramp: [{ share: 1 }], stopWhen: null, ...rest });

/** How many unwraps ran at once, at most and at each beginning. */
function watched(only: (label: string | null) => boolean = () => true): {
  readonly script: Script;
  readonly seen: number[];
} {
  const seen: number[] = [];
  let now = 0;
  return {
    seen,
    script: {
      'target unwrap-key': async ({ label, usual }) => {
        if (!only(label)) return undefined;
        now += 1;
        seen.push(now);
        await new Promise((resolve) => setTimeout(resolve, 15));
        now -= 1;
        return await usual();
      },
    },
  };
}

describe('the window', () => {
  it('is as wide as the playbook says and no wider', async () => {
    const { script, seen } = watched();
    const site = fakeSite({ keys: keysNamed(12), script });
    const result = await site.run(routePlaybook({ policy: policy({ concurrency: 3 }) }));
    expect(result).toMatchObject({ state: 'done', counts: { migrated: 12 } });
    expect(Math.max(...seen)).toBe(3);
  });

  it('is as wide as the command line says, where it does', async () => {
    const { script, seen } = watched();
    const site = fakeSite({ keys: keysNamed(6), script });
    await site.run(routePlaybook({ policy: policy({ concurrency: 4 }) }), { concurrency: 1 });
    expect(Math.max(...seen)).toBe(1);
  });
});

describe('the ramp', () => {
  it('lets the first batches end before the next begin', async () => {
    const { script, seen } = watched();
    const site = fakeSite({ keys: keysNamed(9), script });
    const ramp = [{ count: 1 }, { count: 2 }, { share: 1 }];
    await site.run(routePlaybook({ policy: policy({ concurrency: 8, ramp }) }));
    expect(seen[0]).toBe(1);
    // Then one or two at once, in a batch of two, and only then the rest.
    expect(seen[1]).toBe(1);
    expect(seen[2]).toBeLessThanOrEqual(2);
    expect(seen[3]).toBe(1);
    expect(Math.max(...seen)).toBe(6);
  });

  it('counts a share of all items, at least one', async () => {
    const { script, seen } = watched();
    const site = fakeSite({ keys: keysNamed(8), script });
    await site.run(
      routePlaybook({ policy: policy({ concurrency: 8, ramp: [{ share: 0.01 }, { share: 0.25 }, { share: 1 }] }) }),
    );
    expect(seen.slice(0, 2)).toEqual([1, 1]);
    expect(Math.max(...seen.slice(1, 3))).toBe(2);
    expect(Math.max(...seen)).toBe(5);
  });
});

describe('a first key that fails', () => {
  const script: Script = { 'target unwrap-key': async ({ label }) => (label === 'key-1' ? refuse() : undefined) };
  const ramp = [{ count: 1 }, { share: 1 }];

  it('stops the run where no canary has proved the route', async () => {
    const site = fakeSite({ keys: keysNamed(5), script });
    const result = await site.run(routePlaybook({ policy: policy({ ramp }) }));
    expect(result).toMatchObject({
      state: 'paused',
      exitCode: 1,
      error: { code: 'run-stopped' },
      counts: { failed: 1, pending: 4 },
    });
    expect(site.called('target perform unwrap-key')).toEqual(['key-1']);
    expect(site.called('target perform delete-key')).toEqual([]);
  });

  it('fails alone where one has', async () => {
    const site = fakeSite({ keys: keysNamed(5), script });
    const result = await site.run(routePlaybook({ canary: canaryStep(), policy: policy({ ramp }) }));
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { failed: 1, migrated: 4 } });
  });
});

describe('stop-when', () => {
  const moreThanOne: Expression = anExpression([{ kind: 'count' }], ({ counts }) => (counts?.failed ?? 0) > 1, 'bool');
  const bad = (labels: readonly string[]): Script => ({
    'target unwrap-key': async ({ label }) => (labels.includes(label ?? '') ? refuse() : undefined),
  });

  it('pauses the run, and a resume takes up what was not begun', async () => {
    const site = fakeSite({ keys: keysNamed(8), script: bad(['key-2', 'key-4']) });
    const playbook = routePlaybook({ policy: policy({ concurrency: 1, stopWhen: moreThanOne }) });
    const paused = await site.run(playbook);
    expect(paused).toMatchObject({
      state: 'paused',
      exitCode: 1,
      error: { code: 'run-stopped' },
      counts: { failed: 2 },
    });
    // One more at most: a key whose end is being written has given its place away.
    expect(site.called('target perform unwrap-key').length).toBeLessThanOrEqual(5);
    expect(site.called('target perform delete-key')).toEqual([]);
    site.script = {};
    const resumed = await site.resume(paused.run, playbook);
    expect(resumed).toMatchObject({ state: 'done', exitCode: 1, counts: { failed: 2, migrated: 6 } });
  });

  it('lets the run go on below its limit', async () => {
    const site = fakeSite({ keys: keysNamed(8), script: bad(['key-3']) });
    const result = await site.run(routePlaybook({ policy: policy({ stopWhen: moreThanOne }) }));
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { failed: 1, migrated: 7 } });
  });

  it('counts keys that need attention as failed', async () => {
    const site = fakeSite({
      keys: keysNamed(6),
      script: {
        'target unwrap-key': async ({ label }) => (['key-1', 'key-2'].includes(label ?? '') ? noAnswer() : undefined),
        'target reconcile unwrap-key': async () => ({ state: 'ambiguous', reason: 'two of them' }),
      },
    });
    const result = await site.run(routePlaybook({ policy: policy({ concurrency: 1, stopWhen: moreThanOne }) }));
    expect(result).toMatchObject({ state: 'paused', error: { code: 'run-stopped' }, counts: { needsAttention: 2 } });
    expect(result.counts.pending).toBeGreaterThanOrEqual(3);
  });
});

describe('items that the plan does not move', () => {
  /** Finds this of the key with this label. */
  const finds = (label: string, finding: Finding) => (args: Readonly<Record<string, unknown>>) => {
    const key = [args.like, args.key].find(isKeyRef);
    return key !== undefined && labelText(key.locator.label) === label ? [finding] : [];
  };

  it('end at once, with the reason of the plan, and no call is made for them', async () => {
    const site = fakeSite({
      keys: keysNamed(4),
      source: {
        findings: {
          'require-attribute': finds('key-3', { level: 'skip', reason: 'not extractable' }),
          'wrap-key': finds('key-1', { level: 'block', reason: 'too long' }),
        },
      },
      target: { findings: { 'unwrap-key': finds('key-2', { level: 'duplicate', reason: 'it arrived before' }) } },
    });
    const result = await site.run();
    expect(result).toMatchObject({ state: 'done', exitCode: 0, counts: { skipped: 3, migrated: 1 } });
    const reasons = (await site.entries(result.run)).flatMap(({ entry }) =>
      entry.kind === 'item' && entry.state === 'skipped' ? [entry.reason] : [],
    );
    expect(reasons.sort()).toEqual(['already-there: it arrived before', 'blocked: too long', 'not extractable']);
    expect(site.called('target perform unwrap-key')).toEqual(['key-4']);
    expect(site.called('source perform wrap-key')).toEqual(['key-4']);
  });
});

describe('a key that is not what the plan saw', () => {
  it('fails as stale when that was known before, and is not touched', async () => {
    const site = fakeSite();
    const result = await site.run(routePlaybook(), { stale: new Map([[1, 'it is not on the device any more']]) });
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { failed: 1, migrated: 2 } });
    const stale = (await site.entries(result.run)).find(({ entry }) => entry.kind === 'item' && entry.item === 1);
    expect(stale?.entry).toMatchObject({ state: 'failed', error: { code: 'key-stale' } });
    expect(site.called('source perform wrap-key').sort()).toEqual(['key-1', 'key-3']);
  });

  it('fails as stale when it has other material, and is not wrapped', async () => {
    const site = fakeSite();
    const result = await site.run(routePlaybook(), {
      beforeRun: () => {
        site.source.keys = keysNamed(3).map((key) => (key.label === 'key-2' ? { ...key, material: 'other' } : key));
      },
    });
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { failed: 1, migrated: 2 } });
    expect(site.called('source perform wrap-key').sort()).toEqual(['key-1', 'key-3']);
    expect(site.labels('target')).toEqual(['key-1', 'key-3']);
  });

  it('fails when it is gone', async () => {
    const site = fakeSite();
    const result = await site.run(routePlaybook(), {
      beforeRun: () => {
        site.source.keys = keysNamed(2);
      },
    });
    expect(result).toMatchObject({ state: 'done', counts: { failed: 1, migrated: 2 } });
  });

  it('skips the key when a check says so, and fails it when the playbook wants that', async () => {
    const script: Script = {
      'source require-attribute': async ({ label }) => (label === 'key-2' ? refuse() : undefined),
    };
    const skipping = await fakeSite({ script }).run();
    expect(skipping).toMatchObject({ state: 'done', exitCode: 0, counts: { skipped: 1, migrated: 2 } });
    const failing = await fakeSite({ script }).run(routePlaybook({ each: eachSteps({ otherwise: 'fail' }) }));
    expect(failing).toMatchObject({ state: 'done', exitCode: 1, counts: { failed: 1, migrated: 2 } });
  });
});
