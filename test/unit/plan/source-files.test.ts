import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sourceFiles } from '../../../src/plan/source-files.ts';
import { aFolder } from '../../support/plan-making.ts';

function aFullFolder(): string {
  const folder = aFolder();
  for (const name of ['b1.bin', 'b2.bin', 'b10.bin', 'a+(1).bin', '.b3.bin', 'c.txt', 'ü1.bin'])
    writeFileSync(join(folder, name), name);
  mkdirSync(join(folder, 'd.bin'));
  symlinkSync(join(folder, 'b1.bin'), join(folder, 'link.bin'));
  return folder;
}

describe('files by pattern', () => {
  test.each<[string, string[]]>([
    ['b?.bin', ['b1.bin', 'b2.bin']],
    ['b*.bin', ['b1.bin', 'b10.bin', 'b2.bin']],
    ['?1.bin', ['b1.bin', 'ü1.bin']],
    ['*.txt', ['c.txt']],
    ['a+(1).bin', ['a+(1).bin']],
    ['c.txt', ['c.txt']],
    ['link*', ['link.bin']],
    ['.b*', ['.b3.bin']],
    ['d.bin', []],
    ['none*', []],
    ['', []],
  ])('%s', async (pattern, expected) => {
    const files = await sourceFiles(`${aFullFolder()}/${pattern}`);
    expect(files.map((file) => file.name)).toEqual(expected);
  });

  test('absolute paths and sizes', async () => {
    const folder = aFullFolder();
    expect(await sourceFiles(join(folder, 'c*'))).toEqual([{ path: join(folder, 'c.txt'), name: 'c.txt', size: 5 }]);
  });

  test('a wildcard in the folder is refused', async () => {
    await expect(sourceFiles(`${aFolder()}/*/x`)).rejects.toMatchObject({ code: 'argument-invalid' });
  });

  test('a folder that is not there', async () => {
    const folder = join(aFolder(), 'no');
    await expect(sourceFiles(join(folder, '*'))).rejects.toMatchObject({
      code: 'file-unreadable',
      message: expect.stringContaining(basename(folder)),
    });
  });

  test('a link to nowhere says so', async () => {
    const folder = aFolder();
    symlinkSync(join(folder, 'no'), join(folder, 'x'));
    await expect(sourceFiles(join(folder, '*'))).rejects.toMatchObject({ code: 'file-unreadable' });
  });
});
