/** Paths as people write them in files and on the command line: `~` is the home folder, the rest relative to a folder. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Absolute. `~user` is not expanded: it is a name like any other. */
export function expandPath(text: string, folder: string): string {
  if (text === '~') return homedir();
  return text.startsWith('~/') ? join(homedir(), text.slice(2)) : resolve(folder, text);
}
