/** A journal of a finished run over keys, for the views and reports that read one. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Entry, Journal } from '../../src/journal/journal.ts';
import { createJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import type { KeyRecord } from '../../src/keys/key-record.ts';
import { labelHex } from '../../src/keys/locator.ts';
import { PLAN_FORMAT, type PlanHead, type PlanItem } from '../../src/plan/model.ts';

export const REPORT_RUN = '20261122-101530-abc123';

export function aRecord(label: string, overrides: Partial<KeyRecord> = {}): KeyRecord {
  return {
    locator: { serial: 'S1', class: 'secret', type: 'aes', id: '0a', label: labelHex(label), fingerprint: null },
    handle: '7',
    label,
    labelIsHex: false,
    id: '0a',
    class: 'secret',
    type: 'aes',
    bits: 256,
    kcv: 'a1b2c3',
    attributes: { extractable: true, wrapWithTrusted: false },
    exportable: true,
    reason: null,
    ...overrides,
  };
}

export function aPlanItem(index: number, record: KeyRecord, overrides: Partial<PlanItem> = {}): PlanItem {
  return {
    index,
    key: index.toString(16).padStart(16, '0'),
    label: record.label,
    action: 'move',
    reason: null,
    notes: [],
    source: { kind: 'key', record },
    ...overrides,
  };
}

export function aPlanHead(overrides: Partial<PlanHead> = {}): PlanHead {
  return {
    format: PLAN_FORMAT,
    playbook: 'a-to-b',
    title: 'From A to B',
    digest: 'ab'.repeat(32),
    document: {},
    inputs: {},
    devices: [
      {
        role: 'source',
        name: 'lab',
        adapter: 'x',
        driver: 'simulated',
        trust: 'simulated',
        serial: 'S1',
        label: 'token',
      },
    ],
    approvers: {},
    summary: { total: 2, move: 2, skip: 0, block: 0, duplicate: 0 },
    prepare: [],
    finally: [],
    each: [],
    exposesPlaintext: false,
    estimateSeconds: 1,
    salt: '00'.repeat(16),
    fingerprinted: true,
    itemsHash: 'cd'.repeat(32),
    blocks: [],
    warnings: [],
    version: '0.1.0',
    createdAt: '2026-11-22T10:15:30.000Z',
    ...overrides,
  };
}

/** The clock goes one second on with each entry. */
export async function aReportJournal(items: readonly PlanItem[], entries: readonly Entry[]): Promise<Journal> {
  async function* stream(): AsyncIterable<PlanItem> {
    yield* items;
  }
  let now = Date.UTC(2026, 10, 22, 10, 15, 30);
  const journal = await createJournal({
    dir: await mkdtemp(join(tmpdir(), 'keyferry-report-')),
    run: REPORT_RUN,
    head: { kind: 'run', run: REPORT_RUN, plan: aPlanHead(), version: '0.1.0' },
    items: stream(),
    clock: () => {
      now += 1_000;
      return now;
    },
  });
  for (const entry of entries) await journal.append(entry);
  return journal;
}
