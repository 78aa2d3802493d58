/** The architecture, checked: import directions, homes of packages, sizes, and who may touch the process or name a vendor. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type ArchitectureExceptions,
  checkHabits,
  checkLayers,
  checkPackageHomes,
  checkProcessUse,
  checkSizes,
  checkVendorNames,
  findCycles,
  formatFindings,
  unusedExceptions,
} from './support/import-rules.ts';

const ROOT = join(import.meta.dirname, '..');

/** Each exception with its reason. One that nothing needs any more fails the test. */
const EXCEPTIONS: ArchitectureExceptions = {
  imports: {},
  sizes: {
    'src/errors/codes.ts': 'one table with one entry for each code, and nothing else',
    'src/adapters/pkcs11/simulator/simulated-module.ts':
      'one method for each function of the Cryptoki port, each a few lines',
    'src/workflows/step-runner.ts':
      'intent, call, outcome and settling are one story whose order must be seen in one place',
  },
  processUse: {
    'src/main.ts': 'the composition root',
    'src/adapters/pkcs11/host/serve-parent.ts':
      'the composition root of a device host: a process of its own, tied to the one that forked it',
  },
  vendorNames: {},
};

function sources(folder: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(ROOT.length + 1).replaceAll('\\', '/'), readFileSync(path, 'utf8'));
  }
  return files;
}

const files = sources('src');

describe('the architecture', () => {
  test('the walk sees the sources', () => {
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(['src/main.ts', 'src/adapters/adapter.ts', 'src/journal/journal.ts']),
    );
  });

  test('imports go one way', () => {
    expect(formatFindings(checkLayers(files, EXCEPTIONS.imports))).toBe('');
  });

  test('no import cycles', () => {
    expect(findCycles(files).map((cycle) => cycle.join(' -> '))).toEqual([]);
  });

  test('packages stay in their homes', () => {
    expect(formatFindings(checkPackageHomes(files))).toBe('');
  });

  test('files stay small', () => {
    expect(formatFindings(checkSizes(files, EXCEPTIONS.sizes))).toBe('');
  });

  test('only main touches the process', () => {
    expect(formatFindings(checkProcessUse(files, EXCEPTIONS.processUse))).toBe('');
  });

  test('nothing in workflows, plan and cli names a vendor', () => {
    expect(formatFindings(checkVendorNames(files, EXCEPTIONS.vendorNames))).toBe('');
  });

  test('no default exports, no file named after nothing', () => {
    expect(formatFindings(checkHabits(files))).toBe('');
  });

  test('every exception is needed', () => {
    expect(unusedExceptions(EXCEPTIONS.imports, checkLayers(files))).toEqual([]);
    expect(unusedExceptions(EXCEPTIONS.sizes, checkSizes(files))).toEqual([]);
    expect(unusedExceptions(EXCEPTIONS.processUse, checkProcessUse(files))).toEqual([]);
    expect(unusedExceptions(EXCEPTIONS.vendorNames, checkVendorNames(files))).toEqual([]);
  });
});
