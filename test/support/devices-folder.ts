/** A private folder with a devices file and what it names; removed after each test. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';

export interface DevicesFolder {
  readonly path: string;
  /** Absolute path of the file written. */
  write(name: string, text: string, mode?: number): string;
}

export function makeDevicesFolder(): DevicesFolder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'keyferry-devices-')));
  afterEach(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    write: (name, text, mode = 0o600) => {
      const file = join(path, name);
      writeFileSync(file, text, { mode });
      return file;
    },
  };
}
