/**
 * The plan's digest: SHA-256 over the canonical JSON (RFC 8785) of everything that decides what a run would do and everything a reviewer
 * is shown, with one hash for all items. Left out: estimate, tool version and time, which differ between two plans of the same state.
 */
import { createHash } from 'node:crypto';
import type { BoundDevice } from '../adapters/adapter.ts';
import { ATTRIBUTE_NAMES } from '../keys/attributes.ts';
import { canonicalJson } from '../keys/canonical-json.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import type { Json } from '../playbook/model.ts';
import type { PlanDevice, PlanHead, PlanItem } from './model.ts';

/** Fields in a fixed order and without the handle, which is another one in every process. */
export function plannedRecord(record: KeyRecord): KeyRecord {
  const { serial, class: keyClass, type, id, label, fingerprint } = record.locator;
  const attributes: Record<string, boolean> = {};
  for (const name of ATTRIBUTE_NAMES) {
    const value = record.attributes[name];
    if (value !== undefined) {
      attributes[name] = value;
    }
  }
  return {
    locator: {
      serial,
      class: keyClass,
      type,
      id,
      label,
      fingerprint: fingerprint === null ? null : { method: fingerprint.method, value: fingerprint.value },
    },
    handle: '',
    label: record.label,
    labelIsHex: record.labelIsHex,
    id: record.id,
    class: record.class,
    type: record.type,
    bits: record.bits,
    ...(record.curve === undefined ? {} : { curve: record.curve }),
    kcv: record.kcv,
    attributes,
    exportable: record.exportable,
    reason: record.reason,
  };
}

/** The one text of an item: what plan files hold and what is hashed. */
export function itemLine(item: PlanItem): string {
  return JSON.stringify({
    index: item.index,
    key: item.key,
    label: item.label,
    action: item.action,
    reason: item.reason,
    notes: item.notes,
    source:
      item.source.kind === 'key'
        ? { kind: 'key', record: plannedRecord(item.source.record) }
        : { kind: 'file', path: item.source.path, size: item.source.size },
  });
}

/** Hash chain over item lines: link n = SHA-256(link n−1 ‖ line n), from 32 zero bytes. */
export class ItemsHash {
  #link: Buffer = Buffer.alloc(32);

  add(line: string): void {
    this.#link = createHash('sha256').update(this.#link).update(line).digest();
  }

  /** Hex of the link so far; after the last item, the plan's `itemsHash`. */
  get value(): string {
    return this.#link.toString('hex');
  }
}

export const planDevice = (bound: BoundDevice): PlanDevice => ({
  role: bound.role,
  name: bound.settings.name,
  adapter: bound.description.adapter,
  driver: bound.description.driver,
  trust: bound.description.trust,
  serial: bound.description.serial,
  label: bound.description.label,
});

export type HeadWithoutDigest = Omit<PlanHead, 'digest' | 'document'>;

/** What the digest covers. `playbook` is the parsed document, never its bytes. */
export function digestDocument(head: HeadWithoutDigest, playbook: Json): Json {
  const document = {
    format: head.format,
    playbook,
    name: head.playbook,
    title: head.title,
    inputs: head.inputs,
    devices: head.devices.map((device) => ({ ...device })),
    approvers: head.approvers,
    exposesPlaintext: head.exposesPlaintext,
    salt: head.salt,
    fingerprinted: head.fingerprinted,
    summary: { ...head.summary },
    steps: {
      prepare: head.prepare,
      canary: head.canary ?? null,
      each: head.each,
      'after-each': head.afterEach ?? [],
      finally: head.finally,
    },
    blocks: head.blocks,
    warnings: head.warnings,
    items: head.itemsHash,
  };
  // Through text, so that a head that was never in a file and one that was read from a file hold equal values.
  return JSON.parse(JSON.stringify(document)) as Json;
}

/** Recomputed from the head's own fields: equal to `head.digest` unless one of them was altered. */
export function computeDigest(head: PlanHead): string {
  return documentDigest(digestDocument(head, pinnedDocument(head)));
}

export const documentDigest = (document: Json): string =>
  createHash('sha256').update(canonicalJson(document)).digest('hex');

/** The parsed playbook that the plan was made from. */
export function pinnedDocument(head: Pick<PlanHead, 'document'>): Json {
  const document = head.document;
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return null;
  }
  return (document as { readonly [key: string]: Json }).playbook ?? null;
}
