import {
  existsSync,
  mkdirSync,
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
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readArtifact, requireFolder, writeArtifact } from '../../../src/workflows/file-artifacts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-artifacts-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const blob = (...bytes: number[]) => ({
  kind: 'wrapped-key',
  mechanism: 'aes-ccm-yubihsm',
  bytes: Uint8Array.from(bytes),
  payload: null,
});
const at = (name: string): string => join(folder, name);

describe('writing an artifact', () => {
  it('gives the whole file to its owner alone', async () => {
    expect(await writeArtifact({ path: at('key.wrapped'), data: blob(1, 2, 3) })).toBe(at('key.wrapped'));
    expect([...readFileSync(at('key.wrapped'))]).toEqual([1, 2, 3]);
    expect(statSync(at('key.wrapped')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['key.wrapped']);
  });

  it('takes the place of what a crash left of the same file, and leaves nothing beside it', async () => {
    writeFileSync(at('key.wrapped.keyferry-part'), 'half');
    await writeArtifact({ path: at('key.wrapped'), data: blob(1, 2, 3) });
    expect(readdirSync(folder)).toEqual(['key.wrapped']);
    expect([...readFileSync(at('key.wrapped'))]).toEqual([1, 2, 3]);
  });

  it('never follows a link that lies where it begins', async () => {
    writeFileSync(at('other'), 'somebody else’s');
    symlinkSync(at('other'), at('key.wrapped.keyferry-part'));
    await writeArtifact({ path: at('key.wrapped'), data: blob(1) });
    expect(readFileSync(at('other'), 'utf8')).toBe('somebody else’s');
    expect([...readFileSync(at('key.wrapped'))]).toEqual([1]);
  });

  it.each([
    ['the folder is not there', 'none/key.wrapped'],
    ['a folder has its name', 'taken'],
  ])('fails for this key alone and leaves nothing behind when %s', async (_why, name) => {
    mkdirSync(at('taken'));
    await expect(writeArtifact({ path: at(name), data: blob(1) })).rejects.toMatchObject({
      code: 'file-unreadable',
      scope: 'item',
      message: expect.stringContaining(`cannot write ${at(name)}`),
    });
    expect(readdirSync(folder)).toEqual(['taken']);
  });

  it.each([['a text'], [null], [{ kind: 'wrapped-key' }]])('refuses what is no artifact: %j', async (data) => {
    await expect(writeArtifact({ path: at('key'), data })).rejects.toMatchObject({ code: 'argument-invalid' });
    expect(existsSync(at('key'))).toBe(false);
  });
});

describe('checking a folder', () => {
  it('is content with one that can be written, whatever is in it', async () => {
    writeFileSync(at('key.wrapped'), 'a');
    await expect(requireFolder({ path: folder })).resolves.toBeUndefined();
  });

  it.each(['none', 'file'])('stops the run where there is none: %s', async (name) => {
    writeFileSync(at('file'), 'a');
    await expect(requireFolder({ path: at(name) })).rejects.toMatchObject({
      code: 'file-unreadable',
      scope: 'run',
      message: expect.stringContaining(`${at(name)} is not a folder`),
    });
  });
});

describe('reading an artifact', () => {
  it('gives the bytes of a wrapped key and how the playbook says it was wrapped', async () => {
    writeFileSync(at('key'), Buffer.of(7, 8));
    const read = await readArtifact({ path: at('key'), as: 'wrapped-key', mechanism: 'aes-ccm-yubihsm' });
    expect(read).toEqual({ ...blob(7, 8) });
  });

  it.each([
    ['empty', 0],
    ['far too large', 64 * 1024 + 1],
  ])('refuses a file that is %s', async (_what, size) => {
    writeFileSync(at('key'), Buffer.alloc(size));
    const message = `${at('key')} holds ${size} bytes, which is no key artifact`;
    await expect(readArtifact({ path: at('key'), as: 'wrapped-key' })).rejects.toMatchObject({
      scope: 'item',
      message,
    });
  });
});
