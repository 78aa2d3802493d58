import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createJournal, openJournal } from '../../../src/journal/sqlite/sqlite-journal.ts';
import {
  A_RUN,
  aCall,
  aCheck,
  aHead,
  anIntent,
  anItem,
  anOutcome,
  collect,
  planItem,
  planItems,
} from '../../support/journal-fixtures.ts';
import { aFolder, aJournal } from '../../support/journal-folder.ts';

const NOTHING = { total: 10, pending: 10, migrated: 0, skipped: 0, failed: 0, needsAttention: 0 };

describe('a new journal', () => {
  it('holds the head, the items as pending and a chain that verifies', async () => {
    const { journal } = await aJournal();
    expect(journal.head()).toEqual(aHead());
    expect(journal.counts()).toEqual(NOTHING);
    expect((await collect(journal.items())).map(({ item, state }) => [item, state])).toEqual(
      Array.from({ length: 10 }, (_, index) => [planItem(index), 'pending']),
    );
    await expect(journal.verifyChain()).resolves.toMatchObject({ entries: 2 });
    await journal.close();
  });

  it('may have no items', async () => {
    const { journal } = await aJournal(0);
    expect(journal.counts().total).toBe(0);
    expect(await collect(journal.items())).toEqual([]);
    await expect(journal.verifyChain()).resolves.toBeDefined();
    await journal.close();
  });

  it('leaves only private files', async () => {
    const { dir, journal } = await aJournal();
    await journal.append(aCheck('one'));
    const files = await readdir(dir);
    expect(files).toEqual(expect.arrayContaining(['journal.db', 'journal.db-shm', 'journal.db-wal']));
    for (const file of files) expect([file, (await stat(join(dir, file))).mode & 0o777]).toEqual([file, 0o600]);
    await journal.close();
  });

  it('is refused beside another and leaves that as it was', async () => {
    const { dir, journal } = await aJournal();
    await journal.close();
    const again = createJournal({ dir, run: A_RUN, head: aHead(), items: planItems(3) });
    await expect(again).rejects.toMatchObject({ code: 'journal-foreign' });
    const opened = await openJournal({ dir, run: A_RUN });
    expect(opened.counts().total).toBe(10);
    await opened.close();
  });

  it.each([
    ['come out of order', [planItem(0), planItem(2)]],
    ['come twice', [planItem(0), planItem(0)]],
  ])('is refused and leaves nothing when the items %s', async (_, items) => {
    const dir = await aFolder();
    const source = (async function* () {
      yield* items;
    })();
    await expect(createJournal({ dir, run: A_RUN, head: aHead(), items: source })).rejects.toThrow(/in place 1/);
    expect(await readdir(dir)).toEqual([]);
  });

  it('is not made for a head of another run', async () => {
    const dir = await aFolder();
    await expect(createJournal({ dir, run: 'other', head: aHead(), items: planItems(1) })).rejects.toThrow(/other/);
    expect(await readdir(dir)).toEqual([]);
  });
});

describe('entries', () => {
  it('come back as they were, in order, across a reopen, with the times of the clock', async () => {
    let now = 1_000;
    const { dir, journal } = await aJournal(10, { clock: () => now++ });
    const entries = [aCheck('one'), anIntent(aCall(3)), anOutcome(aCall(3)), aCheck('ü\ud800"\n')];
    journal.note(entries[0] ?? aCheck(''));
    await Promise.all(entries.slice(1).map((entry) => journal.append(entry)));
    await journal.close();
    const opened = await openJournal({ dir, run: A_RUN });
    const stored = [...opened.entries()].slice(2);
    expect(stored.map(({ entry }) => entry)).toEqual(entries);
    expect(stored.map(({ seq, at }) => [seq, at])).toEqual([
      [3, 1_002],
      [4, 1_003],
      [5, 1_004],
      [6, 1_005],
    ]);
    await opened.append(aCheck('after'));
    await expect(opened.verifyChain()).resolves.toMatchObject({ entries: 7 });
    await opened.close();
  });

  it('keep bytes among outputs', async () => {
    const { journal } = await aJournal();
    const outputs = { pem: new Uint8Array([0, 255, 7]), key: { kind: 'key' }, note: '$bytes', none: null };
    await journal.append(anOutcome(aCall(null), { outputs }));
    const [stored] = journal.entries({ kinds: ['outcome'] });
    expect(stored?.entry).toMatchObject({ outputs });
    await journal.close();
  });

  it('are filtered by kind, scope and item, over several pages', async () => {
    const { journal } = await aJournal(1_000);
    const pair = aCall(null, { step: 'pair' });
    const canary = aCall(-1, { scope: 'canary' });
    for (const call of [pair, canary]) for (const entry of [anIntent(call), anOutcome(call)]) journal.note(entry);
    for (let item = 0; item < 1_000; item++) {
      journal.note(anIntent(aCall(item)));
      journal.note(anOutcome(aCall(item)));
      journal.note(anItem(item, 'migrated'));
    }
    journal.note(anOutcome(aCall(7, { scope: 'undo' })));
    await journal.flush();
    const count = (filter: Parameters<typeof journal.entries>[0]) => [...journal.entries(filter)].length;
    expect(count({})).toBe(2 + 4 + 3_000 + 1);
    expect(count({ kinds: ['intent'] })).toBe(1_002);
    expect(count({ scopes: ['prepare'] })).toBe(2);
    expect(count({ scopes: ['prepare', 'canary'], kinds: ['outcome'] })).toBe(2);
    expect(count({ scopes: ['each'] })).toBe(2_000);
    expect(count({ kinds: ['check', 'run'] })).toBe(2);
    expect(count({ item: 7 })).toBe(4);
    expect(count({ item: 7, scopes: ['each'], kinds: ['outcome'] })).toBe(1);
    expect(count({ item: -1 })).toBe(2);
    expect(count({ item: 5_000 })).toBe(0);
    expect(count({ kinds: [] })).toBe(0);
    expect([...journal.entries({ item: 999 })].map(({ entry }) => entry.kind)).toEqual(['intent', 'outcome', 'item']);
    await journal.close();
  });

  it('may be appended while they are read', async () => {
    const { journal } = await aJournal(600);
    for await (const { item } of journal.items(['pending'])) await journal.append(anItem(item.index, 'migrated'));
    for (const { seq } of journal.entries({ kinds: ['item'] })) journal.note(aCheck(`seen ${seq}`));
    await journal.flush();
    expect(journal.counts()).toMatchObject({ pending: 0, migrated: 600 });
    expect([...journal.entries({ kinds: ['check'] })]).toHaveLength(601);
    await journal.close();
  });

  it('that JSON cannot hold are refused and leave no gap', async () => {
    const { journal } = await aJournal();
    await expect(journal.append({ kind: 'check', name: 'a', result: 'passed', detail: 1n })).rejects.toThrow(TypeError);
    await journal.append(aCheck('b'));
    await expect(journal.verifyChain()).resolves.toMatchObject({ entries: 3 });
    await journal.close();
  });

  it.each([
    ['a second head', aHead()],
    ['an item beyond the plan', anItem(10, 'migrated')],
    ['an item that is no number', anItem(Number.NaN, 'migrated')],
    ['a call of prepare that belongs to an item', anIntent(aCall(3, { scope: 'prepare' }))],
  ])('refuses %s', async (_, entry) => {
    const { journal } = await aJournal();
    await expect(journal.append(entry)).rejects.toThrow();
    await journal.close();
  });
});

describe('items', () => {
  it('move in the same commit as their entry and keep what became of them', async () => {
    const { dir, journal } = await aJournal();
    const verification = { method: 'encrypt-ecb', strength: 'strong', result: 'same' } as const;
    await journal.append(anItem(4, 'migrated', { target: { kcv: 'a1b2c3' }, verification }));
    await journal.append(anItem(5, 'failed', { reason: 'refused' }));
    await journal.append(anItem(-1, 'migrated'));
    expect(journal.counts()).toEqual({ ...NOTHING, pending: 8, migrated: 1, failed: 1 });
    await journal.append(anItem(5, 'needs-attention'));
    const expected = { ...NOTHING, pending: 8, migrated: 1, needsAttention: 1 };
    expect(journal.counts()).toEqual(expected);
    expect(await collect(journal.items(['migrated']))).toEqual([
      { item: planItem(4), state: 'migrated', reason: null, target: { kcv: 'a1b2c3' }, verification, error: null },
    ]);
    expect((await collect(journal.items(['needs-attention', 'migrated']))).map(({ item }) => item.index)).toEqual([
      4, 5,
    ]);
    expect(await collect(journal.items([]))).toEqual([]);
    await journal.close();
    const opened = await openJournal({ dir, run: A_RUN, readOnly: true });
    expect(opened.counts()).toEqual(expected);
    await opened.close();
  });

  it('become pending again by a reset, which is an entry', async () => {
    const { journal } = await aJournal();
    journal.note(anItem(1, 'failed'));
    journal.note(anItem(2, 'needs-attention'));
    journal.note(anItem(3, 'migrated'));
    await expect(journal.resetItems(['failed', 'needs-attention', 'failed'], 2)).resolves.toBe(2);
    expect(journal.counts()).toEqual({ ...NOTHING, pending: 9, migrated: 1 });
    const items = await collect(journal.items(['pending']));
    expect(items.find(({ item }) => item.index === 1)).toMatchObject({ state: 'pending', reason: null, error: null });
    expect([...journal.entries({ kinds: ['reset'] })].map(({ entry }) => entry)).toEqual([
      { kind: 'reset', generation: 2, states: ['failed', 'needs-attention', 'failed'] },
    ]);
    await expect(journal.resetItems(['failed'], 3)).resolves.toBe(0);
    await expect(journal.verifyChain()).resolves.toMatchObject({ entries: 7 });
    await journal.close();
  });
});

describe('open intents', () => {
  it('are those without an outcome or with an unsettled unknown one, also after a reopen', async () => {
    const { dir, journal } = await aJournal();
    const call = (item: number) => aCall(item);
    for (const item of [0, 1, 2, 3, 4]) journal.note(anIntent(call(item)));
    journal.note(anOutcome(call(1)));
    journal.note(anOutcome(call(2), { result: 'unknown', settled: false }));
    journal.note(anOutcome(call(3), { result: 'unknown', settled: true }));
    journal.note(anOutcome(call(4), { result: 'not-applied' }));
    journal.note(anOutcome(aCall(9, { step: 'read' })));
    await journal.flush();
    const open = (of: typeof journal) => [...of.openIntents()].map(({ entry }) => entry);
    expect(open(journal)).toEqual([anIntent(call(0)), anIntent(call(2))]);
    await journal.close();

    const opened = await openJournal({ dir, run: A_RUN });
    expect(open(opened)).toEqual([anIntent(call(0)), anIntent(call(2))]);
    await opened.append(anOutcome(call(2), { result: 'not-applied', settled: true }));
    expect(open(opened)).toEqual([anIntent(call(0))]);
    await opened.append(anIntent(call(2)));
    expect(open(opened)).toEqual([anIntent(call(0)), anIntent(call(2))]);
    await expect(opened.verifyChain()).resolves.toBeDefined();
    await opened.close();
  });

  it('refuse to begin a call that is still open', async () => {
    const { journal } = await aJournal();
    await journal.append(anIntent(aCall(1)));
    await expect(journal.append(anIntent(aCall(1)))).rejects.toThrow(/still open/);
    await journal.append(anIntent(aCall(1, { attempt: 2 })));
    await expect(journal.verifyChain()).resolves.toMatchObject({ entries: 4 });
    await journal.close();
  });
});

describe('commits', () => {
  it('serve all that wait, in order', async () => {
    const commits: number[] = [];
    const { journal } = await aJournal(100, { onWrite: (point, seq) => point === 'after-commit' && commits.push(seq) });
    const done: number[] = [];
    await Promise.all(Array.from({ length: 50 }, (_, n) => journal.append(aCheck(`${n}`)).then(() => done.push(n))));
    expect(done).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(commits).toEqual([52]);
    await journal.close();
  });

  it('are spaced, but neither a full group nor a flush waits', async () => {
    const commits: number[] = [];
    const tuning = { commitSpacingMs: 60_000, onWrite: (_: string, seq: number) => commits.push(seq) };
    const { journal } = await aJournal(10, tuning);
    await journal.append(aCheck('the first finds no commit before it'));
    await Promise.all(Array.from({ length: 64 }, (_, n) => journal.append(aCheck(`${n}`))));
    const waiting = journal.append(aCheck('waits'));
    await journal.flush();
    await waiting;
    expect(commits).toEqual([3, 3, 67, 67, 68, 68]);
    await journal.close();
  });

  it('can be one for every entry, stopped before and after', async () => {
    const points: string[] = [];
    const { journal } = await aJournal(10, {
      groupCommit: false,
      onWrite: (point, seq) => points.push(`${point} ${seq}`),
    });
    journal.note(aCheck('a'));
    await journal.append(aCheck('b'));
    expect(points).toEqual(['before-commit 3', 'after-commit 3', 'before-commit 4', 'after-commit 4']);
    await journal.close();
  });

  it.each([
    ['before-commit', 2],
    ['after-commit', 3],
  ] as const)('that a test stops at %s end the journal with %i entries', async (stop, entries) => {
    const { dir, journal } = await aJournal(10, {
      groupCommit: false,
      onWrite: (point) => {
        if (point === stop) throw new Error('stopped here');
      },
    });
    const appends = [journal.append(anItem(1, 'migrated')), journal.append(aCheck('b'))];
    for (const append of appends) await expect(append).rejects.toThrow('stopped here');
    await expect(journal.append(aCheck('c'))).rejects.toThrow('stopped here');
    await expect(journal.flush()).rejects.toThrow('stopped here');
    await journal.close();
    const opened = await openJournal({ dir, run: A_RUN });
    await expect(opened.verifyChain()).resolves.toMatchObject({ entries });
    expect(opened.counts().migrated).toBe(entries - 2);
    await opened.close();
  });

  it('that fail with only notes waiting make close reject', async () => {
    const stop = () => {
      throw new Error('stopped here');
    };
    const { journal } = await aJournal(10, { onWrite: stop });
    journal.note(aCheck('lost'));
    await expect(journal.close()).rejects.toThrow('stopped here');
  });
});

describe('a journal opened for reading', () => {
  it('follows the owner and refuses to write', async () => {
    const { dir, journal } = await aJournal();
    const reader = await openJournal({ dir, run: A_RUN, readOnly: true });
    await journal.append(anItem(1, 'skipped', { reason: 'not extractable' }));
    expect(reader.counts()).toMatchObject({ skipped: 1, pending: 9 });
    expect(await collect(reader.items(['skipped']))).toHaveLength(1);
    await expect(reader.verifyChain()).resolves.toMatchObject({ entries: 3 });
    await expect(reader.append(aCheck('a'))).rejects.toThrow(/for reading/);
    await expect(reader.resetItems(['skipped'], 2)).rejects.toThrow(/for reading/);
    expect(() => reader.note(aCheck('a'))).toThrow(/for reading/);
    await reader.close();
    await journal.close();
  });
});
