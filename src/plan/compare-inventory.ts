/**
 * What became of the source since a plan was made. Both sides come in the plan's order, the present one sorted on disk, and are walked
 * side by side. Reads only; looks at each key with the plan's own salt and methods, so fingerprints compare.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BoundDevice } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { ATTRIBUTE_NAMES, kebabName } from '../keys/attributes.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import { locatorName } from '../keys/locator.ts';
import type { Over, Playbook } from '../playbook/model.ts';
import { keyScope } from './key-scope.ts';
import { fileError } from './line-file.ts';
import { inventoryQuery } from './make-plan.ts';
import type { PlanItem, PlanSource } from './model.ts';
import { templateValue } from './preview-arguments.ts';
import { sourceFiles } from './source-files.ts';
import { compareByLocator, type SourceKey, SourceKeys } from './source-keys.ts';

export interface InventoryComparison {
  /** Item index → why it is not what the plan saw. Of items that would move only. */
  readonly stale: ReadonlyMap<number, string>;
  /** Labels of keys (paths of files) that the playbook would choose now and the plan does not have. */
  readonly appeared: readonly string[];
}

export interface CompareInventoryOptions {
  /** The one that the plan pins. */
  readonly playbook: Playbook;
  /** Existing folder for sorting. Default: the system's folder for temporary files. */
  readonly spoolDir?: string;
  readonly onProgress?: (count: number) => void;
}

/** Rejects with what the source's inventory rejects with. */
export async function compareInventory(
  plan: PlanSource,
  devices: ReadonlyMap<string, BoundDevice>,
  options: CompareInventoryOptions,
): Promise<InventoryComparison> {
  const { over } = options.playbook;
  if (over === null) {
    return { stale: new Map(), appeared: [] };
  }
  return over.kind === 'keys' ? compareKeys(plan, devices, options, over) : compareFiles(plan, over);
}

async function compareKeys(
  plan: PlanSource,
  devices: ReadonlyMap<string, BoundDevice>,
  options: CompareInventoryOptions,
  over: Extract<Over, { kind: 'keys' }>,
): Promise<InventoryComparison> {
  const source = devices.get(over.from);
  if (source === undefined) {
    throw new KeyferryError('device-unknown', `no device is bound to ${over.from}, where the keys come from`);
  }
  const { inputs } = plan.head;
  const salt = plan.head.fingerprinted ? new Uint8Array(Buffer.from(plan.head.salt, 'hex')) : null;
  const spoolDir = options.spoolDir ?? tmpdir();
  let folder: string | null = null;
  try {
    folder = await mkdtemp(join(spoolDir, 'inventory-'));
    // Every key, not only those that `where` chooses: a planned key that it would not choose any more has changed, not vanished.
    const present = await SourceKeys.read({
      source,
      where: null,
      inputs,
      query: inventoryQuery(options.playbook, devices, salt),
      folder,
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    });
    const isChosen = (record: KeyRecord): boolean =>
      over.where === null || over.where.evaluate({ inputs, steps: {}, key: keyScope(record, source.role) }) === true;
    try {
      return await sideBySide(plan, present.keys(), isChosen);
    } finally {
      present.dispose();
    }
  } catch (error) {
    throw fileError(error, spoolDir, 'cannot sort the inventory in', 'state-unwritable');
  } finally {
    if (folder !== null) {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

async function sideBySide(
  plan: PlanSource,
  keys: Iterator<SourceKey>,
  isChosen: (record: KeyRecord) => boolean,
): Promise<InventoryComparison> {
  const stale = new Map<number, string>();
  const appeared: string[] = [];
  let before: KeyRecord | null = null;
  let now = keys.next();
  const pass = (key: SourceKey): void => {
    before = key.record;
    now = keys.next();
  };
  for await (const item of plan.items()) {
    if (item.source.kind !== 'key') {
      continue;
    }
    const planned = item.source.record;
    while (now.done !== true && compareByLocator(now.value.record, planned) < 0) {
      if (isChosen(now.value.record)) {
        appeared.push(now.value.record.label);
      }
      pass(now.value);
    }
    const present = now.done === true ? null : now.value;
    if (present !== null && compareByLocator(present.record, planned) === 0) {
      note(stale, item, difference(planned, present));
      pass(present);
    } else {
      const hasHeir = [before, present?.record].some((record) => isNamed(record, planned));
      note(
        stale,
        item,
        hasHeir ? 'another key has its class, type, id and label now' : 'it is not on the device any more',
      );
    }
  }
  for (; now.done !== true; now = keys.next()) {
    if (isChosen(now.value.record)) {
      appeared.push(now.value.record.label);
    }
  }
  return { stale, appeared };
}

const isNamed = (record: KeyRecord | null | undefined, planned: KeyRecord): boolean =>
  record !== null && record !== undefined && locatorName(record.locator) === locatorName(planned.locator);

function note(stale: Map<number, string>, item: PlanItem, reason: string | null): void {
  if (reason !== null && item.action === 'move') {
    stale.set(item.index, reason);
  }
}

function difference(planned: KeyRecord, { record, hasNamesake }: SourceKey): string | null {
  if (hasNamesake && record.locator.fingerprint === null) {
    return 'another object has the same class, type, id and label, and nothing tells the two apart';
  }
  const changes: string[] = [];
  const compare = (name: string, was: unknown, is: unknown): void => {
    if (was !== is) {
      changes.push(`${name} was ${was ?? 'absent'} and is ${is ?? 'absent'}`);
    }
  };
  compare('its length', planned.bits, record.bits);
  compare('its curve', planned.curve, record.curve);
  compare('its KCV', planned.kcv, record.kcv);
  for (const name of ATTRIBUTE_NAMES) {
    compare(kebabName(name), planned.attributes[name], record.attributes[name]);
  }
  compare('exportable', planned.exportable, record.exportable);
  return changes.length === 0 ? null : changes.join('; ');
}

async function compareFiles(plan: PlanSource, over: Extract<Over, { kind: 'files' }>): Promise<InventoryComparison> {
  const files = await sourceFiles(String(templateValue(over.files, { inputs: plan.head.inputs, steps: {} })));
  const present = new Map(files.map((file) => [file.path, file.size]));
  const stale = new Map<number, string>();
  for await (const item of plan.items()) {
    if (item.source.kind === 'file') {
      const { path, size } = item.source;
      const found = present.get(path);
      present.delete(path);
      if (found !== size) {
        note(
          stale,
          item,
          found === undefined ? 'the file is not there any more' : `the file had ${size} bytes and has ${found}`,
        );
      }
    }
  }
  return { stale, appeared: [...present.keys()] };
}
