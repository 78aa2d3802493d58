/** The README's tour, typed as it stands there, against the built command. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readShellCommands } from '../support/markdown.ts';

const ROOT = join(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'dist/main.js');
const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const tour = readme.slice(readme.indexOf('## Two minutes'), readme.indexOf('## With real devices'));

/** Commands that end otherwise than with 0 here: nothing was interrupted, so there is nothing to resume. */
const EXPECTED_EXIT: Readonly<Record<string, number>> = { 'keyferry resume': 2 };

describe('the tour', () => {
  let home = '';
  beforeAll(() => {
    if (!existsSync(MAIN)) throw new Error('dist/main.js is missing; run: npm run build');
    home = mkdtempSync(join(tmpdir(), 'keyferry-tour-'));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  let folder = '';
  const commands = readShellCommands(tour);

  test('has enough steps to be one', () => {
    expect(commands.length).toBeGreaterThan(10);
  });

  test.each(commands)('%s', (command) => {
    const [tool, ...args] = command.split(/\s+/);
    if (tool === 'cd') {
      folder = join(folder, args[0] ?? '');
      expect(existsSync(join(home, folder))).toBe(true);
      return;
    }
    expect(tool).toBe('keyferry');
    // Nobody is there to be asked.
    const answered = args[0] === 'run' ? [...args, '--yes'] : args;
    const result = spawnSync(process.execPath, [MAIN, ...answered], {
      cwd: join(home, folder),
      encoding: 'utf8',
      input: '',
    });
    expect(result.status, result.stderr).toBe(EXPECTED_EXIT[command] ?? 0);
  });

  test('moved what could be moved', () => {
    const result = spawnSync(process.execPath, [MAIN, 'status', '--json'], {
      cwd: join(home, folder),
      encoding: 'utf8',
    });
    const { state, summary } = JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '');
    expect({ state, ...summary }).toMatchObject({ state: 'done', total: 20, migrated: 16, skipped: 4, failed: 0 });
  });
});
