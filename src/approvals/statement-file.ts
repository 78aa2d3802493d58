/** The file that an approver signs: the statement's bytes and nothing else. Replaces only files that hold such a statement. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { STATEMENT_FORMAT, type StatementFacts, statementSha256, statementText } from './statement.ts';

/** Gives the SHA-256 of its bytes, hex. Rejects with `file-unreadable`. */
export async function writeStatement(path: string, facts: StatementFacts): Promise<string> {
  const text = statementText(facts);
  try {
    await mkdir(dirname(path), { recursive: true });
    await requireReplaceable(path);
    const part = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
    try {
      const file = await open(part, 'wx', 0o644);
      try {
        await file.writeFile(text);
      } finally {
        await file.close();
      }
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  } catch (error) {
    if (error instanceof KeyferryError || !(error instanceof Error)) throw error;
    throw new KeyferryError('file-unreadable', `${path} cannot be written: ${error.message}`, { cause: error });
  }
  return statementSha256(text);
}

async function requireReplaceable(path: string): Promise<void> {
  const present = await readFile(path, 'latin1').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (present === null || present.startsWith(`${STATEMENT_FORMAT}\n`)) return;
  throw new KeyferryError(
    'file-unreadable',
    `${path} is there and is not something to be signed; it was not replaced.`,
    {
      hint: 'Choose another folder with --out.',
    },
  );
}
