/** The items of a plan: every key that `where` chooses, or every file, with what would happen to it and the reason. */
import { createHash } from 'node:crypto';
import type { InventoryQuery } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import { locatorDigest } from '../keys/locator.ts';
import type { Over } from '../playbook/model.ts';
import { ArrivalIds } from './arrival-ids.ts';
import type { Capacity } from './capacity.ts';
import { DigestTable } from './digest-table.ts';
import { block, type Draft, type PreviewContext, previewItems } from './item-preview.ts';
import type { ItemSpool } from './item-spool.ts';
import { keyScope } from './key-scope.ts';
import type { PlanItem, PlanSummary } from './model.ts';
import { templateValue } from './preview-arguments.ts';
import { previewSharedMaterial } from './shared-material.ts';
import { sourceFiles } from './source-files.ts';
import { compareByLocator, type SourceKey, SourceKeys } from './source-keys.ts';

/** Items per preview call. */
const PREVIEW_ITEMS = 256;

export interface PlanItemsOptions {
  readonly context: PreviewContext;
  readonly spool: ItemSpool;
  readonly capacity: Capacity;
  /** For sorting. */
  readonly folder: string;
  readonly query: InventoryQuery;
  readonly onProgress?: (count: number) => void;
}

export interface PlannedItems {
  readonly summary: PlanSummary;
  readonly warnings: readonly string[];
}

interface Candidate {
  readonly draft: Draft;
  /** The devices were asked already. */
  readonly isPreviewed: boolean;
  readonly source: PlanItem['source'];
  readonly label: string;
  readonly digest: string;
}

export async function planItems(options: PlanItemsOptions): Promise<PlannedItems> {
  const { playbook } = options.context;
  if (playbook.over === null) {
    return { summary: { total: 0, move: 0, skip: 0, block: 0, duplicate: 0 }, warnings: [] };
  }
  return playbook.over.kind === 'keys' ? planKeys(options, playbook.over) : planFiles(options, playbook.over);
}

async function planKeys(options: PlanItemsOptions, over: Extract<Over, { kind: 'keys' }>): Promise<PlannedItems> {
  const { inputs } = options.context.planScope;
  const source = options.context.devices.get(over.from);
  if (source === undefined) {
    throw new KeyferryError('device-unknown', `no device is bound to ${over.from}, where the keys come from`);
  }
  const keys = await SourceKeys.read({
    source,
    where: over.where,
    inputs,
    query: options.query,
    folder: options.folder,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  });
  try {
    const { context, folder } = options;
    const draftOf = ({ record }: SourceKey): Draft => keyDraft(record, over.from, inputs);
    const settled = await previewSharedMaterial({ keys, context, folder, items: PREVIEW_ITEMS, draftOf });
    const settler = new Settler(options);
    let batch: Candidate[] = [];
    let place = 0;
    for (const key of keys.keys()) {
      const { record, hasNamesake } = key;
      const outcome = settled.get(place);
      const candidate = keyCandidate(record, { ...draftOf(key), ...outcome }, outcome !== undefined);
      place += 1;
      if (hasNamesake && record.locator.fingerprint === null) {
        block(
          candidate.draft,
          'another object on the source has the same class, type, id and label, and without a fingerprint the two cannot be told apart; ' +
            'give each its own id or label',
        );
      }
      batch.push(candidate);
      if (batch.length === PREVIEW_ITEMS) {
        await settler.settle(batch);
        batch = [];
      }
    }
    await settler.settle(batch);
    const warnings =
      keys.chosen === 0
        ? [`no key to move: ${keys.total} on ${source.settings.name}, none chosen by the playbook`]
        : [];
    return { summary: settler.summary, warnings };
  } finally {
    keys.dispose();
  }
}

async function planFiles(options: PlanItemsOptions, over: Extract<Over, { kind: 'files' }>): Promise<PlannedItems> {
  const { inputs } = options.context.planScope;
  const pattern = String(templateValue(over.files, options.context.planScope));
  const files = await sourceFiles(pattern);
  const settler = new Settler(options);
  for (let from = 0; from < files.length; from += PREVIEW_ITEMS) {
    const batch = files.slice(from, from + PREVIEW_ITEMS).map(
      (file): Candidate => ({
        draft: { scope: { inputs, steps: {}, item: file }, record: null, action: 'move', reasons: [], notes: [] },
        isPreviewed: false,
        source: { kind: 'file', path: file.path, size: file.size },
        label: file.name,
        digest: createHash('sha256').update(`file/${file.path}`).digest('hex').slice(0, 16),
      }),
    );
    await settler.settle(batch);
  }
  options.onProgress?.(files.length);
  return { summary: settler.summary, warnings: files.length === 0 ? [`no file matches ${pattern}`] : [] };
}

const keyDraft = (record: KeyRecord, role: string, inputs: Readonly<Record<string, unknown>>): Draft => ({
  scope: { inputs, steps: {}, key: keyScope(record, role) },
  record,
  action: 'move',
  reasons: [],
  notes: [],
});

const keyCandidate = (record: KeyRecord, draft: Draft, isPreviewed: boolean): Candidate => ({
  draft,
  isPreviewed,
  source: { kind: 'key', record },
  label: record.label,
  digest: locatorDigest(record.locator),
});

/** Settles what depends on the items before: names, equal keys, ids and room. Takes items in plan order. */
class Settler {
  readonly #options: PlanItemsOptions;
  readonly #ids: ArrivalIds;
  /** How many items had this digest so far. */
  readonly #names = new DigestTable();
  readonly #counts = { move: 0, skip: 0, block: 0, duplicate: 0 };
  #before: { readonly record: KeyRecord; readonly item: PlanItem } | null = null;

  constructor(options: PlanItemsOptions) {
    this.#options = options;
    this.#ids = new ArrivalIds(options.context.playbook, options.context.devices);
  }

  get summary(): PlanSummary {
    return { total: this.#options.spool.count, ...this.#counts };
  }

  async settle(batch: readonly Candidate[]): Promise<void> {
    // What is blocked already names no object for certain: no device is asked about it.
    const open = batch.filter(({ draft, isPreviewed }) => draft.action === 'move' && !isPreviewed);
    await previewItems(
      open.map(({ draft }) => draft),
      this.#options.context,
    );
    for (const candidate of batch) {
      this.#add(candidate);
    }
  }

  #add({ draft, source, label, digest }: Candidate): void {
    const { spool } = this.#options;
    const index = spool.count;
    const times = (this.#names.get(digest) ?? 0) + 1;
    this.#names.set(digest, times);
    const key = times === 1 ? digest : `${digest}-${times}`;
    this.#compareWithBefore(draft);
    if (draft.action === 'move' && draft.record !== null) {
      this.#checkIds(draft, draft.record);
    }
    if (draft.action === 'move') {
      const shortage = this.#options.capacity.take();
      if (shortage !== null) {
        block(draft, shortage);
      } else if (draft.record !== null) {
        this.#ids.take(draft.record, draft.scope, index);
      }
    }
    const reason = draft.action === 'move' ? null : draft.reasons.join('; ');
    const item: PlanItem = { index, key, label, action: draft.action, reason, notes: draft.notes, source };
    spool.add(item);
    this.#counts[draft.action] += 1;
    this.#before = draft.record === null ? null : { record: draft.record, item };
  }

  /** Equal objects stand next to each other in the plan's order. */
  #compareWithBefore(draft: Draft): void {
    const before = this.#before;
    const record = draft.record;
    if (before === null || record === null || record.locator.fingerprint === null || draft.action === 'skip') {
      return;
    }
    const isTaken = before.item.action === 'move' || before.item.action === 'duplicate';
    if (isTaken && compareByLocator(before.record, record) === 0) {
      draft.action = 'duplicate';
      draft.reasons.splice(
        0,
        Number.POSITIVE_INFINITY,
        `the source has this key twice: same class, type, id, label and fingerprint as ${before.item.key}, which stands for both`,
      );
    }
  }

  #checkIds(draft: Draft, record: KeyRecord): void {
    for (const clash of this.#ids.clashes(record, draft.scope)) {
      const earlier = this.#options.spool.at(clash.index);
      const other = `${earlier.label} (${earlier.key}), which comes before it`;
      if (clash.isUnique) {
        block(
          draft,
          `would arrive on ${clash.device} under id ${clash.id} like ${other}, and ids there are unique; give one of them another id`,
        );
      } else {
        draft.notes.push(`arrives on ${clash.device} under id ${clash.id} like ${other}`);
      }
    }
  }
}
