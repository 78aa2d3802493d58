/** Artifacts as files: a public key as PEM, a wrapped key as its raw bytes. Written whole or not at all, readable by the owner only. */
import { constants } from 'node:fs';
import { access, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { ClearKey } from '../keys/clear-key.ts';
import { unfinishedName } from './key-files.ts';

/** No artifact is larger: an RSA-8192 blob or a PEM is a few kilobytes. */
const LARGEST_BYTES = 64 * 1024;

/** Rejects with `file-unreadable`, which concerns the run: no file could be written there. */
export async function requireFolder(args: Readonly<Record<string, unknown>>): Promise<void> {
  const path = String(args.path);
  try {
    await access(path, constants.W_OK);
    if ((await stat(path)).isDirectory()) return;
  } catch (cause) {
    throw new KeyferryError('file-unreadable', `${path} is not a folder that can be written`, { cause });
  }
  throw new KeyferryError('file-unreadable', `${path} is not a folder`);
}

export async function readArtifact(args: Readonly<Record<string, unknown>>): Promise<unknown> {
  const path = String(args.path);
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new KeyferryError('file-unreadable', `cannot read ${path}: ${cause.message}`, { cause, scope: 'item' });
  });
  if (bytes.length === 0 || bytes.length > LARGEST_BYTES) {
    throw new KeyferryError('file-unreadable', `${path} holds ${bytes.length} bytes, which is no key artifact`, {
      scope: 'item',
    });
  }
  switch (args.as) {
    case 'public-key':
      return { kind: 'public-key', pem: bytes.toString('utf8') };
    case 'wrapped-key':
      return {
        kind: 'wrapped-key',
        mechanism: String(args.mechanism ?? ''),
        bytes: new Uint8Array(bytes),
        payload: null,
      };
    default:
      return new Uint8Array(bytes);
  }
}

export async function writeArtifact(args: Readonly<Record<string, unknown>>): Promise<string> {
  const path = String(args.path);
  const bytes = artifactBytes(args.data);
  // Always the same name: what a crash left of this file is replaced when the run goes on, and is seen to be unfinished until then.
  const temporary = unfinishedName(path);
  try {
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new KeyferryError('file-unreadable', `cannot write ${path}: ${message}`, { cause, scope: 'item' });
  }
  return path;
}

function artifactBytes(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (typeof data === 'object' && data !== null) {
    const artifact = data as { kind?: unknown; pem?: unknown; bytes?: unknown };
    if (artifact.kind === 'public-key' && typeof artifact.pem === 'string') return Buffer.from(artifact.pem, 'utf8');
    if (artifact.kind === 'wrapped-key' && artifact.bytes instanceof Uint8Array) return artifact.bytes;
  }
  throw new KeyferryError('argument-invalid', 'file.write takes a public key or a wrapped key', {
    ...(data instanceof ClearKey ? { hint: 'A key in clear is written with file.write-plaintext.' } : {}),
  });
}
