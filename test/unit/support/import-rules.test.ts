import { describe, expect, test } from 'vitest';
import {
  checkHabits,
  checkLayers,
  checkPackageHomes,
  checkProcessUse,
  checkSizes,
  checkVendorNames,
  type Finding,
  findCycles,
  layerOf,
  unusedExceptions,
} from '../../support/import-rules.ts';

/** Files as `path: text`; an imported file that only has to exist may be empty. */
const files = (entries: Record<string, string>): Map<string, string> => new Map(Object.entries(entries));
const places = (findings: readonly Finding[]): string[] => findings.map((finding) => `${finding.file}:${finding.line}`);

describe('layers', () => {
  test.each([
    ['src/main.ts', 'main'],
    ['src/adapters/adapter.ts', 'adapter-port'],
    ['src/adapters/registry.ts', 'adapter-registry'],
    ['src/adapters/pkcs11/host/host-main.ts', 'pkcs11'],
    ['src/adapters/cloudhsm/adapter.ts', 'adapter'],
    ['src/adapters/actions/find-keys.ts', 'adapter-actions'],
    ['src/adapters/processes/file-lock.ts', 'processes'],
    ['src/adapters/simulation/record-log.ts', 'simulation'],
    ['src/plan/model.ts', 'plan-model'],
    ['src/plan/planner.ts', 'plan'],
    ['src/journal/sqlite/sqlite.ts', 'journal'],
    ['src/elsewhere/thing.ts', null],
    ['src/loose.ts', null],
    ['src/adapters/loose.ts', null],
  ])('%s is %s', (path, layer) => {
    expect(layerOf(path)).toBe(layer);
  });

  test('downwards is allowed, over several layers too', () => {
    const tree = files({
      'src/main.ts': "import { run } from './cli/run.ts';",
      'src/cli/run.ts':
        "import { a } from '../workflows/run.ts';\nimport { ADAPTERS } from '../adapters/registry.ts';\nimport '../errors/codes.ts';",
      'src/workflows/run.ts':
        "import type { Journal } from '../journal/journal.ts';\nimport type { Device } from '../adapters/adapter.ts';",
      'src/adapters/registry.ts':
        "import { one } from './one/adapter.ts';\nimport { two } from './luna-classic/adapter.ts';",
      'src/adapters/one/adapter.ts': "import { done } from '../actions/action.ts';\nimport { own } from './own.ts';",
      'src/adapters/one/own.ts': "import { withFileLock } from '../processes/file-lock.ts';",
      'src/adapters/luna-classic/adapter.ts': "import { open } from '../pkcs11/open.ts';",
      'src/adapters/pkcs11/open.ts':
        "export * from '../adapter.ts';\nimport '../actions/action.ts';\nimport '../simulation/record-log.ts';",
      'src/adapters/actions/action.ts': "import type { Device } from '../adapter.ts';",
      'src/adapters/processes/file-lock.ts': '',
      'src/adapters/simulation/record-log.ts': "import '../../errors/codes.ts';",
      'src/adapters/adapter.ts': '',
      'src/journal/journal.ts': '',
      'src/errors/codes.ts': '',
    });
    expect(checkLayers(tree)).toEqual([]);
  });

  test.each([
    ['upwards', 'src/plan/planner.ts', '../cli/run.ts', 'src/cli/run.ts', 'plan may not import cli'],
    [
      'the engine into a store',
      'src/workflows/run.ts',
      '../journal/sqlite/sqlite.ts',
      'src/journal/sqlite/sqlite.ts',
      'workflows may not import journal',
    ],
    [
      'the engine into an adapter',
      'src/workflows/run.ts',
      '../adapters/one/adapter.ts',
      'src/adapters/one/adapter.ts',
      'workflows may not import adapter',
    ],
    [
      'the engine into the registry',
      'src/workflows/run.ts',
      '../adapters/registry.ts',
      'src/adapters/registry.ts',
      'workflows may not import adapter-registry',
    ],
    [
      'a command past the registry',
      'src/cli/run.ts',
      '../adapters/pkcs11/device.ts',
      'src/adapters/pkcs11/device.ts',
      'cli may not import pkcs11',
    ],
    [
      'an adapter into another',
      'src/adapters/one/adapter.ts',
      '../two/adapter.ts',
      'src/adapters/two/adapter.ts',
      'no adapter imports another',
    ],
    [
      'an adapter of other devices into PKCS#11',
      'src/adapters/one/actions/wrap.ts',
      '../../pkcs11/actions/wrap-key.ts',
      'src/adapters/pkcs11/actions/wrap-key.ts',
      'what every device shares is in src/adapters/actions/',
    ],
    [
      'the shared core into an adapter',
      'src/adapters/pkcs11/device.ts',
      '../one/profile.ts',
      'src/adapters/one/profile.ts',
      'pkcs11 may not import adapter',
    ],
    [
      'an action of any device into PKCS#11',
      'src/adapters/actions/find-keys.ts',
      '../pkcs11/token.ts',
      'src/adapters/pkcs11/token.ts',
      'adapter-actions may not import pkcs11',
    ],
    [
      'a room of all adapters into an adapter',
      'src/adapters/simulation/record-log.ts',
      '../one/profile.ts',
      'src/adapters/one/profile.ts',
      'simulation may not import adapter',
    ],
    [
      'a lock into the port',
      'src/adapters/processes/file-lock.ts',
      '../adapter.ts',
      'src/adapters/adapter.ts',
      'processes may not import adapter-port',
    ],
    [
      'an adapter into the YAML reader',
      'src/adapters/one/adapter.ts',
      '../../source/tree.ts',
      'src/source/tree.ts',
      'adapter may not import source',
    ],
    [
      'the port into a layer',
      'src/adapters/adapter.ts',
      '../playbook/model.ts',
      'src/playbook/model.ts',
      'adapter-port may not import playbook',
    ],
    [
      'the registry into an inside',
      'src/adapters/registry.ts',
      './one/actions/wrap.ts',
      'src/adapters/one/actions/wrap.ts',
      'by its adapter.ts',
    ],
    [
      'errors into anything',
      'src/errors/codes.ts',
      '../keys/secret.ts',
      'src/keys/secret.ts',
      'errors may not import keys',
    ],
  ])('%s is found with its reason', (_name, importer, specifier, imported, expected) => {
    const findings = checkLayers(files({ [importer]: `\nimport { x } from '${specifier}';`, [imported]: '' }));
    expect(places(findings)).toEqual([`${importer}:2`]);
    expect(findings[0]?.message).toContain(expected);
  });

  test.each([
    'import type { X } from "../cli/run.ts";',
    "export { x } from '../cli/run.ts';",
    "const x = await import('../cli/run.ts');",
    "import '../cli/run.ts';",
    "import {\n  a,\n  b,\n} from '../cli/run.ts';",
    "new Worker(new URL('../cli/run.ts', import.meta.url));",
  ])('every form of import counts: %s', (statement) => {
    expect(checkLayers(files({ 'src/plan/planner.ts': statement, 'src/cli/run.ts': '' }))).toHaveLength(1);
  });

  test.each([
    "// import { x } from '../cli/run.ts';",
    "/* import '../cli/run.ts' */",
    'const text = "import x from \'../cli/run.ts\'";',
    'const text = `from ${"x"} import("../cli/run.ts")`;',
  ])('what only looks like one does not: %s', (statement) => {
    expect(checkLayers(files({ 'src/plan/planner.ts': statement, 'src/cli/run.ts': '' }))).toEqual([]);
  });

  test('data that ships beside the code is no import', () => {
    const text = "const manifest = new URL('../../package.json', import.meta.url);";
    expect(checkLayers(files({ 'src/plan/planner.ts': text }))).toEqual([]);
  });

  test('quotes in regular expressions do not hide what follows', () => {
    const text = "const quote = /['\"`]/.test(x) ? a / b : /[/']/;\nimport { x } from '../cli/run.ts';";
    expect(places(checkLayers(files({ 'src/plan/planner.ts': text, 'src/cli/run.ts': '' })))).toEqual([
      'src/plan/planner.ts:2',
    ]);
  });

  test('a missing file and a file outside of every layer are found', () => {
    const findings = checkLayers(
      files({ 'src/plan/planner.ts': "import { x } from './gone.ts';", 'src/misc/thing.ts': '' }),
    );
    expect(places(findings)).toEqual(['src/plan/planner.ts:1', 'src/misc/thing.ts:1']);
  });

  test('an exception excuses its own pair only, and an unneeded one is told', () => {
    const tree = files({
      'src/plan/a.ts': "import '../cli/run.ts';",
      'src/plan/b.ts': "import '../cli/run.ts';",
      'src/cli/run.ts': '',
    });
    const exceptions = { 'src/plan/a.ts -> src/cli/run.ts': 'reason', 'src/plan/c.ts -> src/cli/run.ts': 'reason' };
    expect(places(checkLayers(tree, exceptions))).toEqual(['src/plan/b.ts:1']);
    expect(unusedExceptions(exceptions, checkLayers(tree))).toEqual(['src/plan/c.ts -> src/cli/run.ts']);
  });
});

describe('cycles', () => {
  test('a cycle over three files is found once', () => {
    const tree = files({
      'src/plan/a.ts': "import { b } from './b.ts';",
      'src/plan/b.ts': "const c = await import('./c.ts');",
      'src/plan/c.ts': "import { a } from './a.ts';",
      'src/plan/d.ts': "import { a } from './a.ts';",
    });
    expect(findCycles(tree)).toEqual([['src/plan/a.ts', 'src/plan/b.ts', 'src/plan/c.ts', 'src/plan/a.ts']]);
  });

  test('types count between folders, and not between neighbours', () => {
    const back = "import type { A } from '../plan/a.ts';";
    expect(
      findCycles(files({ 'src/plan/a.ts': "import { b } from '../source/b.ts';", 'src/source/b.ts': back })),
    ).toHaveLength(1);
    expect(findCycles(files({ 'src/plan/a.ts': "import { b } from './b.ts';", 'src/plan/b.ts': back }))).toEqual([]);
  });

  test('an import of values and types in one statement is one of values', () => {
    const tree = files({
      'src/plan/a.ts': "import { b } from './b.ts';",
      'src/plan/b.ts': "import { type A, a } from './a.ts';",
    });
    expect(findCycles(tree)).toHaveLength(1);
  });

  test('two ways to one file are no cycle', () => {
    expect(
      findCycles(
        files({
          'src/plan/a.ts': "import './b.ts';\nimport './c.ts';",
          'src/plan/b.ts': "import './c.ts';",
          'src/plan/c.ts': '',
        }),
      ),
    ).toEqual([]);
  });

  test('a file that imports itself is one', () => {
    expect(findCycles(files({ 'src/plan/a.ts': "import { a } from './a.ts';" }))).toHaveLength(1);
  });
});

describe('packages', () => {
  test.each([
    ['src/plan/planner.ts', 'xstate'],
    ['src/cli/run.ts', 'xstate/graph'],
    ['src/workflows/run.ts', 'commander'],
    ['src/adapters/pkcs11/device.ts', 'pkcs11js'],
    ['src/home/home.ts', 'node:sqlite'],
    ['src/playbook/parse.ts', 'yaml'],
  ])('%s may not import %s', (path, name) => {
    expect(places(checkPackageHomes(files({ [path]: `import { x } from '${name}';` })))).toEqual([`${path}:1`]);
  });

  test('their homes may', () => {
    expect(
      checkPackageHomes(
        files({
          'src/workflows/run.machine.ts': "import { setup } from 'xstate';",
          'src/source/tree.ts': "import { parseDocument } from 'yaml';",
        }),
      ),
    ).toEqual([]);
  });
});

describe('sizes', () => {
  const lines = (count: number): string => 'x;\n'.repeat(count);

  test('300 passes, 301 needs a reason, 401 fails even with one', () => {
    const tree = files({
      'src/plan/a.ts': lines(300),
      'src/plan/b.ts': lines(301),
      'src/plan/c.ts': lines(400),
      'src/plan/d.ts': lines(401),
    });
    const exceptions = { 'src/plan/c.ts': 'a table', 'src/plan/d.ts': 'a table' };
    expect(checkSizes(tree, exceptions).map((finding) => finding.file)).toEqual(['src/plan/b.ts', 'src/plan/d.ts']);
  });
});

describe('the process', () => {
  test.each([
    'process.exit(1);',
    'const home = process.env.HOME;',
    'const [, , ...args] = process.argv;',
    'process?.env;',
    'const text = `${process.env.HOME}`;',
  ])('%s is found', (text) => {
    expect(places(checkProcessUse(files({ 'src/cli/run.ts': text })))).toEqual(['src/cli/run.ts:1']);
  });

  test.each([
    '// process.exit is for main',
    "const hint = 'process.env.HOME';",
    'process.exitCode;',
    'process.stdout.write(text);',
    'subprocess.argv0;',
  ])('%s is not', (text) => {
    expect(checkProcessUse(files({ 'src/cli/run.ts': text }))).toEqual([]);
  });

  test('an exception is by file', () => {
    const tree = files({ 'src/main.ts': 'process.exit(0);', 'src/cli/run.ts': 'process.exit(0);' });
    expect(places(checkProcessUse(tree, { 'src/main.ts': 'the root' }))).toEqual(['src/cli/run.ts:1']);
  });
});

describe('vendors', () => {
  test('a name in code or in a string is found, in any case', () => {
    const tree = files({
      'src/plan/a.ts': "const x = 'CloudHSM';",
      'src/workflows/b.ts': 'const isLunaDevice = true;',
      'src/cli/c.ts': '\n\nconst kmsLimit = 1;',
    });
    expect(places(checkVendorNames(tree))).toEqual(['src/plan/a.ts:1', 'src/workflows/b.ts:1', 'src/cli/c.ts:3']);
  });

  test('comments may explain, and adapters are theirs', () => {
    expect(
      checkVendorNames(
        files({
          'src/plan/a.ts': '// KMS is eventually consistent',
          'src/adapters/kms/adapter.ts': "const name = 'kms';",
        }),
      ),
    ).toEqual([]);
  });
});

describe('habits', () => {
  test.each(['export default function run() {}', 'const run = 1;\nexport { run as default };'])(
    'default export: %s',
    (text) => {
      expect(checkHabits(files({ 'src/cli/run.ts': text })).map((finding) => finding.rule)).toEqual(['default-export']);
    },
  );

  test.each(['src/cli/utils.ts', 'src/plan/helpers/sort.ts', 'src/common.ts'])('%s is named after nothing', (path) => {
    expect(checkHabits(files({ [path]: '' })).map((finding) => finding.rule)).toEqual(['file-name']);
  });

  test('a word inside a name is fine', () => {
    expect(checkHabits(files({ 'src/cli/common-name.ts': 'export const defaultName = 1;' }))).toEqual([]);
  });
});
