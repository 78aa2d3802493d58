import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isPlanFile } from '../../../src/cli/plan-file-or-playbook.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyferry-plan-or-'));
function aFile(text: string): string {
  const path = join(folder, 'file.yaml');
  writeFileSync(path, text);
  return path;
}

test.each([
  ['a plan', '{"format":1,"playbook":"x","digest":"ab"}\n{"index":0}\n', true],
  ['a plan that was cut off', '{"format":1,"playbook":"x","digest":"ab', true],
  ['a playbook', 'keyferry: 1\nplaybook: x\n', false],
  ['a playbook written as JSON', '{"keyferry":1,"playbook":"x"}', false],
  ['a playbook that speaks of digests', '# the "digest": of it all\nkeyferry: 1\n', false],
  ['nothing', '', false],
])('%s is told by its content', async (_name, text, expected) => {
  expect(await isPlanFile(aFile(text))).toBe(expected);
});

test.each([
  ['a missing file', join(folder, 'nowhere')],
  ['a folder', folder],
])('%s is an error', async (_name, path) => {
  await expect(isPlanFile(path)).rejects.toMatchObject({ code: 'file-unreadable' });
});
