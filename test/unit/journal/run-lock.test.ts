import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acquireRunLock } from '../../../src/journal/run-lock.ts';
import { aFolder } from '../../support/journal-folder.ts';

describe('the lock of a run', () => {
  it('is not given twice in one process, and again after its release', async () => {
    const dir = await aFolder();
    const lock = await acquireRunLock(dir);
    await expect(acquireRunLock(dir)).rejects.toMatchObject({
      code: 'run-held',
      message: expect.stringContaining(`Process ${process.pid} on ${lock.owner.host} owns`),
    });
    await expect(acquireRunLock(join(dir, '.', 'x', '..'))).rejects.toMatchObject({ code: 'run-held' });
    await lock.release();
    await lock.release();
    await (await acquireRunLock(dir)).release();
  });

  it('is not given twice through another name of the folder', async () => {
    const dir = await aFolder();
    const link = join(await aFolder(), 'link');
    await symlink(dir, link);
    const lock = await acquireRunLock(dir);
    await expect(acquireRunLock(link)).rejects.toMatchObject({ code: 'run-held' });
    // The refused try must not have cost the holder its lock (POSIX drops locks when any descriptor is closed).
    await expect(acquireRunLock(link)).rejects.toMatchObject({ code: 'run-held' });
    await lock.release();
  });

  it('goes to one of many who ask at once', async () => {
    const dir = await aFolder();
    const asked = await Promise.allSettled(Array.from({ length: 10 }, () => acquireRunLock(dir)));
    const given = asked.filter((result) => result.status === 'fulfilled');
    expect(given).toHaveLength(1);
    for (const { value } of given) await value.release();
  });

  it('says who holds it in a private file, and removes that', async () => {
    const dir = await aFolder();
    const lock = await acquireRunLock(dir);
    expect(JSON.parse(await readFile(join(dir, 'owner.json'), 'utf8'))).toEqual(lock.owner);
    for (const file of await readdir(dir)) expect((await stat(join(dir, file))).mode & 0o777).toBe(0o600);
    await lock.release();
    expect(await readdir(dir)).not.toContain('owner.json');
  });

  it.each(['', '{"pid":', '[]', '{"pid":"x","host":1}'])('does not depend on what stands there (%j)', async (text) => {
    const dir = await aFolder();
    await writeFile(join(dir, 'owner.json'), text);
    const lock = await acquireRunLock(dir);
    await writeFile(join(dir, 'owner.json'), text);
    await expect(acquireRunLock(dir)).rejects.toMatchObject({ code: 'run-held', message: /^Another process owns/ });
    await lock.release();
  });

  it('is refused on a network file system before anything is written', async () => {
    const dir = await aFolder();
    const statfs = async () => ({ type: 0x6969 });
    await expect(acquireRunLock(dir, { statfs })).rejects.toMatchObject({ code: 'state-network', exitCode: 8 });
    expect(await readdir(dir)).toEqual([]);
  });

  it('is refused where there is no folder or no room for a file', async () => {
    const dir = await aFolder();
    await expect(acquireRunLock(join(dir, 'gone'))).rejects.toMatchObject({ code: 'state-unwritable' });
    await mkdir(join(dir, 'lock.db'));
    await expect(acquireRunLock(dir)).rejects.toMatchObject({ code: 'state-unwritable' });
    await expect(acquireRunLock(dir)).rejects.toMatchObject({ code: 'state-unwritable' });
  });
});
