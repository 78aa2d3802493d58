import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  describeMissing,
  describeNativePackage,
  findModule,
  findTool,
  MODULE_PLACES,
} from '../../../scripts/softhsm-places.mjs';
import { describeProgram, PROGRAMS } from '../../../scripts/test-programs.mjs';

const SCRIPT = join(import.meta.dirname, '../../../scripts/require-softhsm.mjs');
const only =
  (...paths: string[]) =>
  (path: string): boolean =>
    paths.includes(path);

describe('the module', () => {
  test.each(MODULE_PLACES)('is found at %s', (place) => {
    expect(findModule({}, only(place))).toBe(place);
  });

  test('SOFTHSM2_MODULE comes first', () => {
    expect(findModule({ SOFTHSM2_MODULE: '/own/module.so' }, only('/own/module.so', ...MODULE_PLACES))).toBe(
      '/own/module.so',
    );
  });

  test('a SOFTHSM2_MODULE that names nothing is not passed over', () => {
    expect(findModule({ SOFTHSM2_MODULE: '/own/module.so' }, only(...MODULE_PLACES))).toBeNull();
  });

  test('an empty SOFTHSM2_MODULE counts as none', () => {
    expect(findModule({ SOFTHSM2_MODULE: '' }, only('/usr/lib/softhsm/libsofthsm2.so'))).toBe(
      '/usr/lib/softhsm/libsofthsm2.so',
    );
  });

  test('nothing anywhere is null', () => {
    expect(findModule({}, only())).toBeNull();
  });
});

describe('the tool', () => {
  test('is found on PATH before the usual folders', () => {
    expect(findTool({ PATH: '/a:/b' }, only('/b/softhsm2-util', '/usr/bin/softhsm2-util'))).toBe('/b/softhsm2-util');
  });

  test('empty parts of PATH are not the working folder', () => {
    expect(findTool({ PATH: '::' }, only('softhsm2-util'))).toBeNull();
  });
});

describe('what is said', () => {
  test('a missing module: every place and every system', () => {
    const text = describeMissing({}, { module: null, tool: '/usr/bin/softhsm2-util' }).join('\n');
    for (const part of [...MODULE_PLACES, 'apt-get install', 'dnf install softhsm', 'brew install softhsm'])
      expect(text).toContain(part);
    expect(text).not.toContain('softhsm2-util was not found');
  });

  test('a wrong variable is named with its value', () => {
    expect(describeMissing({ SOFTHSM2_MODULE: '/nope' }, { module: null, tool: null }).join('\n')).toContain(
      'SOFTHSM2_MODULE names /nope',
    );
  });

  test('a native package: why, the compiler, and the rebuild', () => {
    const text = describeNativePackage('pkcs11js', 'Cannot find module').join('\n');
    for (const part of ['Cannot find module', 'g++ make python3', 'npm rebuild pkcs11js']) expect(text).toContain(part);
  });
});

describe('a program that is missing', () => {
  test.each(PROGRAMS)('$debianPackage: what it is for, where it was looked for, how to get it', (program) => {
    const text = describeProgram(program).join('\n');
    for (const part of [
      ...program.places,
      program.why,
      `apt-get install --no-install-recommends ${program.debianPackage}`,
    ])
      expect(text).toContain(part);
  });
});

describe('the script', () => {
  test('passes here, where the tests run', () => {
    expect(spawnSync(process.execPath, [SCRIPT]).status).toBe(0);
  });

  test('ends with 1 and says why when the module is not where it is said to be', () => {
    const result = spawnSync(process.execPath, [SCRIPT], {
      env: { PATH: '/nonexistent', SOFTHSM2_MODULE: '/nope' },
      encoding: 'utf8',
    });
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('SOFTHSM2_MODULE names /nope');
  });
});
