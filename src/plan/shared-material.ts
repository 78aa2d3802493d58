/**
 * Source keys of equal material under different names. What is on the target counts for one of them only, first for the one of the same
 * name (architecture §6), so a device must be asked about all of them in one call, wherever they stand in the plan. They are found by
 * sorting fingerprints on disk; the outcomes of those few are kept in memory.
 */
import { type Draft, type PreviewContext, previewItems } from './item-preview.ts';
import { LineSorter } from './line-sorter.ts';
import type { SourceKey, SourceKeys } from './source-keys.ts';

export interface SharedMaterialOptions {
  readonly keys: SourceKeys;
  readonly context: PreviewContext;
  /** For sorting. */
  readonly folder: string;
  /** Items per preview call; more only where one material has more keys. */
  readonly items: number;
  readonly draftOf: (key: SourceKey) => Draft;
}

export type Outcome = Pick<Draft, 'action' | 'reasons' | 'notes'>;

const INDEX_DIGITS = 10;

/** Place in the plan's order → what the previews say, for keys that share their material with another one. */
export async function previewSharedMaterial(options: SharedMaterialOptions): Promise<ReadonlyMap<number, Outcome>> {
  const shared = sharedPlaces(options);
  const outcomes = new Map<number, Outcome>();
  if (shared.size === 0) {
    return outcomes;
  }
  const sorter = new LineSorter({ folder: options.folder });
  try {
    for (const [index, key, material] of withMaterial(options.keys)) {
      if (shared.has(index)) {
        sorter.add(`${material}\t${placeText(index)}\t${JSON.stringify(key)}`);
      }
    }
    let chunk: { index: number; draft: Draft }[] = [];
    for (const group of groups(sorter.sorted())) {
      if (chunk.length > 0 && chunk.length + group.length > options.items) {
        await settle(chunk, options.context, outcomes);
        chunk = [];
      }
      for (const line of group) {
        const [, place = '', ...rest] = line.split('\t');
        const draft = options.draftOf(JSON.parse(rest.join('\t')) as SourceKey);
        draft.notes.push(`${group.length} keys of this plan have its material`);
        chunk.push({ index: Number(place), draft });
      }
    }
    await settle(chunk, options.context, outcomes);
    return outcomes;
  } finally {
    sorter.dispose();
  }
}

async function settle(
  chunk: readonly { readonly index: number; readonly draft: Draft }[],
  context: PreviewContext,
  outcomes: Map<number, Outcome>,
): Promise<void> {
  await previewItems(
    chunk.map(({ draft }) => draft),
    context,
  );
  for (const { index, draft } of chunk) {
    outcomes.set(index, { action: draft.action, reasons: draft.reasons, notes: draft.notes });
  }
}

function sharedPlaces({ keys, folder }: SharedMaterialOptions): Set<number> {
  const sorter = new LineSorter({ folder });
  const shared = new Set<number>();
  try {
    for (const [index, , material] of withMaterial(keys)) {
      sorter.add(`${material}\t${placeText(index)}`);
    }
    for (const group of groups(sorter.sorted())) {
      for (const line of group) {
        shared.add(Number(line.slice(line.indexOf('\t') + 1)));
      }
    }
    return shared;
  } finally {
    sorter.dispose();
  }
}

const placeText = (index: number): string => String(index).padStart(INDEX_DIGITS, '0');

function* withMaterial(keys: SourceKeys): Generator<[number, SourceKey, string], void, undefined> {
  let index = 0;
  for (const key of keys.keys()) {
    const { fingerprint, class: keyClass, type } = key.record.locator;
    if (fingerprint !== null) {
      yield [index, key, `${fingerprint.method}:${fingerprint.value}/${keyClass}/${type}`];
    }
    index += 1;
  }
}

/** Runs of two or more lines that are equal up to their first tab. */
function* groups(lines: Iterable<string>): Generator<string[], void, undefined> {
  let group: string[] = [];
  let before = '';
  for (const line of lines) {
    const material = line.slice(0, line.indexOf('\t'));
    if (material !== before) {
      if (group.length > 1) {
        yield group;
      }
      group = [];
      before = material;
    }
    group.push(line);
  }
  if (group.length > 1) {
    yield group;
  }
}
