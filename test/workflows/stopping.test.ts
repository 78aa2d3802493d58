/** Runs that people stop: interrupted, aborted, cancelled from here and from elsewhere, and taken up or tried again afterwards. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { postToInbox } from '../../src/journal/inbox.ts';
import { openJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import { aGate, canaryStep, fakeSite, keysNamed, lost, routePlaybook } from '../support/engine-fakes.ts';
import { halfWay, narrow } from '../support/engine-half-way.ts';

const NAMES = ['key-1', 'key-2', 'key-3'];
describe('an interrupted run', () => {
  it('lets the call in flight end, starts nothing more, and exits with 130', async () => {
    const site = fakeSite();
    const { handle, gate } = await halfWay(site);
    handle.interrupt();
    gate.open();
    const result = await handle.result;
    expect(result).toMatchObject({ state: 'paused', exitCode: 130, error: { code: 'interrupted' } });
    expect(site.called('target perform unwrap-key')).toEqual(['key-1', 'key-2']);
    expect(site.labels('target')).toEqual(['key-1', 'key-2', 'wrapping', 'wrapping']);
    expect(site.called('target perform delete-key')).toEqual([]);
    expect(result.leftovers).toHaveLength(3);

    const resumed = await site.resume(handle.run, narrow());
    expect(resumed).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 3 }, leftovers: [] });
    expect(site.called('target perform unwrap-key')).toEqual(['key-1', 'key-2', 'key-3']);
    expect(site.labels('target')).toEqual(NAMES);
  });

  it('does not sit out the wait before a retry', async () => {
    const waiting = aGate();
    const site = fakeSite({
      script: {
        'source wrap-key': async () => {
          waiting.open();
          const { KeyferryError } = await import('../../src/errors/keyferry-error.ts');
          throw new KeyferryError('device-busy', 'busy');
        },
      },
    });
    const each = narrow().each.map((step) => ({
      ...step,
      retry: { attempts: 3, backoff: 'fixed', delayMs: 50_000 } as const,
    }));
    const handle = await site.start(narrow({ each }));
    await waiting.passed;
    const begun = performance.now();
    handle.interrupt();
    expect(await handle.result).toMatchObject({ state: 'paused', exitCode: 130 });
    expect(performance.now() - begun).toBeLessThan(10_000);
  }, 20_000);

  it('that is aborted is given back at once; what was in flight is settled by the next process', async () => {
    const site = fakeSite();
    const { handle, gate } = await halfWay(site);
    handle.interrupt();
    handle.abort();
    expect(await handle.result).toMatchObject({ exitCode: 130, error: { code: 'interrupted' } });
    gate.open();
    await new Promise((resolve) => setTimeout(resolve, 50));
    site.script = {};
    const resumed = await site.resume(handle.run, narrow());
    expect(resumed).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 3 } });
    expect(site.called('target perform unwrap-key').filter((label) => label === 'key-2')).toHaveLength(1);
    expect(site.labels('target')).toEqual(NAMES);
  });
});

describe('a run that is cancelled while another process works on it', () => {
  it('finishes what is in flight, cleans up and is over', async () => {
    const site = fakeSite();
    const notices: string[] = [];
    const gate = aGate();
    site.script = {
      'target unwrap-key': async ({ label }) => {
        if (label === 'key-2') await gate.passed;
        return undefined;
      },
    };
    const handle = await site.start(narrow(), {
      observer: {
        progress: () => undefined,
        notice: (text) => {
          notices.push(text);
          if (text.includes('cancelled by')) gate.open();
        },
      },
    });
    await postToInbox(join(site.home, 'runs', handle.run), { kind: 'cancel', by: 'alice' });
    const result = await handle.result;
    expect(result).toMatchObject({
      state: 'cancelled',
      exitCode: 0,
      leftovers: [],
      counts: { pending: 1, migrated: 2 },
    });
    expect(notices.join()).toContain('cancelled by alice');
    expect(site.labels('target')).toEqual(['key-1', 'key-2']);
    expect(site.labels('source')).toEqual(NAMES);
    await expect(site.resume(handle.run, narrow())).rejects.toMatchObject({ code: 'run-finished' });
    await expect(site.resume(handle.run, narrow(), { mode: 'cancel' })).rejects.toMatchObject({ code: 'run-finished' });
  }, 20_000);

  it('stays cancelled when its owner did not live to carry that out', async () => {
    const site = fakeSite();
    const { handle, gate } = await halfWay(site);
    handle.interrupt();
    gate.open();
    await handle.result;
    // As an owner that had read the message and was killed then.
    const dir = join(site.home, 'runs', handle.run);
    const journal = await openJournal({ dir, run: handle.run });
    await journal.append({ kind: 'cancel', by: 'alice' });
    await journal.close();
    const result = await site.resume(handle.run, narrow());
    expect(result).toMatchObject({ state: 'cancelled', exitCode: 0, leftovers: [] });
    expect(site.called('target perform unwrap-key')).not.toContain('key-3');
  });
});

describe('a run that is cancelled afterwards', () => {
  it('finishes the keys that were begun, and no other', async () => {
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
    expect(paused).toMatchObject({ state: 'paused', counts: { migrated: 1, pending: 2 } });
    site.script = {};
    const result = await site.resume(paused.run, narrow(), { mode: 'cancel' });
    expect(result).toMatchObject({
      state: 'cancelled',
      exitCode: 0,
      counts: { migrated: 2, pending: 1 },
      leftovers: [],
    });
    expect(site.called('target perform unwrap-key')).toEqual(['key-1', 'key-2']);
    expect(site.labels('target')).toEqual(['key-1', 'key-2']);
    expect(site.labels('source')).toEqual(NAMES);
  });

  it('removes a canary that was cut off', async () => {
    const playbook = narrow({ canary: canaryStep() });
    const site = fakeSite({
      script: {
        'target unwrap-key': async ({ usual }) => {
          await usual();
          return lost();
        },
      },
    });
    const paused = await site.run(playbook);
    expect(site.labels('target')).toContain('canary');
    site.script = {};
    const result = await site.resume(paused.run, playbook, { mode: 'cancel' });
    expect(result).toMatchObject({ state: 'cancelled', leftovers: [], counts: { pending: 3, migrated: 0 } });
    expect(site.labels('target')).toEqual([]);
    expect(site.labels('source')).toEqual(NAMES);
  });

  it('parks the keys that were begun when their wrapping keys are not what they were, and still ends', async () => {
    const site = fakeSite({
      script: { 'target unwrap-key': async ({ label }) => (label === 'key-2' ? lost() : undefined) },
    });
    const paused = await site.run(narrow());
    site.script = {};
    site.spki.source = 'stranger';
    const result = await site.resume(paused.run, narrow(), { mode: 'cancel' });
    expect(result).toMatchObject({
      state: 'cancelled',
      exitCode: 1,
      counts: { migrated: 1, needsAttention: 1, pending: 1 },
    });
    expect(site.called('source perform wrap-key')).toEqual(['key-1', 'key-2']);
    expect(site.labels('source')).toEqual(NAMES);
  });

  it('before anything was made is over at once', async () => {
    const site = fakeSite({ script: { 'target generate-rsa-key-pair': async () => lost() } });
    const paused = await site.run(narrow());
    site.script = {};
    const result = await site.resume(paused.run, narrow(), { mode: 'cancel' });
    expect(result).toMatchObject({ state: 'cancelled', leftovers: [], counts: { pending: 3 } });
    expect(site.labels('target')).toEqual([]);
    expect(site.called('target perform generate-rsa-key-pair')).toHaveLength(1);
  });

  it('knows of a pair that was made though nobody said so, and removes it', async () => {
    const site = fakeSite({
      script: {
        'target generate-rsa-key-pair': async ({ usual }) => {
          await usual();
          return lost();
        },
      },
    });
    const paused = await site.run(narrow());
    site.script = {};
    expect(await site.resume(paused.run, narrow(), { mode: 'cancel' })).toMatchObject({
      state: 'cancelled',
      leftovers: [],
    });
    expect(site.labels('target')).toEqual([]);
  });
});

describe('the home of many keys', () => {
  it('is worked through after an interruption as if there had been none', async () => {
    const site = fakeSite({ keys: keysNamed(40) });
    let begun = 0;
    const playbook = routePlaybook();
    const handle = await site.start(playbook, {
      observer: {
        progress: ({ counts }) => {
          if (counts.migrated > 5 && begun === 0) {
            begun = counts.migrated;
            handle.interrupt();
          }
        },
        notice: () => undefined,
      },
    });
    site.script = {
      'target unwrap-key': async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return undefined;
      },
    };
    const first = await handle.result;
    expect(first.exitCode).toBe(130);
    expect(await site.resume(handle.run, playbook)).toMatchObject({ state: 'done', counts: { migrated: 40 } });
    expect(site.called('target perform unwrap-key')).toHaveLength(40);
  });
});
