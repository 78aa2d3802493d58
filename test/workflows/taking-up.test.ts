/** Runs that are taken up by another process, or whose failed keys are tried again. */
import { describe, expect, it } from 'vitest';
import { fakeSite, lost, refuse } from '../support/engine-fakes.ts';
import { halfWay, narrow } from '../support/engine-half-way.ts';
import { fakeDevice } from '../support/fake-device.ts';

const NAMES = ['key-1', 'key-2', 'key-3'];

describe('a retry', () => {
  const failing = {
    'target unwrap-key': async ({ label }: { label: string | null }) => (label === 'key-2' ? refuse() : undefined),
  };

  it('takes the failed keys again in a new generation, for which prepare runs again', async () => {
    const site = fakeSite({ script: failing });
    const first = await site.run(narrow());
    expect(first).toMatchObject({ state: 'done', exitCode: 1, counts: { failed: 1, migrated: 2 } });
    site.script = {};
    const again = await site.resume(first.run, narrow(), { mode: 'retry' });
    expect(again).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 3, failed: 0 }, leftovers: [] });
    expect(site.called('target perform generate-rsa-key-pair')).toHaveLength(2);
    expect(site.called('target perform unwrap-key')).toEqual(['key-1', 'key-2', 'key-3', 'key-2']);
    expect(site.labels('target')).toEqual(NAMES);
    const generations = (await site.entries(first.run)).flatMap(({ entry }) =>
      entry.kind === 'intent' ? [entry.call.generation] : [],
    );
    expect(new Set(generations)).toEqual(new Set([1, 2]));
  });

  it('that stops half-way is taken up in its generation', async () => {
    const site = fakeSite({ script: failing });
    const first = await site.run(narrow());
    site.script = { 'source import-public-key': async () => lost() };
    expect(await site.resume(first.run, narrow(), { mode: 'retry' })).toMatchObject({ state: 'paused', exitCode: 7 });
    site.script = {};
    expect(await site.resume(first.run, narrow())).toMatchObject({ state: 'done', counts: { migrated: 3 } });
    expect(site.called('target perform generate-rsa-key-pair')).toHaveLength(2);
    expect(site.labels('target')).toEqual(NAMES);
    expect(site.labels('source')).toEqual(NAMES);
  });

  it('of a paused run goes on with the wrapping keys that there are', async () => {
    const site = fakeSite({
      script: {
        'target unwrap-key': async ({ label }) =>
          label === 'key-1' ? refuse() : label === 'key-2' ? lost() : undefined,
      },
    });
    const paused = await site.run(narrow());
    expect(paused).toMatchObject({ state: 'paused', counts: { failed: 1, pending: 2 } });
    site.script = {};
    const again = await site.resume(paused.run, narrow(), { mode: 'retry' });
    expect(again).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 3 } });
    expect(site.called('target perform generate-rsa-key-pair')).toHaveLength(1);
  });

  it('is refused while the run has not cleaned up', async () => {
    const site = fakeSite({ script: { ...failing, 'source delete-key': async () => lost() } });
    const paused = await site.run(narrow());
    expect(paused).toMatchObject({ state: 'paused', counts: { failed: 1, pending: 0 } });
    site.script = {};
    await expect(site.resume(paused.run, narrow(), { mode: 'retry' })).rejects.toMatchObject({ code: 'run-finished' });
    expect(await site.resume(paused.run, narrow())).toMatchObject({ state: 'done', counts: { failed: 1 } });
    expect(await site.resume(paused.run, narrow(), { mode: 'retry' })).toMatchObject({ counts: { migrated: 3 } });
  });

  it('of a cancelled run moves what was not begun too', async () => {
    const site = fakeSite({
      script: { 'target unwrap-key': async ({ label }) => (label === 'key-2' ? lost() : undefined) },
    });
    const paused = await site.run(narrow());
    site.script = {};
    await site.resume(paused.run, narrow(), { mode: 'cancel' });
    const again = await site.resume(paused.run, narrow(), { mode: 'retry' });
    expect(again).toMatchObject({ state: 'done', counts: { migrated: 3 }, leftovers: [] });
    expect(site.labels('target')).toEqual(NAMES);
  });
});

describe('a run that is taken up', () => {
  it('on other devices is refused, and nothing is done', async () => {
    const site = fakeSite();
    const { handle, gate } = await halfWay(site);
    handle.interrupt();
    gate.open();
    await handle.result;
    const before = site.log.length;
    const other = fakeDevice({ role: 'target', serial: 'another-serial' });
    (site.devices as Map<string, typeof other.bound>).set('target', other.bound);
    await expect(site.resume(handle.run, narrow())).rejects.toMatchObject({ code: 'plan-devices', exitCode: 3 });
    expect(site.log).toHaveLength(before);
    expect(other.calls).toEqual([]);
  });

  it('while another owns it is refused', async () => {
    const site = fakeSite();
    const { handle, gate } = await halfWay(site);
    await expect(site.resume(handle.run, narrow())).rejects.toMatchObject({ code: 'run-held', exitCode: 6 });
    gate.open();
    expect(await handle.result).toMatchObject({ state: 'done', counts: { migrated: 3 } });
  });

  it('fails for the reason it had when its end was cut off', async () => {
    const site = fakeSite({ script: { 'source delete-key': async () => lost() } });
    site.spki.source = 'stranger';
    const paused = await site.run(narrow());
    expect(paused).toMatchObject({ state: 'paused', exitCode: 7 });
    site.script = {};
    const result = await site.resume(paused.run, narrow());
    expect(result).toMatchObject({
      state: 'failed',
      exitCode: 1,
      error: { code: 'wrapping-key-swapped' },
      leftovers: [],
    });
    expect(site.called('source perform wrap-key')).toEqual([]);
    expect(site.labels('source')).toEqual(NAMES);
  });

  it('still knows which keys had changed since the plan', async () => {
    const site = fakeSite({
      script: { 'target unwrap-key': async ({ label }) => (label === 'key-1' ? lost() : undefined) },
    });
    const paused = await site.run(narrow(), { stale: new Map([[2, 'extractable was true and is false']]) });
    expect(paused).toMatchObject({ state: 'paused', counts: { failed: 1, pending: 2 } });
    site.script = {};
    const result = await site.resume(paused.run, narrow());
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { migrated: 2, failed: 1 } });
    expect(site.called('source perform wrap-key')).not.toContain('key-3');
  });

  it('parks a key that cannot be read any more and whose arrival was not settled', async () => {
    const site = fakeSite({
      script: {
        'target unwrap-key': async ({ label, usual }) => {
          if (label !== 'key-2') return undefined;
          await usual();
          return lost();
        },
      },
    });
    const paused = await site.run(narrow());
    site.script = {};
    site.source.keys = [...site.source.keys].filter(({ label }) => label !== 'key-2');
    const result = await site.resume(paused.run, narrow());
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { migrated: 2, needsAttention: 1 } });
    const item = (await site.entries(paused.run)).find(({ entry }) => entry.kind === 'item' && entry.item === 1);
    expect(item?.entry).toMatchObject({ state: 'needs-attention', reason: expect.stringContaining('unwrap-key') });
  });

  it('parks a key whose source will not wrap any more and whose arrival was not settled', async () => {
    const site = fakeSite({
      script: {
        'target unwrap-key': async ({ label, usual }) => {
          if (label !== 'key-2') return undefined;
          await usual();
          return lost();
        },
      },
    });
    const paused = await site.run(narrow());
    site.script = { 'source wrap-key': async ({ label }) => (label === 'key-2' ? refuse() : undefined) };
    const result = await site.resume(paused.run, narrow());
    expect(result).toMatchObject({ state: 'done', exitCode: 1, counts: { migrated: 2, needsAttention: 1, failed: 0 } });
  });
});
