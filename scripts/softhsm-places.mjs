/** Where SoftHSM 2 stands on the systems that keyferry's tests run on, and what to say when it does not. Pure; see require-softhsm.mjs. */
import { delimiter, join } from 'node:path';

export const MODULE_PLACES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/lib64/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

const TOOL_FOLDERS = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];

/** The module's path, or null. SOFTHSM2_MODULE, where set, is the only place that counts: a wrong one must not pass unnoticed. */
export function findModule(environment, isFile) {
  const named = environment.SOFTHSM2_MODULE;
  const places = named === undefined || named === '' ? MODULE_PLACES : [named];
  return places.find((place) => isFile(place)) ?? null;
}

export function findTool(environment, isFile) {
  const folders = [...(environment.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), ...TOOL_FOLDERS];
  return folders.map((folder) => join(folder, 'softhsm2-util')).find((path) => isFile(path)) ?? null;
}

/** Lines for people: what is missing, where it was looked for, and the command for each system. */
export function describeMissing(environment, found) {
  const named = environment.SOFTHSM2_MODULE;
  const lines = ['The tests need SoftHSM 2 and it is not complete on this machine:'];
  if (found.module === null) {
    lines.push(
      named === undefined || named === ''
        ? `  the module libsofthsm2.so was not found in any of: ${MODULE_PLACES.join(', ')}`
        : `  SOFTHSM2_MODULE names ${named}, which is no file; correct or unset it`,
    );
  }
  if (found.tool === null) lines.push('  the tool softhsm2-util was not found on PATH');
  lines.push(
    'Install it, then run the tests again:',
    '  Debian, Ubuntu   sudo apt-get install --no-install-recommends softhsm2',
    '  Fedora           sudo dnf install softhsm',
    '  macOS            brew install softhsm',
    'If it stands elsewhere, name the module in SOFTHSM2_MODULE and put softhsm2-util on PATH.',
  );
  return lines;
}

/** What to do about a native package that cannot be loaded. */
export function describeNativePackage(name, reason) {
  return [
    `The tests need the package ${name} and it cannot be loaded: ${reason}`,
    'It is compiled at installation. Install a compiler, then build it:',
    '  Debian, Ubuntu   sudo apt-get install g++ make python3',
    '  Fedora           sudo dnf install gcc-c++ make python3',
    '  macOS            xcode-select --install',
    `  then             npm rebuild ${name}`,
    `If node_modules has no ${name} at all: npm ci --include=optional`,
  ];
}
