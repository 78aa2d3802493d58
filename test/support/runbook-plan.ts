/** A plan of a shipped playbook over keys that a test names, without any device. */
import { join } from 'node:path';
import type { KeyRecord } from '../../src/keys/key-record.ts';
import { labelHex } from '../../src/keys/locator.ts';
import type { PlanHead, PlanItem, PlanSource } from '../../src/plan/model.ts';
import { loadPlaybook } from '../../src/playbook/load-playbook.ts';
import type { Json, Playbook } from '../../src/playbook/model.ts';
import { ADAPTERS } from './adapters.ts';

const PLAYBOOKS = join(import.meta.dirname, '../../playbooks');

export function aRecord(label: string, more: Partial<KeyRecord> = {}): KeyRecord {
  const id = more.id ?? '0badc0de';
  return {
    locator: { serial: 'S1', class: 'secret', type: 'aes', id, label: labelHex(label), fingerprint: null },
    handle: '',
    label,
    labelIsHex: false,
    id,
    class: 'secret',
    type: 'aes',
    bits: 256,
    kcv: 'a1b2c3',
    attributes: { extractable: true, encrypt: true, decrypt: true },
    exportable: true,
    reason: null,
    ...more,
  };
}

export interface PlanOf {
  readonly playbook: string;
  readonly records: readonly KeyRecord[];
  /** Paths, of a playbook over files. */
  readonly files?: readonly string[];
  readonly inputs?: Readonly<Record<string, Json>>;
  /** Labels of keys that the plan leaves where they are. */
  readonly skipped?: readonly string[];
}

export async function runbookPlan(of: PlanOf): Promise<{ readonly plan: PlanSource; readonly playbook: Playbook }> {
  const playbook = await loadPlaybook(join(PLAYBOOKS, `${of.playbook}.yaml`), ADAPTERS);
  const files = (of.files ?? []).map(
    (path, index): PlanItem => ({
      ...{ index, key: `file${index}`, label: path, action: 'move', reason: null, notes: [] },
      source: { kind: 'file', path, size: 32 },
    }),
  );
  const keys = of.records.map(
    (record, index): PlanItem => ({
      index,
      key: `key${index}`,
      label: record.label,
      action: of.skipped?.includes(record.label) === true ? 'skip' : 'move',
      reason: of.skipped?.includes(record.label) === true ? 'not extractable' : null,
      notes: [],
      source: { kind: 'key', record },
    }),
  );
  const items = [...files, ...keys];
  const move = items.filter(({ action }) => action === 'move').length;
  const defaults = Object.entries(playbook.inputs).flatMap(([name, spec]) =>
    spec.default === undefined ? [] : [[name, spec.default] as const],
  );
  const head: PlanHead = {
    format: 1,
    playbook: playbook.name,
    title: playbook.title,
    digest: 'd1ce5700'.repeat(8),
    document: null,
    inputs: { ...Object.fromEntries(defaults), ...of.inputs },
    devices: Object.entries(playbook.devices).map(([role, adapter]) => ({
      ...{ role, name: `${role}-hsm`, adapter, driver: 'simulated', trust: 'simulated', serial: 'S1', label: role },
    })),
    approvers: {},
    summary: { total: items.length, move, skip: items.length - move, block: 0, duplicate: 0 },
    prepare: [],
    finally: [],
    each: [],
    exposesPlaintext: playbook.exposesPlaintext,
    estimateSeconds: 0,
    salt: '',
    fingerprinted: true,
    itemsHash: '',
    blocks: [],
    warnings: [],
    version: '0.0.0',
    createdAt: '2026-01-02T03:04:05Z',
  };
  const plan: PlanSource = {
    head,
    async *items() {
      yield* items;
    },
    dispose: async () => undefined,
  };
  return { plan, playbook };
}
