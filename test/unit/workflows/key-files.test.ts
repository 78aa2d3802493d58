/** Files that hold a key in clear: never replaced, never half there, and shredded only when the key is where it was imported to. */
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BoundDevice, Device } from '../../../src/adapters/adapter.ts';
import { cloudhsm } from '../../../src/adapters/cloudhsm/adapter.ts';
import { ClearKey } from '../../../src/keys/clear-key.ts';
import type { KeyRef } from '../../../src/keys/key-record.ts';
import { writeArtifact } from '../../../src/workflows/file-artifacts.ts';
import { type KeyFileEnvironment, markFile, shredFile, writePlaintext } from '../../../src/workflows/key-files.ts';
import { openSimulated, SALT } from '../../support/pkcs11-devices.ts';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-key-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const clear = (bytes: Uint8Array = randomBytes(32)): ClearKey => new ClearKey('aes', new Uint8Array(bytes));

interface Imported {
  readonly folder: string;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly key: KeyRef;
  readonly device: Device;
  readonly env: KeyFileEnvironment;
}

/** A key file whose key is on a device. */
async function imported(): Promise<Imported> {
  const folder = newFolder();
  const path = join(folder, 'one.key');
  const bytes = randomBytes(32);
  writeFileSync(path, bytes, { mode: 0o600 });
  const device = await openSimulated(cloudhsm);
  const description = await device.describe();
  const call = { action: 'import-key', args: { path, type: 'aes', label: 'one' }, salt: SALT };
  const { locator } = (await device.perform(call)).outputs.key as KeyRef;
  const settings = { name: 'cluster', adapter: 'cloudhsm', driver: 'simulated', values: {} };
  const bound: BoundDevice = { role: 'cluster', settings, description, device };
  const env = { devices: new Map([['cluster', bound]]), salt: SALT };
  return { folder, path, bytes, device, env, key: { kind: 'key', device: 'cluster', locator } };
}

describe('file.write-plaintext', () => {
  it('writes the whole key, for the owner only, and leaves nothing else', async () => {
    const folder = newFolder();
    const path = join(folder, 'out.key');
    const bytes = randomBytes(32);
    expect(await writePlaintext({ path, data: clear(bytes) })).toBe(path);
    expect(readFileSync(path)).toEqual(bytes);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['out.key']);
  });

  it('never replaces a file, but takes the one that a crash left whole', async () => {
    const folder = newFolder();
    const path = join(folder, 'out.key');
    const bytes = randomBytes(32);
    writeFileSync(path, bytes);
    expect(await writePlaintext({ path, data: clear(bytes) })).toBe(path);
    await expect(writePlaintext({ path, data: clear() })).rejects.toMatchObject({
      code: 'file-unreadable',
      scope: 'item',
    });
    expect(readFileSync(path)).toEqual(bytes);
    expect(readdirSync(folder)).toEqual(['out.key']);
  });

  it('clears away what a crash left half written, or with two names', async () => {
    const folder = newFolder();
    const path = join(folder, 'out.key');
    const bytes = randomBytes(32);
    writeFileSync(`${path}.keyferry-part`, bytes.subarray(0, 11));
    await writePlaintext({ path, data: clear(bytes) });
    expect(readFileSync(path)).toEqual(bytes);
    linkSync(path, `${path}.keyferry-part`);
    await writePlaintext({ path, data: clear(bytes) });
    expect(readFileSync(path)).toEqual(bytes);
    expect(readdirSync(folder)).toEqual(['out.key']);
  });

  it('leaves nothing when it cannot write, and takes nothing but a key in clear', async () => {
    const folder = newFolder();
    const data = clear();
    await expect(writePlaintext({ path: join(folder, 'no', 'out.key'), data })).rejects.toMatchObject({
      code: 'file-unreadable',
    });
    for (const other of [data.reveal(), { kind: 'public-key', pem: 'x' }, undefined]) {
      const refused = writePlaintext({ path: join(folder, 'out.key'), data: other });
      await expect(refused).rejects.toMatchObject({ code: 'argument-invalid' });
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is the only step that writes one', async () => {
    const folder = newFolder();
    await expect(writeArtifact({ path: join(folder, 'out'), data: clear() })).rejects.toMatchObject({
      code: 'argument-invalid',
      hint: 'A key in clear is written with file.write-plaintext.',
    });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('file.shred', () => {
  it('overwrites and removes the file of an imported key, and does so once', async () => {
    const { folder, path, key, env, bytes } = await imported();
    // Another name of the same file shows what became of its bytes.
    linkSync(path, join(folder, 'witness'));
    await shredFile({ path, key }, env);
    expect(readdirSync(folder)).toEqual(['witness']);
    expect(readFileSync(join(folder, 'witness'))).toHaveLength(32);
    expect(readFileSync(join(folder, 'witness'))).not.toEqual(bytes);
    await shredFile({ path, key }, env);
  });

  it('goes on where a crash left it', async () => {
    const { folder, path, key, env } = await imported();
    rmSync(path);
    writeFileSync(`${path}.keyferry-shred`, randomBytes(32));
    await shredFile({ path, key }, env);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['holds another key by now', ({ path }: Imported) => writeFileSync(path, randomBytes(32))],
    ['holds no key any more', ({ path }: Imported) => writeFileSync(path, 'notes')],
    [
      'holds the only copy: the device has lost it',
      ({ device, key }: Imported) => device.perform({ action: 'delete-key', args: { key } }),
    ],
  ])('leaves a file alone that %s', async (_what, change) => {
    const there = await imported();
    await change(there);
    const before = readFileSync(there.path);
    const refused = shredFile({ path: there.path, key: there.key }, there.env);
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/file-unreadable|key-not-found/) });
    expect(readFileSync(there.path)).toEqual(before);
    expect(readdirSync(there.folder)).toEqual(['one.key']);
  });

  it('leaves a file alone whose key was not compared, and what is no file', async () => {
    const { folder, path, key, env, bytes } = await imported();
    const uncompared: KeyRef = { ...key, locator: { ...key.locator, fingerprint: null } };
    await expect(shredFile({ path, key: uncompared }, env)).rejects.toMatchObject({ code: 'file-unreadable' });
    await expect(shredFile({ path, key: 'text' }, env)).rejects.toMatchObject({ code: 'argument-invalid' });
    const link = join(folder, 'link');
    symlinkSync(path, link);
    await expect(shredFile({ path: link, key }, env)).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining('the key is still readable in the file that it leads to'),
    });
    expect(readFileSync(path)).toEqual(bytes);
  });
});

describe('file.mark', () => {
  it('renames the file of an imported key, and does so once', async () => {
    const { folder, path, key, env, bytes } = await imported();
    expect(await markFile({ path, key }, env)).toBe(`${path}.imported`);
    expect(await markFile({ path, key }, env)).toBe(`${path}.imported`);
    expect(readdirSync(folder)).toEqual(['one.key.imported']);
    expect(readFileSync(`${path}.imported`)).toEqual(bytes);
  });

  it('replaces no marked file, and marks no other key', async () => {
    const { path, key, env, bytes } = await imported();
    writeFileSync(`${path}.imported`, 'earlier');
    await expect(markFile({ path, key }, env)).rejects.toMatchObject({ code: 'file-unreadable' });
    expect(readFileSync(`${path}.imported`, 'utf8')).toBe('earlier');
    rmSync(`${path}.imported`);
    writeFileSync(path, randomBytes(32));
    await expect(markFile({ path, key }, env)).rejects.toMatchObject({ code: 'file-unreadable' });
    expect(readFileSync(path)).not.toEqual(bytes);
    expect(existsSync(`${path}.imported`)).toBe(false);
  });
});
