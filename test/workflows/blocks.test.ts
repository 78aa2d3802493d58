/** What is done around the items: prepare, canary, after-each and finally, and what an open run still holds. */
import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/playbook/model.ts';
import {
  canaryStep,
  eachSteps,
  fakeSite,
  keysNamed,
  lost,
  noAnswer,
  refuse,
  routePlaybook,
  type Script,
} from '../support/engine-fakes.ts';
import { ACTIONS, anAction, anOutput, aStep, theKey } from '../support/plan-playbook.ts';

const NOTHING_LEFT = ['key-1', 'key-2', 'key-3'];

describe('finally', () => {
  it('takes down what prepare made when the run is done', async () => {
    const site = fakeSite();
    expect(await site.run()).toMatchObject({ state: 'done', leftovers: [] });
    expect(site.labels('source')).toEqual(NOTHING_LEFT);
    expect(site.labels('target')).toEqual(NOTHING_LEFT);
  });

  it('goes on after a step that fails, and names what is left', async () => {
    const site = fakeSite({ script: { 'source delete-key': async () => refuse() } });
    const result = await site.run();
    expect(result).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 3 } });
    expect(result.leftovers).toEqual([
      { device: 'source', object: expect.stringContaining('clean_wrapper'), reason: 'the device refused' },
    ]);
    expect(site.labels('target')).toEqual(NOTHING_LEFT);
    expect(site.labels('source')).toEqual([...NOTHING_LEFT, 'wrapping']);
  });

  it('waits when a device is gone: the run pauses, and the next process ends it', async () => {
    const site = fakeSite({ script: { 'target delete-key': async ({ nth }) => (nth === 2 ? lost() : undefined) } });
    const paused = await site.run();
    expect(paused).toMatchObject({ state: 'paused', exitCode: 7, counts: { migrated: 3, pending: 0 } });
    expect(site.labels('target')).toEqual([...NOTHING_LEFT, 'wrapping']);
    site.script = {};
    expect(await site.resume(paused.run)).toMatchObject({ state: 'done', exitCode: 0, leftovers: [] });
    expect(site.labels('target')).toEqual(NOTHING_LEFT);
    // Neither prepare nor any item is done again.
    expect(site.called('target perform generate-rsa-key-pair')).toHaveLength(1);
    expect(site.called('target perform unwrap-key')).toHaveLength(3);
  });

  it('does not run when the run pauses, which lists what it holds', async () => {
    const site = fakeSite({ script: { 'target unwrap-key': async () => lost() } });
    const paused = await site.run();
    expect(paused.state).toBe('paused');
    expect(site.called('target perform delete-key')).toEqual([]);
    expect(paused.leftovers.map(({ device, object }) => `${device} ${object}`).sort()).toEqual([
      expect.stringMatching(/^source .*wrapping/),
      expect.stringMatching(/^target .*wrapping/),
      expect.stringMatching(/^target .*wrapping/),
    ]);
  });
});

describe('prepare', () => {
  it('that fails ends the run, and what it had made is taken down', async () => {
    const site = fakeSite({ script: { 'source import-public-key': async () => refuse() } });
    const result = await site.run();
    expect(result).toMatchObject({
      state: 'failed',
      exitCode: 1,
      error: { code: 'device-refused' },
      leftovers: [],
      counts: { pending: 3 },
    });
    expect(site.called('source perform wrap-key')).toEqual([]);
    expect(site.labels('target')).toEqual([]);
    expect(site.labels('source')).toEqual(NOTHING_LEFT);
  });

  it('made what finally does not delete: a result when the run is done, a leftover when it is not', async () => {
    const playbook = routePlaybook({ finally: [] });
    expect(await fakeSite().run(playbook)).toMatchObject({ state: 'done', leftovers: [] });
    const site = fakeSite({ script: { 'source import-public-key': async () => refuse() } });
    const failed = await site.run(playbook);
    expect(failed.state).toBe('failed');
    expect(failed.leftovers.map(({ device, reason }) => `${device} ${reason}`)).toEqual([
      expect.stringMatching(/^target made by step \w+ of a run that did not come to its end/),
      expect.stringMatching(/^target made by step \w+ of a run that did not come to its end/),
    ]);
  });

  it('that is not known to have been done pauses the run', async () => {
    const site = fakeSite({
      script: {
        'source import-public-key': async () => noAnswer(),
        'source reconcile import-public-key': async () => ({ state: 'ambiguous', reason: 'two of them' }),
      },
    });
    expect(await site.run()).toMatchObject({ state: 'paused', exitCode: 1, error: { code: 'needs-attention' } });
    expect(site.called('target perform delete-key')).toEqual([]);
  });

  it('that made wrapping keys with more rights than asked ends the run', async () => {
    const site = fakeSite({
      script: {
        'target generate-rsa-key-pair': async ({ usual }) => ({
          ...(await usual()),
          violations: [{ code: 'wrapping-key-widened', message: 'it can decrypt' }],
        }),
      },
    });
    const result = await site.run();
    expect(result).toMatchObject({ state: 'failed', error: { code: 'wrapping-key-widened' }, leftovers: [] });
    expect(site.called('source perform import-public-key')).toEqual([]);
    expect(site.labels('target')).toEqual([]);
  });

  it.each([['another public key on the source', { spki: 'stranger' }, 'wrapping-key-swapped']])(
    'with %s ends the run before any wrap',
    async (_, { spki }, code) => {
      const site = fakeSite();
      site.spki.source = spki;
      const result = await site.run();
      expect(result).toMatchObject({ state: 'failed', exitCode: 1, error: { code }, leftovers: [] });
      expect(site.called('source perform wrap-key')).toEqual([]);
      expect(site.labels('source')).toEqual(NOTHING_LEFT);
      expect(site.labels('target')).toEqual([]);
    },
  );
});

describe('the canary', () => {
  const playbook = () => routePlaybook({ canary: canaryStep() });

  it('goes the whole way before the first key, and is removed on both sides', async () => {
    const site = fakeSite();
    expect(await site.run(playbook())).toMatchObject({ state: 'done', counts: { migrated: 3 }, leftovers: [] });
    expect(site.called('source perform wrap-key')[0]).toBe('canary');
    expect(site.called('target perform unwrap-key')[0]).toBe('canary');
    const deleted = site.log.findIndex(({ action, label }) => action === 'delete-key' && label === 'canary');
    expect(deleted).toBeLessThan(site.log.findIndex(({ action, label }) => action === 'wrap-key' && label === 'key-1'));
    expect(site.labels('source')).toEqual(NOTHING_LEFT);
    expect(site.labels('target')).toEqual(NOTHING_LEFT);
  });

  it.each([
    ['cannot be made', { 'source generate-key': async () => refuse() }],
    ['cannot be wrapped', { 'source wrap-key': async () => refuse() }],
    ['does not arrive', { 'target unwrap-key': async () => refuse() }],
    ['is skipped', { 'source require-attribute': async () => refuse() }],
  ] satisfies [string, Script][])('that %s ends the run, and nothing is left', async (_, script) => {
    const site = fakeSite({ script });
    const result = await site.run(playbook());
    expect(result).toMatchObject({
      state: 'failed',
      exitCode: 1,
      error: { code: 'canary-failed' },
      counts: { pending: 3 },
      leftovers: [],
    });
    expect(site.labels('source')).toEqual(NOTHING_LEFT);
    expect(site.labels('target')).toEqual([]);
    const touched = site.log.filter(({ label, action }) => label?.startsWith('key-') === true && action !== 'expect');
    expect(touched).toEqual([]);
  });

  it('is not made again by the process that takes the run up, once it has passed', async () => {
    const site = fakeSite({
      script: { 'target unwrap-key': async ({ label }) => (label === 'key-1' ? lost() : undefined) },
    });
    const paused = await site.run(playbook());
    expect(paused.state).toBe('paused');
    site.script = {};
    expect(await site.resume(paused.run, playbook())).toMatchObject({ state: 'done' });
    expect(site.called('source perform generate-key')).toHaveLength(1);
  });

  it('that was cut off is settled and removed by the process that takes the run up', async () => {
    const site = fakeSite({
      script: {
        'target unwrap-key': async ({ usual }) => {
          await usual();
          return lost();
        },
      },
    });
    const paused = await site.run(playbook());
    expect(site.labels('target')).toContain('canary');
    site.script = {};
    expect(await site.resume(paused.run, playbook())).toMatchObject({ state: 'done', leftovers: [] });
    expect(site.called('source perform generate-key')).toHaveLength(1);
    expect(site.called('target perform unwrap-key').filter((label) => label === 'canary')).toHaveLength(1);
    expect(site.labels('target')).toEqual(NOTHING_LEFT);
    expect(site.labels('source')).toEqual(NOTHING_LEFT);
  });
});

describe('after-each', () => {
  const LABELLING = anAction('set-attribute', 'change');
  const marking: Step = aStep('source', LABELLING, { id: 'marking', block: 'after-each', with: { key: theKey } });
  /** Of what arrived: passed over where nothing did. */
  const closing: Step = aStep('target', ACTIONS.read, {
    id: 'closing',
    block: 'after-each',
    with: { key: anOutput('arrived', 'key') },
  });
  const playbook = (rest = {}) => routePlaybook({ afterEach: [marking, closing], ...rest });

  it('runs for every key that started, whatever became of it, and no other', async () => {
    const site = fakeSite({
      keys: keysNamed(5),
      script: {
        'source require-attribute': async ({ label }) => (label === 'key-1' ? refuse() : undefined),
        'source wrap-key': async ({ label }) => (label === 'key-2' ? refuse() : undefined),
        'target unwrap-key': async ({ label }) => (label === 'key-3' ? noAnswer() : undefined),
        'target reconcile unwrap-key': async () => ({ state: 'ambiguous', reason: 'two of them' }),
      },
    });
    const result = await site.run(playbook(), { stale: new Map([[3, 'changed']]) });
    expect(result).toMatchObject({
      state: 'done',
      counts: { skipped: 1, failed: 2, needsAttention: 1, migrated: 1 },
    });
    expect(site.called('source perform set-attribute').sort()).toEqual(['key-1', 'key-2', 'key-3', 'key-5']);
    expect(site.called('target perform read')).toEqual(['key-5']);
  });

  it('that fails is a leftover and not the failure of its key', async () => {
    const site = fakeSite({
      script: { 'source set-attribute': async ({ label }) => (label === 'key-2' ? refuse() : undefined) },
    });
    const result = await site.run(playbook());
    expect(result).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 3 } });
    expect(result.leftovers).toEqual([
      { device: 'source', object: expect.stringContaining('marking'), reason: 'the device refused' },
    ]);
    expect(site.called('target perform read').sort()).toEqual(NOTHING_LEFT);
  });

  it('is not run again for a key that it was run for before a crash', async () => {
    const site = fakeSite({ script: { 'target read': async ({ label }) => (label === 'key-1' ? lost() : undefined) } });
    const paused = await site.run(playbook(), { concurrency: 1 });
    expect(paused).toMatchObject({ state: 'paused', counts: { migrated: 0 } });
    site.script = {};
    expect(await site.resume(paused.run, playbook())).toMatchObject({ state: 'done', counts: { migrated: 3 } });
    expect(site.called('source perform set-attribute').sort()).toEqual(NOTHING_LEFT);
    expect(site.called('target perform unwrap-key').sort()).toEqual(NOTHING_LEFT);
  });
});

describe('conditions', () => {
  it('pass a step over, and what needs its outputs', async () => {
    const [check, wrap, ...rest] = eachSteps();
    if (check === undefined || wrap === undefined) throw new Error('the route has no wrap');
    const never = {
      source: 'false',
      type: 'bool',
      references: [],
      place: wrap.place,
      evaluate: () => false,
    } as const;
    const site = fakeSite();
    const result = await site.run(routePlaybook({ each: [check, { ...wrap, when: never }, ...rest] }));
    expect(result.state).toBe('done');
    expect(site.called('source perform wrap-key')).toEqual([]);
    expect(site.called('target perform unwrap-key')).toEqual([]);
  });
});
