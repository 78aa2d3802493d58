import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openInbox, postToInbox } from '../../../src/journal/inbox.ts';
import { openSqlite } from '../../../src/journal/sqlite/sqlite.ts';
import { aFolder } from '../../support/journal-folder.ts';

const cancel = (by: string) => ({ kind: 'cancel', by }) as const;

describe('the inbox of a run', () => {
  it('gives each message once, in order, and keeps those that came before its owner', async () => {
    const dir = await aFolder();
    await postToInbox(dir, cancel('early'));
    const inbox = await openInbox(dir);
    await postToInbox(dir, cancel('second'));
    expect(inbox.read()).toEqual([cancel('early'), cancel('second')]);
    expect(inbox.read()).toEqual([]);
    await postToInbox(dir, cancel('third'));
    expect(inbox.read()).toEqual([cancel('third')]);
    inbox.close();
    const next = await openInbox(dir);
    expect(next.read()).toEqual([]);
    next.close();
  });

  it('gives a message that its owner read and crashed over to the next owner', async () => {
    const dir = await aFolder();
    await postToInbox(dir, cancel('operator'));
    const crashed = await openInbox(dir);
    crashed.read();
    const next = await openInbox(dir);
    expect(next.read()).toEqual([cancel('operator')]);
    next.close();
    crashed.close();
  });

  it('takes messages from many at once', async () => {
    const dir = await aFolder();
    const names = Array.from({ length: 20 }, (_, n) => `poster ${n}`);
    await Promise.all(names.map((name) => postToInbox(dir, cancel(name))));
    const inbox = await openInbox(dir);
    expect(
      inbox
        .read()
        .map((message) => (message.kind === 'cancel' ? message.by : message.kind))
        .sort(),
    ).toEqual([...names].sort());
    inbox.close();
  });

  it('is private', async () => {
    const dir = await aFolder();
    await postToInbox(dir, cancel('operator'));
    expect((await stat(join(dir, 'inbox.db'))).mode & 0o777).toBe(0o600);
  });

  it('passes over what is no message', async () => {
    const dir = await aFolder();
    const inbox = await openInbox(dir);
    const database = await openSqlite({ path: join(dir, 'inbox.db') });
    for (const text of [
      'nonsense',
      '{"kind":"explode","by":"x"}',
      '{"kind":"cancel"}',
      'null',
      '{"kind":"cancel","by":"x"}',
    ]) {
      database.prepare('INSERT INTO messages (message) VALUES (?)').run(text);
    }
    database.close();
    expect(inbox.read()).toEqual([cancel('x')]);
    inbox.close();
  });

  it('refuses a folder that is not there, a file that is no database, and a message without measure', async () => {
    const dir = await aFolder();
    await expect(postToInbox(join(dir, 'gone'), cancel('x'))).rejects.toMatchObject({ code: 'state-unwritable' });
    await expect(postToInbox(dir, cancel('x'.repeat(70_000)))).rejects.toThrow(/characters/);
    await writeFile(join(dir, 'inbox.db'), 'not a database\n'.repeat(100));
    await expect(postToInbox(dir, cancel('x'))).rejects.toMatchObject({ code: 'journal-damaged' });
  });
});
