/**
 * Files that hold a key in clear: written once and for the owner only, and shredded or marked after an import. Before a file is shredded
 * or marked it must still hold the key that was imported, and the device, asked now, must have that key: the file may be the only copy.
 *
 * Shredding overwrites the file's bytes once and removes it. Journaling and copy-on-write file systems, SSDs, snapshots and backups keep
 * older copies that no program can reach; a key that was in such a file is as secret as the disk it lay on.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BoundDevice } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { fingerprintClearKey, isClearMethod } from '../keys/clear-fingerprint.ts';
import { CLEAR_KEY_TYPES, ClearKey } from '../keys/clear-key.ts';
import { sameFingerprint } from '../keys/fingerprint.ts';
import { isKeyRef, type KeyRef } from '../keys/key-record.ts';

type Arguments = Readonly<Record<string, unknown>>;

export interface KeyFileEnvironment {
  readonly devices: ReadonlyMap<string, BoundDevice>;
  readonly salt: Uint8Array;
}

/** While it is written, under this name: what an interrupted run left there is named by the next plan. */
export const unfinishedName = (path: string): string => `${path}.keyferry-part`;
const shreddingName = (path: string): string => `${path}.keyferry-shred`;
const markedName = (path: string): string => `${path}.imported`;

/** Gives the path. An existing file is never replaced; one that holds the key already is what a crash left after the last write. */
export async function writePlaintext(args: Arguments): Promise<string> {
  const path = String(args.path);
  const { data } = args;
  if (!(data instanceof ClearKey))
    throw new KeyferryError('argument-invalid', 'file.write-plaintext takes a key in clear, as export-key gives it');
  const unfinished = unfinishedName(path);
  await attempt(path, 'write', async () => {
    await removeUnfinished(path);
    if (await exists(path)) return await requireContent(path, data);
    const file = await open(unfinished, 'wx', 0o600);
    try {
      await file.chmod(0o600);
      await file.writeFile(data.reveal());
      await file.sync();
    } finally {
      await file.close();
    }
    await giveName(unfinished, path);
    await syncFolder(path);
  }).catch(async (error) => {
    // What cannot be removed either is named by the next plan.
    await removeUnfinished(path).catch(() => undefined);
    throw error;
  });
  return path;
}

/** Never in place of another file. Some file systems know no second name. */
async function giveName(unfinished: string, path: string): Promise<void> {
  try {
    await link(unfinished, path);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await rename(unfinished, path);
    return;
  }
  await rm(unfinished);
}

/** A crash may have left two names of the whole file: then only the one is taken away. */
async function removeUnfinished(path: string): Promise<void> {
  const unfinished = unfinishedName(path);
  if ((await exists(unfinished)) && (await exists(path)) && (await lstat(unfinished)).ino === (await lstat(path)).ino)
    await rm(unfinished);
  else await shredIfThere(unfinished);
}

async function requireContent(path: string, key: ClearKey): Promise<void> {
  const bytes = await contentOf(path);
  const isSame = Buffer.compare(bytes, key.reveal()) === 0;
  bytes.fill(0);
  if (!isSame) throw failure(`${path} is there already, and is never replaced`);
}

export async function shredFile(args: Arguments, env: KeyFileEnvironment): Promise<void> {
  const path = String(args.path);
  await attempt(path, 'shred', async () => {
    if (await exists(path)) {
      await requireImported(path, args.key, env);
      // From here on a crash leaves a name that says what was being done, and the next process goes on with it.
      await rename(path, shreddingName(path));
    }
    await shredIfThere(shreddingName(path));
    await syncFolder(path);
  });
}

/** Gives the new name, which the pattern of the next import does not match. */
export async function markFile(args: Arguments, env: KeyFileEnvironment): Promise<string> {
  const path = String(args.path);
  const marked = markedName(path);
  await attempt(path, 'mark', async () => {
    const isMarked = await exists(marked);
    if (!(await exists(path)) && isMarked) return;
    if (isMarked) throw failure(`${marked} is there already, so ${path} was not renamed`);
    await requireImported(path, args.key, env);
    await rename(path, marked);
    await syncFolder(path);
  });
  return marked;
}

async function requireImported(path: string, key: unknown, env: KeyFileEnvironment): Promise<void> {
  if (!isKeyRef(key)) throw new KeyferryError('argument-invalid', 'the argument "key" must be the imported key');
  const { fingerprint, type } = key.locator;
  const clearType = CLEAR_KEY_TYPES.find((known) => known === type);
  if (fingerprint === null || !isClearMethod(fingerprint.method) || clearType === undefined)
    throw failure(`the key on ${key.device} was not compared with ${path}, which was left as it is`);
  const held = new ClearKey(clearType, await contentOf(path));
  let isSame: boolean;
  try {
    isSame =
      isLengthPossible(held) && sameFingerprint(fingerprintClearKey(held, env.salt, fingerprint.method), fingerprint);
  } finally {
    held.wipe();
  }
  if (!isSame) throw failure(`${path} does not hold the key that was imported any more, and was left as it is`);
  if (!sameFingerprint(await askDevice(key, env), fingerprint))
    throw failure(`${key.device} does not have the key of ${path}, which was left as it is`);
}

const isLengthPossible = (key: ClearKey): boolean =>
  (key.type === 'des3' ? [24] : [16, 24, 32]).includes(key.reveal().length);

async function askDevice(key: KeyRef, { devices, salt }: KeyFileEnvironment) {
  const bound = devices.get(key.device);
  if (bound === undefined) throw new KeyferryError('device-unknown', `no device is bound to ${key.device}`);
  const method = key.locator.fingerprint?.method;
  return await bound.device.fingerprint({ key, salt, methods: method === undefined ? [] : [method] });
}

/** Overwrites and removes; nothing to do where there is no such file. */
async function shredIfThere(path: string): Promise<void> {
  if (!(await exists(path))) return;
  const file = await openFile(path, constants.O_RDWR);
  try {
    const { size } = await file.stat();
    await file.write(randomBytes(size), 0, size, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await rm(path);
}

async function contentOf(path: string): Promise<Uint8Array> {
  const file = await openFile(path, constants.O_RDONLY);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** No larger file is a key, and what a link points to may be anybody's. */
const LARGEST_BYTES = 4096;

async function openFile(path: string, flags: number): Promise<FileHandle> {
  const found = await lstat(path);
  if (found.isSymbolicLink())
    throw failure(`${path} is a link and was left as it is; the key is still readable in the file that it leads to`);
  if (!found.isFile() || found.size > LARGEST_BYTES) throw failure(`${path} is no file that holds a key`);
  return await open(path, flags | constants.O_NOFOLLOW);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const failure = (message: string, cause?: unknown): KeyferryError =>
  new KeyferryError('file-unreadable', message, { scope: 'item', ...(cause === undefined ? {} : { cause }) });

async function attempt(path: string, verb: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof KeyferryError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : null;
    if (code === null) throw cause;
    throw failure(`cannot ${verb} ${path} (${code})`, cause);
  }
}
