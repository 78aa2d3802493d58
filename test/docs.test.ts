/** The documents keep their promises: what is generated is up to date, what is shown exists, and links lead somewhere. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { generateErrorDocs } from '../scripts/docs/error-docs.ts';
import { EXIT_CODE_PRECEDENCE, EXIT_CODES } from '../scripts/docs/exit-codes.ts';
import { generatePlaybookDocs } from '../scripts/docs/playbook-docs.ts';
import { createProgram } from '../src/cli/program.ts';
import type { Shell } from '../src/cli/shell.ts';
import { loadDevicesFile } from '../src/devices/devices-file.ts';
import { ERROR_CODES } from '../src/errors/codes.ts';
import { ADAPTERS } from './support/adapters.ts';
import { missingPart } from './support/documented-commands.ts';
import { readFences, readFileLinks, readShellCommands, readTable } from './support/markdown.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const documents = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

describe('docs/errors.md', () => {
  const { path, text } = generateErrorDocs();

  test('is what the table of error codes gives (npm run generate)', () => {
    expect(read(path)).toBe(text);
  });

  test.each(Object.entries(ERROR_CODES))('%s is there once, with its meaning and what to do', (code, spec) => {
    const rows = read(path)
      .split('\n')
      .filter((line) => line.startsWith(`| \`${code}\` |`));
    expect(rows).toHaveLength(1);
    expect(rows[0]).toContain(spec.meaning.slice(0, 20));
    expect(spec.hint.length).toBeGreaterThan(10);
  });
});

describe('docs/playbooks.md', () => {
  const { path, text } = generatePlaybookDocs(ADAPTERS);

  test('is what the shapes and the adapters declare (npm run generate)', () => {
    expect(read(path)).toBe(text);
  });

  test.each(Object.values(ADAPTERS))('$name: every driver and action is there, once', (adapter) => {
    const lines = read(path).split('\n');
    const headings = [
      ...Object.keys(adapter.drivers).map((driver) => `### ${adapter.name} with driver ${driver}`),
      ...Object.keys(adapter.actions).map((action) => `### ${action}`),
    ];
    expect(headings.filter((heading) => lines.filter((line) => line === heading).length !== 1)).toEqual([]);
  });
});

describe('exit codes', () => {
  test('the README has the table', () => {
    const rows = readTable(read('README.md'), 'Exit codes');
    expect(rows).toEqual([...EXIT_CODES].map(([code, meaning]) => [String(code), meaning]));
    expect(read('README.md')).toContain(`the first of these counts: ${EXIT_CODE_PRECEDENCE.join(', ')}.`);
  });

  test('every error ends with one that is in it', () => {
    const unknown = Object.entries(ERROR_CODES).filter(([, spec]) => !EXIT_CODES.has(spec.exitCode));
    expect(unknown).toEqual([]);
  });
});

describe('what is shown exists', () => {
  const silent = { write: () => Promise.resolve(), columns: () => 100 };
  const program = createProgram({ io: { stdout: silent, stderr: silent }, exitCode: 0 } as unknown as Shell);
  const manifest = JSON.parse(read('package.json')) as { readonly scripts: Readonly<Record<string, string>> };
  const known = { program, npmScripts: Object.keys(manifest.scripts) };

  test('the two lines that CI takes from the README are there, once each', () => {
    const lines = read('README.md').split('\n');
    for (const line of ['npm ci && npm run demo', 'npm ci && npm test'])
      expect(lines.filter((other) => other === line)).toHaveLength(1);
  });

  test.each(documents)('commands of %s', (path) => {
    const missing = readShellCommands(read(path))
      .map((line) => missingPart(line, known))
      .filter((part) => part !== null);
    expect(missing).toEqual([]);
  });

  test('the README shows the commands of the main job', () => {
    const shown = readShellCommands(read('README.md')).map((line) => line.split(' ').slice(0, 2).join(' '));
    for (const command of [
      'init',
      'simulator',
      'devices',
      'keys',
      'validate',
      'plan',
      'run',
      'resume',
      'status',
      'verify',
      'report',
    ]) {
      expect(shown).toContain(`keyferry ${command}`);
    }
  });
});

describe('devices files', () => {
  const shown = documents.flatMap((path) =>
    readFences(read(path))
      .filter((fence) => fence.language === 'yaml' && fence.text.startsWith('devices:'))
      .map((fence) => ({ place: `${path}:${fence.line}`, text: fence.text })),
  );

  test('the README shows one', () => {
    expect(shown.some(({ place }) => place.startsWith('README.md:'))).toBe(true);
  });

  test.each(shown)('the one at $place is accepted', ({ text }) => {
    const folder = mkdtempSync(join(tmpdir(), 'keyferry-docs-'));
    try {
      const path = join(folder, 'devices.yaml');
      writeFileSync(path, text, { mode: 0o600 });
      expect(Object.keys(loadDevicesFile({ path, adapters: ADAPTERS }).devices)).toEqual(['classic', 'cluster']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('texts', () => {
  test.each(documents)('links of %s lead to files', (path) => {
    const broken = readFileLinks(read(path)).filter(
      (target) => !existsSync(normalize(join(ROOT, dirname(path), target))),
    );
    expect(broken).toEqual([]);
  });

  test.each(documents)('fences of %s are closed', (path) => {
    expect(() => readFences(read(path))).not.toThrow();
  });

  test('every decision is in the list of decisions', () => {
    const listed = readFileLinks(read('docs/adr/README.md'));
    const present = readdirSync(join(ROOT, 'docs/adr')).filter((name) => /^\d{4}-/.test(name));
    expect(listed.sort()).toEqual(present.sort());
  });
});
