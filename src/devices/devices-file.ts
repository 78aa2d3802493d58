/**
 * The devices file: the operator's connections, checked against the adapters' own settings, and the approvers. It runs code (modules,
 * commands), so it is refused when others can write it. Secrets stay references.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { AdapterSpec, DeviceSettings } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { checkShape, type ShapeCheck } from '../source/check-shape.ts';
import { requireTrustworthy } from '../source/file-safety.ts';
import { suggestion } from '../source/nearest.ts';
import { entriesOf, fieldOf, type MapNode, type SourceNode, textOf } from '../source/node.ts';
import { expandPath } from '../source/paths.ts';
import { Problems, summarise } from '../source/problems.ts';
import { decodeText, readSource } from '../source/text.ts';
import { parseYaml } from '../source/yaml.ts';
import { type Approver, readApprover } from './approvers.ts';
import { readSecretReference } from './secrets.ts';
import { DEVICE_ENTRY, DEVICES } from './shape.ts';

export interface DevicesFile {
  /** Absolute. */
  readonly path: string;
  readonly devices: Readonly<Record<string, DeviceSettings>>;
  readonly approvers: Readonly<Record<string, Approver>>;
}

type AdapterSpecs = Readonly<Record<string, AdapterSpec>>;

/** Rejects with `file-unreadable`, `file-unsafe`, or `devices-invalid` with all problems. */
export function loadDevicesFile(options: { readonly path: string; readonly adapters: AdapterSpecs }): DevicesFile {
  const path = resolve(options.path);
  requireThere(path);
  requireTrustworthy(path, { isSecret: false });
  const problems = new Problems();
  const text = decodeText(readSource(path), options.path, problems);
  const root = text === undefined ? undefined : parseYaml(text, { file: options.path }, problems);
  const file = root === undefined ? undefined : readDevices(root, path, options.adapters, problems);
  if (file !== undefined && problems.count === 0) return file;
  const diagnostics = problems.list();
  throw new KeyferryError('devices-invalid', summarise(`The devices file ${options.path}`, diagnostics), {
    diagnostics,
  });
}

/** Most often the command was given in another folder, or the file has another name than the default. */
function requireThere(path: string): void {
  if (existsSync(path)) return;
  throw new KeyferryError('file-unreadable', `There is no devices file ${path}.`, {
    hint: 'Name it with -d FILE, or make one with: keyferry init',
  });
}

function readDevices(root: SourceNode, path: string, adapters: AdapterSpecs, problems: Problems): DevicesFile {
  const expand = (text: string): string => expandPath(text, dirname(path));
  const check: ShapeCheck = {
    problems,
    elsewhere: new Set([DEVICE_ENTRY]),
    path: expand,
    opaque: (node, type) => {
      if (type === 'secret') return readSecretReference(node, problems, expand);
      problems.add(node.place, `a devices file holds no ${type}`);
      return undefined;
    },
  };
  checkShape(root, DEVICES, check);
  const devices: Record<string, DeviceSettings> = {};
  for (const { key, value } of entriesOf(fieldOf(root, 'devices'))) {
    const settings = readDevice(key, value, adapters, check);
    if (settings !== undefined) devices[key] = settings;
  }
  const approvers: Record<string, Approver> = {};
  for (const { key, value } of entriesOf(fieldOf(root, 'approvers'))) {
    const file = fieldOf(value, 'public-key');
    const text = textOf(file);
    if (file === undefined || text === undefined) continue;
    const approver = readApprover(key, expand(text), file.place, problems);
    if (approver === undefined) continue;
    const twin = Object.values(approvers).find((other) => other.spkiSha256 === approver.spkiSha256);
    // Two names for one key would let one person make a quorum of two.
    if (twin !== undefined) problems.add(file.place, `${key} and ${twin.name} have the same public key`);
    approvers[key] = approver;
  }
  return { path, devices, approvers };
}

function readDevice(
  name: string,
  node: SourceNode,
  adapters: AdapterSpecs,
  check: ShapeCheck,
): DeviceSettings | undefined {
  if (node.kind === 'broken') return undefined;
  if (node.kind !== 'map') {
    check.problems.add(node.place, `the device ${name} must be a map: { adapter: …, driver: … }`);
    return undefined;
  }
  const adapterName = chosen(node, 'adapter', adapters, check.problems);
  const adapter = adapterName === undefined ? undefined : adapters[adapterName];
  if (adapterName === undefined || adapter === undefined) return undefined;
  const driver = chosen(node, 'driver', adapter.drivers, check.problems);
  const shape = driver === undefined ? undefined : adapter.drivers[driver];
  if (driver === undefined || shape === undefined) return undefined;
  const settings: MapNode = {
    ...node,
    entries: node.entries.filter(({ key }) => key !== 'adapter' && key !== 'driver'),
  };
  const values = checkShape(settings, shape, check);
  return { name, adapter: adapterName, driver, values: asRecord(values) };
}

function chosen(
  node: MapNode,
  field: 'adapter' | 'driver',
  known: Readonly<Record<string, unknown>>,
  problems: Problems,
): string | undefined {
  const value = fieldOf(node, field);
  const names = Object.keys(known);
  if (value === undefined) {
    problems.add(node.place, `${field} is missing`, `one of ${names.join(', ')}`);
    return undefined;
  }
  const text = textOf(value);
  if (text !== undefined && Object.hasOwn(known, text)) return text;
  if (value.kind !== 'broken')
    problems.add(value.place, `there is no ${field} ${text ?? 'of that kind'}`, suggestion(text ?? '', names));
  return undefined;
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  // Fields left out, or reported as broken, are absent rather than undefined.
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
}
