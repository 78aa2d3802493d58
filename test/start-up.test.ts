/**
 * What every command loads before it does anything, help included. Time is measured by `npm run bench`; a module too many shows here, with
 * the way by which it came in.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
/** With verbatimModuleSyntax, exactly what does not begin with `import type` is loaded. Dynamic imports have a bracket. */
const STATIC_IMPORT = /^(?:import|export)\s+(?!type\b)(?:[^'";(]*?\sfrom\s+)?'([^']+)'/gm;

type Read = (path: string) => string;

/** Module → the one that first named it; packages by their name. */
function loadedBy(entry: string, read: Read): ReadonlyMap<string, string | null> {
  const cameFrom = new Map<string, string | null>([[entry, null]]);
  for (const [file] of cameFrom) {
    if (!file.endsWith('.ts')) continue;
    for (const [, specifier = ''] of read(file).matchAll(STATIC_IMPORT)) {
      const named = specifier.startsWith('.') ? join(dirname(file), specifier) : specifier;
      if (!named.startsWith('node:') && !cameFrom.has(named)) cameFrom.set(named, file);
    }
  }
  return cameFrom;
}

/** The chain of imports that leads to a module. */
function way(module: string, cameFrom: ReadonlyMap<string, string | null>): string {
  const chain: string[] = [];
  for (let at: string | null | undefined = module; at; at = cameFrom.get(at)) chain.unshift(relative(ROOT, at) || at);
  return chain.join(' → ');
}

const ALLOWED_PACKAGES: ReadonlySet<string> = new Set(['commander']);
const isTooMuch = (module: string): boolean =>
  module.endsWith('.ts')
    ? !/^src\/(main\.ts|cli\/|errors\/|consoles\/(tools|edition)\.ts|simulators\/served\.ts)/.test(module) ||
      /^src\/cli\/actions\//.test(module)
    : !ALLOWED_PACKAGES.has(module);

describe('the start of every command', () => {
  const cameFrom = loadedBy('src/main.ts', (path) => readFileSync(join(ROOT, path), 'utf8'));

  it('loads the command line and nothing that does the work', () => {
    expect(cameFrom.size).toBeGreaterThan(20);
    const tooMuch = [...cameFrom.keys()].filter(isTooMuch);
    expect(tooMuch.map((module) => way(module, cameFrom))).toEqual([]);
  });
});

describe('the walk over imports', () => {
  const files: Readonly<Record<string, string>> = {
    'a.ts': [
      "import type { T } from './types.ts';",
      'import {',
      '  b,',
      "} from './b.ts';",
      "const lazy = () => import('./lazy.ts');",
      "import { readFileSync } from 'node:fs';",
    ].join('\n'),
    'b.ts': "export { c } from './c.ts';\nimport 'side-effect';",
    'c.ts': "import { type T } from './kept.ts';",
    'kept.ts': '',
  };

  it('follows what is loaded, and neither types nor what is loaded later', () => {
    const found = loadedBy('a.ts', (path) => files[path] ?? '');
    expect([...found.keys()]).toEqual(['a.ts', 'b.ts', 'c.ts', 'side-effect', 'kept.ts']);
  });

  it.each([
    ['src/adapters/registry.ts', true],
    ['src/cli/actions/run.ts', true],
    ['yaml', true],
    ['src/cli/run.ts', false],
    ['commander', false],
  ])('%s at the start: too much %s', (module, expected) => {
    expect(isTooMuch(module)).toBe(expected);
  });
});
