/** Runs that people stop: interrupted, aborted, cancelled from here and from elsewhere, and taken up or tried again afterwards. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { postToInbox } from '../../src/journal/inbox.ts';
import { openJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import type { Playbook } from '../../src/playbook/model.ts';
import {
  aGate,
  canaryStep,
  type FakeSite,
  fakeSite,
  keysNamed,
  lost,
  refuse,
  routePlaybook,
} from '../support/engine-fakes.ts';
import { fakeDevice } from '../support/fake-device.ts';

const NAMES = ['key-1', 'key-2', 'key-3'];
const narrow = (rest: Partial<Playbook> = {}): Playbook =>
  routePlaybook({ policy: { concurrency: 1, ramp: [{ share: 1 }], stopWhen: null }, ...rest });

/** Starts a run whose second unwrap waits at a gate, and gives it back when it is there. */
async function halfWay(site: FakeSite, playbook = narrow()) {
  const gate = aGate();
  const arrived = aGate();
  site.script = {
    'target unwrap-key': async ({ label }) => {
      if (label !== 'key-2') return undefined;
      arrived.open();
      await gate.passed;
      return undefined;
    },
  };
  const handle = await site.start(playbook);
  await arrived.passed;
  return { handle, gate };
}

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
