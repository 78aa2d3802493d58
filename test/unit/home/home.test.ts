import { chmod, chown, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openHome } from '../../../src/home/home.ts';
import { ownIdentity } from '../../../src/home/trusted-folder.ts';
import { aFolder } from '../../support/journal-folder.ts';

const mode = async (path: string) => (await stat(path)).mode & 0o7777;

/** Below a folder that only we can write, whatever the mode of the system's folder for temporary files. */
async function aHome() {
  const path = join(await aFolder(), 'home');
  return { path, home: await openHome(path) };
}

describe('the home folder', () => {
  it('is made private, with its parents, whatever the umask', async () => {
    const umask = process.umask(0o777);
    const top = await aFolder();
    await chmod(top, 0o700);
    process.umask(0o077);
    const path = join(top, 'a', 'b', 'home');
    try {
      const home = await openHome(path);
      expect(home.path).toBe(path);
      process.umask(0o777);
      const dir = await home.createRun('20261122-101530-1f2ab3');
      expect([await mode(path), await mode(join(path, 'runs')), await mode(dir)]).toEqual([0o700, 0o700, 0o700]);
    } finally {
      process.umask(umask);
    }
  });

  it('is found again, through a link too, and made only once', async () => {
    const { path, home } = await aHome();
    await home.createRun('one');
    const link = join(await aFolder(), 'link');
    await symlink(path, link);
    const again = await openHome(link);
    expect(again.path).toBe(path);
    expect(await readdir(join(path, 'runs'))).toEqual(['one']);
  });

  it.each([
    ['others', 0o702],
    ['the group', 0o720],
    ['everybody, sticky or not', 0o1777],
  ])('is refused when %s can write it', async (_, bits) => {
    const { path } = await aHome();
    await chmod(path, bits);
    await expect(openHome(path)).rejects.toMatchObject({
      code: 'state-unsafe',
      exitCode: 8,
      message: expect.stringContaining(path),
    });
    await chmod(path, 0o755);
    await expect(openHome(path)).resolves.toBeDefined();
    await chmod(join(path, 'runs'), bits);
    await expect(openHome(path)).rejects.toMatchObject({ code: 'state-unsafe' });
  });

  it('is refused below a folder in which others can rename it', async () => {
    const { path } = await aHome();
    const above = join(path, '..');
    await chmod(above, 0o777);
    await expect(openHome(path)).rejects.toMatchObject({
      code: 'state-unsafe',
      message: expect.stringContaining('0777'),
    });
    await chmod(above, 0o1777);
    await expect(openHome(path)).resolves.toBeDefined();
    await chmod(above, 0o770);
    await expect(openHome(path)).resolves.toBeDefined();
    const own = ownIdentity();
    if (own === undefined) throw new Error('no users on this platform');
    await expect(openHome(path, { identity: { uid: own.uid, gid: own.gid + 1 } })).rejects.toMatchObject({
      code: 'state-unsafe',
    });
  });

  it('is refused when it belongs to somebody else', async () => {
    const { path } = await aHome();
    const own = ownIdentity();
    if (own === undefined) throw new Error('no users on this platform');
    await expect(openHome(path, { identity: { ...own, uid: own.uid + 1 } })).rejects.toMatchObject({
      code: 'state-unsafe',
      message: /another user/,
    });
    if (own.uid !== 0) return;
    await chown(path, 12_345, 0);
    await expect(openHome(path)).rejects.toMatchObject({ code: 'state-unsafe' });
  });

  it.each([
    ['NFS', 0x6969],
    ['SMB', 0x517b],
    ['CIFS', 0xff534d42],
    ['CIFS with its sign', 0xff534d42 | 0],
    ['SMB2', 0xfe534d42],
    ['9P', 0x01021997],
    ['FUSE', 0x65735546],
    ['Ceph', 0x00c36400],
  ])('is refused on %s', async (_, type) => {
    const { path } = await aHome();
    await expect(openHome(path, { statfs: async () => ({ type }) })).rejects.toMatchObject({
      code: 'state-network',
      exitCode: 8,
    });
  });

  it.each([
    ['ext4', 0xef53],
    ['tmpfs', 0x01021994],
    ['overlayfs', 0x794c7630],
    ['xfs', 0x58465342],
    ['btrfs', 0x9123683e],
    ['an unknown one', 0x1234],
  ])('is taken on %s', async (_, type) => {
    const { path } = await aHome();
    await expect(openHome(path, { statfs: async () => ({ type }) })).resolves.toBeDefined();
  });

  it('is refused where a file stands', async () => {
    const path = join(await aFolder(), 'file');
    await writeFile(path, '');
    await expect(openHome(path)).rejects.toMatchObject({ code: 'state-unwritable' });
    await expect(openHome(join(path, 'below'))).rejects.toMatchObject({ code: 'state-unwritable' });
  });
});

describe('runs', () => {
  it('are listed oldest first, when they have a journal', async () => {
    const { path, home } = await aHome();
    expect(await home.listRuns()).toEqual([]);
    expect(await home.latestRun()).toBeNull();
    for (const run of ['20261122-101530-000002', '20261121-101530-000001', '20261123-101530-000003']) {
      await writeFile(join(await home.createRun(run), 'journal.db'), '');
    }
    await home.createRun('20270101-000000-000000');
    await mkdir(join(path, 'runs', 'Not A Run'));
    await writeFile(join(path, 'runs', 'file'), '');
    expect(await home.listRuns()).toEqual([
      '20261121-101530-000001',
      '20261122-101530-000002',
      '20261123-101530-000003',
    ]);
    expect(await home.latestRun()).toBe('20261123-101530-000003');
    expect(await home.runDir('20261121-101530-000001')).toBe(join(path, 'runs', '20261121-101530-000001'));
  });

  it('that do not exist are answered with the nearest name', async () => {
    const { home } = await aHome();
    await writeFile(join(await home.createRun('20261122-101530-1f2ab3'), 'journal.db'), '');
    await expect(home.runDir('20261122-101530-1f2ab4')).rejects.toMatchObject({
      code: 'run-unknown',
      exitCode: 2,
      hint: expect.stringContaining('Did you mean 20261122-101530-1f2ab3'),
    });
    await expect(home.runDir('something-else')).rejects.toMatchObject({
      code: 'run-unknown',
      hint: expect.not.stringContaining('Did you mean'),
    });
  });

  it.each(['..', '.', '', '../..', 'a/b', '/etc', 'a\0b', '-a', 'A'])('named %j lead nowhere', async (run) => {
    const { home } = await aHome();
    await expect(home.runDir(run)).rejects.toMatchObject({ code: 'run-unknown' });
    await expect(home.createRun(run)).rejects.toThrow(/not a name/);
  });

  it('are not made twice', async () => {
    const { home } = await aHome();
    await home.createRun('one');
    await expect(home.createRun('one')).rejects.toThrow();
  });
});
