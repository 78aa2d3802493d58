/**
 * An import of two files, each shredded afterwards, stopped before and after every write of its journal: every image of disk and files,
 * taken up by new devices, ends with both keys once and no file left.
 */
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { Playbook } from '../../src/playbook/model.ts';
import { parsePlaybook } from '../../src/playbook/parse-playbook.ts';
import { ADAPTERS } from '../support/adapters.ts';
import { changed, EVERY_WRITE, resume, run } from '../support/engine-harness.ts';
import { keysOn, newSite, type Site } from '../support/engine-site.ts';
import { shipped } from '../support/plaintext-desk.ts';

/** The playbook as it is shipped, with inputs that shred. */
function shreddingPlaybook(files: string): Playbook {
  let text = readFileSync(shipped('import-plaintext-key'), 'utf8');
  text = changed(text, 'files: { type: string,', `files: { type: string, default: "${files}",`);
  text = changed(text, 'default: mark', 'default: shred');
  return parsePlaybook({ file: 'import-plaintext-key.yaml', text, adapters: ADAPTERS });
}

async function expectImported(site: Site, keys: readonly Buffer[]): Promise<void> {
  const seen = keysOn(site, 'cluster').map(({ material }) => material);
  expect(seen.sort()).toEqual(keys.map((bytes) => bytes.toString('hex')).sort());
}

describe('an import stopped at any write of its journal', () => {
  it('ends with each key once and each file shredded', async () => {
    const site = await newSite();
    const folder = join(site.dir, 'keys');
    mkdirSync(folder, { mode: 0o700 });
    const keys = [randomBytes(16), randomBytes(32)];
    keys.forEach((bytes, index) => {
      writeFileSync(join(folder, `${index}.key`), bytes, { mode: 0o600 });
    });
    const playbook = shreddingPlaybook(join(folder, '*.key'));
    const images: { readonly site: Site; readonly name: string }[] = [];
    const onWrite = (point: string, seq: number): void => {
      images.push({ site: site.copy(), name: `${point} of ${seq}` });
    };
    const whole = await run(site, { playbook, tuning: { ...EVERY_WRITE, onWrite } });
    expect(whole).toMatchObject({ state: 'done', leftovers: [], counts: { migrated: 2 } });
    await expectImported(site, keys);
    expect(readdirSync(folder)).toEqual([]);

    const filesLeft = new Set<number>();
    for (const image of images) {
      // The plan names the files where they were: they are put back as they were at that moment.
      rmSync(folder, { recursive: true });
      cpSync(join(image.site.dir, 'keys'), folder, { recursive: true });
      filesLeft.add(readdirSync(folder).length);
      const result = await resume(image.site, whole.run).catch((error: unknown) => {
        if (error instanceof KeyferryError && error.code === 'run-finished') return null;
        throw new Error(`stopped ${image.name}`, { cause: error });
      });
      if (result !== null) expect(result, image.name).toMatchObject({ state: 'done', counts: { migrated: 2 } });
      await expectImported(image.site, keys);
      expect(readdirSync(folder), image.name).toEqual([]);
    }
    // The stops lay before, between and after the two shreddings.
    expect(filesLeft.size).toBeGreaterThanOrEqual(2);
    expect(images.length).toBeGreaterThan(20);
  }, 120_000);
});
