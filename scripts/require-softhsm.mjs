/**
 * Runs before the tests (`pretest`): what they need beyond npm's packages is there, or this ends with 1 and says what to install.
 * As root on Debian and its relatives it installs SoftHSM and the programs itself. Nothing is ever skipped: a test run without SoftHSM
 * would prove nothing about real PKCS#11 modules.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describeMissing, describeNativePackage, findModule, findTool } from './softhsm-places.mjs';
import { describeProgram, PROGRAMS } from './test-programs.mjs';

const say = (lines) => process.stderr.write(`${lines.join('\n')}\n`);
const isFile = (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
const look = () => ({ module: findModule(process.env, isFile), tool: findTool(process.env, isFile) });

function run(command, args) {
  say([`+ ${command} ${args.join(' ')}`]);
  const result = spawnSync(command, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return result.status === 0;
}

function installPackage(name) {
  const isRoot = process.getuid?.() === 0;
  const hasApt = spawnSync('apt-get', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!isRoot || !hasApt) return;
  const install = ['install', '-y', '--no-install-recommends', name];
  // The lists of a fresh container are empty, so the first try often fails; updating them first would cost every other run.
  if (!run('apt-get', install) && run('apt-get', ['update'])) run('apt-get', install);
}

function requireSoftHsm() {
  const isNamed = (process.env.SOFTHSM2_MODULE ?? '') !== '';
  let found = look();
  if ((found.module === null && !isNamed) || found.tool === null) {
    installPackage('softhsm2');
    found = look();
  }
  if (found.module !== null && found.tool !== null) return true;
  say(describeMissing(process.env, found));
  return false;
}

/** A program of the system that tests run as their users do. */
function requireProgram({ places, debianPackage, why }) {
  const isThere = () => places.some(isFile);
  if (isThere()) return true;
  installPackage(debianPackage);
  if (isThere()) return true;
  say(describeProgram({ places, debianPackage, why }));
  return false;
}

/** Loads the package and uses it once: a package compiled for another Node is found only then. */
function requirePackage(name, use) {
  try {
    use(createRequire(import.meta.url)(name));
    return true;
  } catch (error) {
    say(describeNativePackage(name, String(error.message).split('\n')[0]));
    return false;
  }
}

const hasNodeSqlite = process.getBuiltinModule?.('node:module')?.isBuiltin('node:sqlite') === true;

const checks = [
  requireSoftHsm(),
  ...PROGRAMS.map(requireProgram),
  requirePackage('pkcs11js', ({ PKCS11 }) => new PKCS11()),
  hasNodeSqlite || requirePackage('better-sqlite3', (Database) => new Database(':memory:').close()),
];
process.exitCode = checks.every(Boolean) ? 0 : 1;
