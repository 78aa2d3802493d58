/** A plan as `plan --json` prints it (docs/architecture.md, the command line). Fields may be added, never renamed. */
import type { ItemAction, PlanItem, PlanSource } from './model.ts';

/** Items per piece of text. */
const PIECE_ITEMS = 256;

export interface PlanItemJson {
  readonly key: string;
  readonly label: string;
  /** Beside a label that is not UTF-8: then `label` is its hex too. */
  readonly labelHex?: string;
  readonly action: ItemAction;
  readonly reason: string | null;
  readonly notes: readonly string[];
}

export function planItemJson(item: PlanItem): PlanItemJson {
  const isHex = item.source.kind === 'key' && item.source.record.labelIsHex;
  return {
    key: item.key,
    label: item.label,
    ...(isHex ? { labelHex: item.label } : {}),
    action: item.action,
    reason: item.reason,
    notes: item.notes,
  };
}

/** One JSON object in pieces, without a line end. */
export async function* planJson(source: PlanSource): AsyncGenerator<string, void, undefined> {
  const { head } = source;
  const { total, move, skip, block, duplicate } = head.summary;
  const before = {
    format: head.format,
    playbook: head.playbook,
    title: head.title,
    digest: head.digest,
    devices: head.devices.map(({ name, adapter, driver, trust, role, serial, label }) => ({
      name,
      adapter,
      driver,
      trust,
      role,
      serial,
      label,
    })),
    summary: { total, move, skip, block, duplicate },
  };
  const after = {
    prepare: head.prepare,
    canary: head.canary ?? null,
    each: head.each,
    afterEach: head.afterEach ?? [],
    finally: head.finally,
    exposesPlaintext: head.exposesPlaintext,
    estimateSeconds: head.estimateSeconds,
    fingerprinted: head.fingerprinted,
    inputs: head.inputs,
    blocks: head.blocks,
    warnings: head.warnings,
    version: head.version,
    createdAt: head.createdAt,
  };
  yield `${JSON.stringify(before).slice(0, -1)},"items":[`;
  let piece: string[] = [];
  let separator = '';
  for await (const item of source.items()) {
    piece.push(JSON.stringify(planItemJson(item)));
    if (piece.length === PIECE_ITEMS) {
      yield separator + piece.join(',');
      separator = ',';
      piece = [];
    }
  }
  if (piece.length > 0) {
    yield separator + piece.join(',');
  }
  yield `],${JSON.stringify(after).slice(1)}`;
}
