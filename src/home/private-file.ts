/** Files and folders that only their owner can read, whatever the umask. */
import { chmod, mkdir, open, stat } from 'node:fs/promises';

/**
 * Makes an empty file with mode 0600 unless it exists. SQLite gives its -wal and -shm files the mode of the database, so making the
 * database first makes all three private. An existing file is not opened: closing it would drop the locks this process holds on it.
 */
export async function createPrivateFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    // A umask can only take bits away; one that takes the owner's own would lock the owner out.
    await file.chmod(0o600);
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Makes a folder with mode 0700. Rejects with EEXIST when there is one. */
export async function createPrivateFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  await chmod(path, 0o700);
}

export async function pathExists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Makes a rename or a new name in the folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
