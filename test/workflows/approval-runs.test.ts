/**
 * Runs that wait for approvals, stopped at every write of the journal around them. Each stop is an image of the disk at that moment;
 * people then sign what is still missing, and the run goes on to its end from there.
 */
import { afterAll, describe, expect, test, vi } from 'vitest';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { JournalTuning, OnWrite } from '../../src/journal/sqlite/journal-writer.ts';
import type { RunHandle, RunResult } from '../../src/workflows/engine.ts';
import { people } from '../support/approval-people.ts';
import { approvalsAdded, approvalsOf, approveAll, removeSource, runToApproval } from '../support/approval-runs.ts';
import { expectMigrated, expectUntouched } from '../support/engine-end-state.ts';
import { changed, EVERY_WRITE, journalOf, NOBODY, resume } from '../support/engine-harness.ts';
import { keysOn, newSite, type Site } from '../support/engine-site.ts';

// Each runs a migration several times, and two cores are shared with other tests.
vi.setConfig({ testTimeout: 90_000 });

const { person, remove } = people();
afterAll(remove);
const [alice, bob, carol] = [person('alice'), person('bob', 'p-256'), person('carol', 'p-256')];
const ALL = [alice, bob, carol];

const WHOLE = [
  'requested wrapper',
  'signed wrapper alice',
  'signed wrapper bob',
  'granted wrapper',
  'requested arrived',
  'signed arrived alice',
  'signed arrived bob',
  'granted arrived',
];

/** Signs and resumes until the run is over. */
async function finish(site: Site, run: string): Promise<RunResult | null> {
  for (let round = 0; round < 6; round += 1) {
    await approveAll(site, run, [alice, bob]);
    try {
      const result = await resume(site, run);
      if (result.state !== 'waiting') return result;
    } catch (error) {
      if (error instanceof KeyferryError && error.code === 'run-finished') return null;
      throw error;
    }
  }
  throw new Error('it waits for ever');
}

/** A changing call of an approved step begins only after the step was granted. */
async function expectInOrder(site: Site, run: string): Promise<void> {
  const { entries } = await journalOf(site, run);
  for (const step of ['wrapper', 'arrived']) {
    const granted = entries.findIndex(
      ({ entry }) => entry.kind === 'approval' && entry.event === 'granted' && entry.step === step,
    );
    const begun = entries.findIndex(({ entry }) => entry.kind === 'intent' && entry.call.step === step);
    expect(granted).toBeGreaterThan(-1);
    expect(begun).toBeGreaterThan(granted);
  }
}

describe('a run with a step of prepare and one of each to approve', () => {
  test('waits twice, touches nothing that is not approved, and goes on', async () => {
    const site = await newSite({ count: 3 });
    const before = keysOn(site, 'classic');
    const first = await runToApproval(site, ALL);
    expect(first).toMatchObject({ state: 'waiting', exitCode: 4, error: { code: 'approval-waiting' } });
    // The pair was made before the step that waits; its public half is not on the source.
    expect(
      keysOn(site, 'cluster')
        .map((key) => key.class)
        .sort(),
    ).toEqual(['private', 'public']);
    expect(keysOn(site, 'classic')).toEqual(before);

    await approveAll(site, first.run, [alice]);
    expect(await resume(site, first.run)).toMatchObject({ state: 'waiting', exitCode: 4 });
    await approveAll(site, first.run, [bob]);
    const second = await resume(site, first.run);
    expect(second).toMatchObject({ state: 'waiting', exitCode: 4, counts: { migrated: 0, pending: 3 } });
    // Not even the canary has gone.
    expect(keysOn(site, 'cluster')).toHaveLength(2);
    expect(keysOn(site, 'classic')).toHaveLength(before.length + 1);

    await approveAll(site, first.run, [carol, alice]);
    await expectMigrated(site, before, await resume(site, first.run));
    await expectInOrder(site, first.run);
    expect(await approvalsOf(site, first.run)).toEqual([
      ...WHOLE.slice(0, 5),
      'signed arrived carol',
      'signed arrived alice',
      'granted arrived',
    ]);
  });

  test('asks anew in a new generation', async () => {
    const site = await newSite({ count: 2 });
    const edit = (text: string): string =>
      changed(
        changed(text, '  - id: arrived\n', '  - id: arrived\n    approval: { quorum: 1 }\n'),
        'failed > 10 || failed_share > 0.05',
        'failed > 10',
      );
    const { run } = await runToApproval(site, ALL, { edit });
    await approveAll(site, run, [alice]);
    await removeSource(site, keysOn(site, 'classic')[0]?.label ?? '');
    expect(await resume(site, run)).toMatchObject({ state: 'done', counts: { migrated: 1, failed: 1 } });
    // What was approved was the first try.
    expect(await resume(site, run, { mode: 'retry' })).toMatchObject({ state: 'waiting', exitCode: 4 });
    await approveAll(site, run, [alice]);
    expect(await resume(site, run)).toMatchObject({ state: 'done', counts: { migrated: 1, failed: 1 } });
    const once = ['requested arrived', 'signed arrived alice', 'granted arrived'];
    expect(await approvalsOf(site, run)).toEqual([...once, ...once]);
  });

  test('cancelled while it waits, it cleans up', async () => {
    const site = await newSite({ count: 2 });
    const before = keysOn(site, 'classic');
    const { run } = await runToApproval(site, ALL);
    const result = await resume(site, run, { mode: 'cancel' });
    expect(result).toMatchObject({ state: 'cancelled', leftovers: [] });
    expectUntouched(site, before);
  });

  test('a step of finally that waits holds the end up, of a cancelled run too', async () => {
    const site = await newSite({ count: 2 });
    const before = keysOn(site, 'classic');
    const edit = (text: string): string =>
      changed(
        text,
        'finally:\n  - do: classic.delete-key\n',
        'finally:\n  - do: classic.delete-key\n    approval: { quorum: 1 }\n',
      );
    const { run, state } = await runToApproval(site, ALL, { edit });
    expect(state).toBe('waiting');
    expect(await approvalsOf(site, run)).toEqual(['requested finally_1']);
    expect(keysOn(site, 'classic')).toHaveLength(before.length + 1);
    await approveAll(site, run, [alice]);
    await expectMigrated(site, before, await resume(site, run));

    const other = await newSite({ count: 2 });
    const kept = keysOn(other, 'classic');
    const both = await runToApproval(other, ALL, { edit: (text) => approvalsAdded(edit(text)) });
    await approveAll(other, both.run, [alice, bob]);
    expect((await resume(other, both.run)).state).toBe('waiting');
    expect((await resume(other, both.run, { mode: 'cancel' })).state).toBe('waiting');
    await approveAll(other, both.run, [carol]);
    // The cancel stands: no key is moved, although arrived could be approved.
    expect(await resume(other, both.run)).toMatchObject({ state: 'cancelled', counts: { migrated: 0, pending: 2 } });
    expectUntouched(other, kept);
  });
});

describe('a run that waits in its process', () => {
  test('is interrupted at once, and resumed', async () => {
    const site = await newSite({ count: 2 });
    const before = keysOn(site, 'classic');
    const handles: RunHandle[] = [];
    const observer = {
      ...NOBODY,
      notice: (text: string) => void (text.includes('waits for') && handles[0]?.interrupt()),
    };
    const { run } = await runToApproval(site, ALL);
    const waiting = resume(site, run, { wait: true, observer, onHandle: (handle) => handles.push(handle) });
    expect(await waiting).toMatchObject({ state: 'paused', exitCode: 130 });
    const result = await finish(site, run);
    if (result === null) throw new Error('it was over');
    await expectMigrated(site, before, result);
    expect(await approvalsOf(site, run)).toEqual(WHOLE);
  });
});

describe('a run stopped at any write around its approvals', () => {
  test('is approved and finished with every key once and no approval counted twice', async () => {
    const site = await newSite({ count: 2 });
    const before = keysOn(site, 'classic');
    const images: { readonly site: Site; readonly name: string }[] = [];
    const photograph = (phase: string): JournalTuning => {
      const onWrite: OnWrite = (point, seq) =>
        void images.push({ site: site.copy(), name: `${phase}: ${point} of ${seq}` });
      return { ...EVERY_WRITE, onWrite };
    };
    const { run } = await runToApproval(site, ALL, { tuning: photograph('run') });
    await approveAll(site, run, [alice, bob], photograph('approve wrapper'));
    await resume(site, run, { tuning: photograph('resume') });
    await approveAll(site, run, [alice, bob], photograph('approve arrived'));
    // Of the rest only what stands at the gate: the other writes are those of a run without approvals.
    const atGate = images.length;
    const last = await resume(site, run, { tuning: photograph('move') });
    await expectMigrated(site, before, last);
    expect(await approvalsOf(site, run)).toEqual(WHOLE);
    images.splice(atGate + 16);
    expect(images.length).toBeGreaterThan(50);

    for (const image of images) {
      const result = await finish(image.site, run).catch((error: Error) => {
        throw new Error(`stopped ${image.name}: ${error.message}`, { cause: error });
      });
      if (result === null) throw new Error(`stopped ${image.name}: it was over`);
      await expectMigrated(image.site, before, result);
      await expectInOrder(image.site, run);
      expect(await approvalsOf(image.site, run), image.name).toEqual(WHOLE);
    }
  }, 300_000);
});
