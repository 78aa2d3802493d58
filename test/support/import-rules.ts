/**
 * The architecture as rules over a map of files (path → text): which layer may import which, what stands where, how large a file may
 * be. Each finding says the reason, so that whoever breaks a rule learns why it is there. Pure: the tests give it wrong sources too.
 */
import { posix } from 'node:path';
import { type ScannedSource, scanSource } from './source-scan.ts';

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

/** Paths are relative to the repository, with forward slashes: `src/cli/run.ts`. */
export type SourceFiles = ReadonlyMap<string, string>;

interface Layer {
  readonly may: readonly string[];
  readonly reason: string;
}

const BASE = ['keys', 'schema', 'errors'];

/** Folders of src/adapters that hold what devices of any kind share, each a layer. */
const ROOMS: Readonly<Record<string, string>> = {
  'src/adapters/actions/': 'adapter-actions',
  'src/adapters/processes/': 'processes',
  'src/adapters/simulation/': 'simulation',
};
const ROOM_LAYERS = Object.values(ROOMS);

/** The adapters of devices behind PKCS#11: they alone build on what such devices share. */
const PKCS11_ADAPTERS = ['src/adapters/luna-classic', 'src/adapters/cloudhsm'];

/** A layer may always import itself. `adapter` means the own folder of one device. */
const LAYERS: Readonly<Record<string, Layer>> = {
  main: {
    may: ['cli', 'home', 'adapter-registry', 'adapter-port', ...BASE],
    reason: 'main hands the process (argv, environment, streams) to the commands and does no work of its own',
  },
  cli: {
    may: [
      'approvals',
      'workflows',
      'plan',
      'plan-model',
      'devices',
      'playbook',
      'source',
      'report',
      'home',
      'journal',
      'journal-port',
      'consoles',
      'simulators',
      'runbook',
      'adapter-registry',
      'adapter-port',
      ...BASE,
    ],
    reason: 'commands see devices through the adapter port and the registry, so that a new adapter changes no command',
  },
  approvals: {
    may: BASE,
    reason:
      'what is signed and whether a signature counts is settled without a run, a journal or a device, so that others can check it too',
  },
  workflows: {
    may: ['approvals', 'plan', 'plan-model', 'playbook', 'journal-port', 'adapter-port', ...BASE],
    reason: 'the engine knows devices and the journal as ports only, so that it runs over fakes and over other stores',
  },
  plan: {
    may: ['plan-model', 'devices', 'playbook', 'source', 'adapter-port', ...BASE],
    reason: 'a plan is data made from reads; it must not know how it will be run or stored in a journal',
  },
  'plan-model': {
    may: ['playbook', 'adapter-port', ...BASE],
    reason: 'the journal and the report read it too, so it may not pull in the planner',
  },
  devices: {
    may: ['approvals', 'playbook', 'source', 'adapter-port', ...BASE],
    reason: 'the devices file is checked against what adapters declare, never against one adapter',
  },
  playbook: {
    may: ['source', 'adapter-port', ...BASE],
    reason: 'a playbook is checked before any device is open, from declarations alone',
  },
  source: { may: BASE, reason: 'reading YAML with places is a tool of its own and knows nothing of keys on devices' },
  report: {
    may: ['plan', 'plan-model', 'journal', 'journal-port', 'adapter-port', ...BASE],
    reason: 'a report is made from what was recorded, never from a live engine or device',
  },
  consoles: {
    may: ['adapter', 'pkcs11', 'adapter-port', 'source', ...BASE],
    reason:
      'a console plays one vendor’s tool over that vendor’s simulator: it knows the adapter’s inside, and nothing of the engine',
  },
  simulators: {
    may: ['adapter', ...BASE],
    reason:
      'a simulator is served for the vendor’s own clients: it knows the adapter’s simulator, and nothing of the engine',
  },
  runbook: {
    may: ['plan', 'plan-model', 'playbook', 'adapter-port', ...BASE],
    reason:
      'a runbook is text made from a plan: what people type into a tool is data of the adapters, and no device is open',
  },
  home: {
    may: BASE,
    reason: 'the home folder is files and rights; what they hold belongs to others',
  },
  'journal-port': {
    may: ['plan-model', 'adapter-port', ...BASE],
    reason: 'the journal port is what the engine sees, so no store may leak into it',
  },
  journal: {
    may: ['journal-port', 'plan-model', 'adapter-port', 'home', ...BASE],
    reason: 'a journal stores entries and knows nothing of how they come about',
  },
  'adapter-port': { may: BASE, reason: 'every layer imports the port, so it may import none of them' },
  'adapter-registry': {
    may: ['adapter', 'adapter-port'],
    reason: 'the registry is one line for each adapter',
  },
  adapter: {
    may: ['pkcs11', ...ROOM_LAYERS, 'adapter-port', ...BASE],
    reason: 'an adapter is reached through the port and stands alone: no other adapter, nothing of the engine',
  },
  pkcs11: {
    may: [...ROOM_LAYERS, 'adapter-port', ...BASE],
    reason: 'what the PKCS#11 adapters share must not know which of them is using it',
  },
  'adapter-actions': {
    may: ['adapter-port', ...BASE],
    reason: 'an action of any device knows no device: what differs is handed to it',
  },
  processes: {
    may: BASE,
    reason: 'what processes of one machine settle among themselves is files, and knows nothing of devices',
  },
  simulation: {
    may: BASE,
    reason: 'what every simulator needs (state that survives, chance that repeats) must not know what is simulated',
  },
  keys: { may: ['schema', 'errors'], reason: 'the words for keys are below everything else' },
  schema: { may: ['keys', 'errors'], reason: 'shapes describe values and are below everything else' },
  errors: { may: [], reason: 'errors are thrown everywhere, so they may depend on nothing' },
};

/** What the engine sees of the journal: entries and items, and how a run's folder is created, opened and locked. */
const JOURNAL_PORTS = ['src/journal/journal.ts', 'src/journal/run-store.ts'];

/** What adapters are to the rest: devices and their actions, and how the actions are done by hand. */
const ADAPTER_PORTS = ['src/adapters/adapter.ts', 'src/adapters/runbook.ts'];

export function layerOf(path: string): string | null {
  if (path === 'src/main.ts') return 'main';
  if (ADAPTER_PORTS.includes(path)) return 'adapter-port';
  if (path === 'src/adapters/registry.ts') return 'adapter-registry';
  if (JOURNAL_PORTS.includes(path)) return 'journal-port';
  if (path === 'src/plan/model.ts') return 'plan-model';
  if (path.startsWith('src/adapters/pkcs11/')) return 'pkcs11';
  const room = Object.keys(ROOMS).find((each) => path.startsWith(each));
  if (room !== undefined) return ROOMS[room] ?? null;
  const [, folder, inner] = path.split('/');
  if (folder === 'adapters') return inner !== undefined && path.split('/').length > 3 ? 'adapter' : null;
  return folder !== undefined && path.split('/').length > 2 && Object.hasOwn(LAYERS, folder) ? folder : null;
}

/** Packages that have one home; a second place would be a second way to do the same thing. */
const PACKAGE_HOMES: Readonly<Record<string, { readonly homes: readonly string[]; readonly reason: string }>> = {
  xstate: { homes: ['src/workflows/'], reason: 'state machines are the engine’s inside and may be replaced there' },
  commander: { homes: ['src/cli/', 'src/main.ts'], reason: 'only commands parse command lines' },
  ora: { homes: ['src/cli/'], reason: 'only views draw progress' },
  yaml: { homes: ['src/source/'], reason: 'there is one way from YAML text to values with places' },
  '@marcbachmann/cel-js': { homes: ['src/playbook/'], reason: 'there is one way to check and run expressions' },
  'node-forge': {
    homes: ['src/adapters/cloudhsm/attest/', 'src/adapters/yubihsm/simulator/'],
    reason: 'certificates are made for simulated HSMs only, and checked with node:crypto',
  },
  '@aws-sdk/client-kms': {
    homes: ['src/adapters/kms/'],
    reason: 'one adapter talks to AWS, and loads the SDK when a device is opened',
  },
  pkcs11js: {
    homes: ['src/adapters/pkcs11/native/'],
    reason: 'an optional package that may only be loaded by the native driver',
  },
  'better-sqlite3': { homes: ['src/journal/sqlite/'], reason: 'both SQLite bindings stand behind one interface' },
  'node:sqlite': { homes: ['src/journal/sqlite/'], reason: 'both SQLite bindings stand behind one interface' },
};

export type Exceptions = Readonly<Record<string, string>>;

/** `importer -> imported` pairs that break a layer rule on purpose, each with its reason. */
export interface ArchitectureExceptions {
  readonly imports: Exceptions;
  readonly sizes: Exceptions;
  readonly processUse: Exceptions;
  readonly vendorNames: Exceptions;
}

interface Scanned {
  readonly path: string;
  readonly source: ScannedSource;
}

/** Every rule reads the same files, so a map of files is scanned once. */
const scans = new WeakMap<SourceFiles, readonly Scanned[]>();

function scanAll(files: SourceFiles): readonly Scanned[] {
  const known = scans.get(files) ?? [...files].map(([path, text]) => ({ path, source: scanSource(text) }));
  scans.set(files, known);
  return known;
}

function resolveImport(from: string, specifier: string): string | null {
  return specifier.startsWith('.') ? posix.normalize(posix.join(posix.dirname(from), specifier)) : null;
}

export function checkLayers(files: SourceFiles, exceptions: Exceptions = {}): Finding[] {
  const findings: Finding[] = [];
  for (const { path, source } of scanAll(files)) {
    const layer = layerOf(path);
    if (layer === null) {
      findings.push({
        file: path,
        line: 1,
        rule: 'layer',
        message: 'belongs to no layer; put it into a folder of the architecture',
      });
      continue;
    }
    for (const use of source.imports) {
      const target = resolveImport(path, use.specifier);
      // Worker entries are .ts; `new URL` also names data that ships beside the code.
      if (target === null || use.isData) continue;
      const problem = files.has(target)
        ? layerProblem(path, layer, target)
        : 'does not exist (imports end with the file’s own name, in .ts)';
      if (problem === null || Object.hasOwn(exceptions, `${path} -> ${target}`)) continue;
      findings.push({ file: path, line: use.line, rule: 'layer', message: `imports ${target}: ${problem}` });
    }
  }
  return findings;
}

function layerProblem(path: string, layer: string, target: string): string | null {
  const other = layerOf(target);
  if (other === null) return 'it belongs to no layer';
  if (layer === 'adapter' && other === 'adapter') {
    return adapterFolder(path) === adapterFolder(target)
      ? null
      : 'no adapter imports another: what they share belongs into the port or into a room of all adapters';
  }
  if (layer === 'adapter' && other === 'pkcs11' && !PKCS11_ADAPTERS.includes(adapterFolder(path)))
    return `only adapters of devices behind PKCS#11 build on it: what every device shares is in ${Object.keys(ROOMS).join(', ')}`;
  if (layer === 'adapter-registry' && other === 'adapter' && !target.endsWith('/adapter.ts'))
    return 'the registry takes each adapter by its adapter.ts';
  if (layer === other) return null;
  const rule = LAYERS[layer];
  return rule?.may.includes(other) === true
    ? null
    : `${layer} may not import ${other}, because ${rule?.reason ?? 'it is no layer'}`;
}

const adapterFolder = (path: string): string => path.split('/').slice(0, 3).join('/');

export function checkPackageHomes(files: SourceFiles): Finding[] {
  const findings: Finding[] = [];
  for (const { path, source } of scanAll(files)) {
    for (const use of source.imports) {
      const name = Object.keys(PACKAGE_HOMES).find(
        (known) => use.specifier === known || use.specifier.startsWith(`${known}/`),
      );
      const home = name === undefined ? undefined : PACKAGE_HOMES[name];
      if (home === undefined || home.homes.some((place) => path.startsWith(place))) continue;
      findings.push({
        file: path,
        line: use.line,
        rule: 'package',
        message: `imports ${use.specifier}, which belongs to ${home.homes.join(' and ')}: ${home.reason}`,
      });
    }
  }
  return findings;
}

/**
 * Import cycles, each reported once, from its first file. Type-only imports count too, since a cycle of types is a cycle of ideas, but
 * for neighbours in one folder: there a type may name its collaborator, and nothing of it is left at run time.
 */
export function findCycles(files: SourceFiles): string[][] {
  const edges = new Map<string, string[]>();
  for (const { path, source } of scanAll(files)) {
    const targets = source.imports.flatMap((use) => {
      const target = resolveImport(path, use.specifier);
      if (target === null) return [];
      return use.isTypeOnly && posix.dirname(target) === posix.dirname(path) ? [] : [target];
    });
    edges.set(
      path,
      [...new Set(targets)].filter((target) => files.has(target)),
    );
  }
  const cycles = new Map<string, string[]>();
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt !== -1) {
      const cycle = trail.slice(seenAt);
      cycles.set([...cycle].sort().join(' '), [...cycle, path]);
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const target of edges.get(path) ?? []) visit(target);
    trail.pop();
    done.add(path);
  };
  for (const path of [...edges.keys()].sort()) visit(path);
  return [...cycles.values()];
}

const SIZE_WITH_REASON = 300;
const SIZE_LIMIT = 400;

export function checkSizes(files: SourceFiles, exceptions: Exceptions = {}): Finding[] {
  const findings: Finding[] = [];
  for (const { path, source } of scanAll(files)) {
    const isTooLarge = source.lines > SIZE_LIMIT;
    if (!isTooLarge && (source.lines <= SIZE_WITH_REASON || Object.hasOwn(exceptions, path))) continue;
    const limit = isTooLarge
      ? `${SIZE_LIMIT} is the end`
      : `above ${SIZE_WITH_REASON} it needs a reason in the architecture test`;
    findings.push({
      file: path,
      line: source.lines,
      rule: 'size',
      message: `has ${source.lines} lines; ${limit}: one concept in one file`,
    });
  }
  return findings;
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split('\n').length;
}

export function checkProcessUse(files: SourceFiles, exceptions: Exceptions = {}): Finding[] {
  const findings: Finding[] = [];
  for (const { path, source } of scanAll(files)) {
    if (Object.hasOwn(exceptions, path)) continue;
    for (const match of source.bare.matchAll(/\bprocess\s*\??\.\s*(exit|env|argv)\b/g)) {
      findings.push({
        file: path,
        line: lineOf(source.bare, match.index),
        rule: 'process',
        message: `uses process.${match[1]}: only src/main.ts does, everything else gets values passed in and stays testable`,
      });
    }
  }
  return findings;
}

const VENDOR_NAMES = /luna|cloudhsm|yubihsm|kms|softhsm/gi;
const VENDOR_FREE = ['src/workflows/', 'src/plan/', 'src/cli/', 'src/runbook/'];

export function checkVendorNames(files: SourceFiles, exceptions: Exceptions = {}): Finding[] {
  const findings: Finding[] = [];
  for (const { path, source } of scanAll(files)) {
    if (!VENDOR_FREE.some((folder) => path.startsWith(folder)) || Object.hasOwn(exceptions, path)) continue;
    for (const match of source.withoutComments.matchAll(VENDOR_NAMES)) {
      findings.push({
        file: path,
        line: lineOf(source.withoutComments, match.index),
        rule: 'vendor',
        message: `names ${match[0]}: what differs between devices is data of their adapters, so that a new one changes nothing here`,
      });
    }
  }
  return findings;
}

export function checkHabits(files: SourceFiles): Finding[] {
  const findings: Finding[] = [];
  for (const { path, source } of scanAll(files)) {
    for (const match of source.bare.matchAll(/\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b/g)) {
      findings.push({
        file: path,
        line: lineOf(source.bare, match.index),
        rule: 'default-export',
        message: 'has a default export: a name is the same in every file that imports it',
      });
    }
    if (path.split('/').some((part) => /^(?:utils?|helpers?|common)(?:\.|$)/i.test(part))) {
      findings.push({
        file: path,
        line: 1,
        rule: 'file-name',
        message: 'is named after nothing: name the file by the one concept in it',
      });
    }
  }
  return findings;
}

/** An exception that no file needs any more is a hole in the fence. `needed` gives the findings there would be without exceptions. */
export function unusedExceptions(exceptions: Exceptions, needed: readonly Finding[]): string[] {
  return Object.keys(exceptions).filter((key) => {
    const [file, target] = key.split(' -> ');
    return !needed.some(
      (finding) => finding.file === file && (target === undefined || finding.message.startsWith(`imports ${target}:`)),
    );
  });
}

export const formatFindings = (findings: readonly Finding[]): string =>
  findings.map((finding) => `${finding.file}:${finding.line}: [${finding.rule}] ${finding.message}`).join('\n');
