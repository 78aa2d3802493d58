/** Looks ahead for the built-in steps `file.read` and `file.write`, whose paths are mostly known before the run. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Finding } from '../adapters/adapter.ts';
import type { Playbook, Step } from '../playbook/model.ts';

export async function filePreview(
  step: Step,
  args: Readonly<Record<string, unknown>>,
  playbook: Playbook,
): Promise<readonly Finding[]> {
  const path = args.path;
  if (typeof path !== 'string') {
    return [];
  }
  if (step.action === 'read') {
    // What an earlier step writes need not be there yet.
    return writesFiles(playbook) || (await canAccess(path, constants.R_OK, 'file'))
      ? []
      : [{ level: 'block', reason: `${path} is not a file that can be read` }];
  }
  return (await canAccess(dirname(path), constants.W_OK, 'folder'))
    ? []
    : [{ level: 'block', reason: `${dirname(path)} is not a folder that can be written` }];
}

const writesFiles = (playbook: Playbook): boolean =>
  [...playbook.prepare, ...playbook.each].some((step) => step.target === 'file' && step.action === 'write');

async function canAccess(path: string, mode: number, kind: 'file' | 'folder'): Promise<boolean> {
  try {
    await access(path, mode);
    const found = await stat(path);
    return kind === 'folder' ? found.isDirectory() : found.isFile();
  } catch {
    return false;
  }
}
