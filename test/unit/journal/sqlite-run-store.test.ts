import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openHome } from '../../../src/home/home.ts';
import { postToInbox } from '../../../src/journal/inbox.ts';
import { openRunStore } from '../../../src/journal/sqlite/sqlite-run-store.ts';
import { aCheck, aHead, planItems } from '../../support/journal-fixtures.ts';
import { aFolder } from '../../support/journal-folder.ts';

async function aStore() {
  const path = join(await aFolder(), 'home');
  return { path, store: await openRunStore(path), home: await openHome(path) };
}

describe('the runs of a home folder', () => {
  it('are created owned, closed, and opened again', async () => {
    const { store, home } = await aStore();
    const run = store.newRunId();
    const owned = await store.create({ head: aHead(run), items: planItems(3) });
    await owned.journal.append(aCheck('a'));
    await expect(store.open(run)).rejects.toMatchObject({ code: 'run-held' });
    await postToInbox(await home.runDir(run), { kind: 'cancel', by: 'operator' });
    await expect(owned.readInbox()).resolves.toEqual([{ kind: 'cancel', by: 'operator' }]);
    await owned.close();
    const again = await store.open(run);
    expect(again.journal.counts().total).toBe(3);
    await expect(again.readInbox()).resolves.toEqual([]);
    await again.close();
    expect(await home.latestRun()).toBe(run);
  });

  it('leave nothing when they could not be created', async () => {
    const { path, store, home } = await aStore();
    const run = store.newRunId();
    const items = (async function* () {
      yield* planItems(2);
      throw new Error('the plan went away');
    })();
    await expect(store.create({ head: aHead(run), items })).rejects.toThrow('the plan went away');
    expect(await readdir(join(path, 'runs'))).toEqual([]);
    await expect(store.open(run)).rejects.toMatchObject({ code: 'run-unknown' });
    expect(await home.latestRun()).toBeNull();
  });

  it('give their lock back when the journal cannot be opened', async () => {
    const { store, home } = await aStore();
    const run = store.newRunId();
    await (await store.create({ head: aHead(run), items: planItems(1) })).close();
    await rm(join(await home.runDir(run), 'journal.db'));
    for (const _ of [1, 2]) await expect(store.open(run)).rejects.toMatchObject({ code: 'journal-damaged' });
  });

  it('are never created over another', async () => {
    const { path, store } = await aStore();
    const run = store.newRunId();
    await mkdir(join(path, 'runs', run));
    await expect(store.create({ head: aHead(run), items: planItems(1) })).rejects.toMatchObject({
      code: 'state-unwritable',
    });
    expect(await readdir(join(path, 'runs'))).toEqual([run]);
  });
});
