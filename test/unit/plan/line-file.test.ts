import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fileError, LineWriter, linesOf } from '../../../src/plan/line-file.ts';
import { aFolder } from '../../support/plan-making.ts';

const write = (path: string, lines: readonly string[]) => {
  const writer = new LineWriter(path);
  const offsets = lines.map((line) => writer.write(line));
  writer.close({ isDurable: true });
  return offsets;
};

describe('lines in files', () => {
  const lines = ['', 'a', 'ü€😀', 'x'.repeat(65_535), 'y'.repeat(200_001), 'end'];

  test('come back as they were written, from any line on', () => {
    const path = join(aFolder(), 'lines');
    const offsets = write(path, lines);
    for (const [at, offset] of offsets.entries()) {
      expect([...linesOf(path, offset)].map((line) => line.text)).toEqual(lines.slice(at));
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('a last line without its end is not whole', () => {
    const path = join(aFolder(), 'lines');
    writeFileSync(path, 'a\nb');
    expect([...linesOf(path)]).toEqual([
      { text: 'a', isWhole: true },
      { text: 'b', isWhole: false },
    ]);
  });

  test('a file is never written over', () => {
    const path = join(aFolder(), 'lines');
    write(path, ['a']);
    expect(() => new LineWriter(path)).toThrow('EEXIST');
  });
});

describe('fileError', () => {
  const systemError = (code: string) => Object.assign(new Error(code), { code, syscall: 'write' });

  test.each([
    ['ENOSPC', 'disk-full'],
    ['EDQUOT', 'disk-full'],
    ['EACCES', 'state-unwritable'],
  ])('%s is %s', (native, code) => {
    expect(fileError(systemError(native), '/x', 'cannot write', 'state-unwritable')).toMatchObject({
      code,
      native: { name: native },
    });
  });

  test('a bug stays a bug', () => {
    const bug = new TypeError('bug');
    expect(fileError(bug, '/x', 'cannot write', 'state-unwritable')).toBe(bug);
  });
});
