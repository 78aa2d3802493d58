/** Builders for journals: plan items, heads, calls and entries, and a folder of one's own. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CallId, Entry, ItemState, Journal } from '../../src/journal/journal.ts';
import type { JournalTuning } from '../../src/journal/sqlite/journal-writer.ts';
import { createJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import type { PlanItem } from '../../src/plan/model.ts';

export const A_RUN = '20261122-101530-1f2ab3';

export async function* planItems(count: number): AsyncGenerator<PlanItem> {
  for (let index = 0; index < count; index++) yield planItem(index);
}

export function planItem(index: number): PlanItem {
  return {
    index,
    key: index.toString(16).padStart(16, '0'),
    label: `payments-${index}`,
    action: 'move',
    reason: null,
    notes: [],
    source: { kind: 'file', path: `/keys/${index}`, size: 32 },
  };
}

export function aHead(run = A_RUN): Extract<Entry, { kind: 'run' }> {
  return { kind: 'run', run, plan: { playbook: 'a-playbook', digest: 'ab'.repeat(32) }, version: '0.1.0' };
}

export function aCall(item: number | null, more: Partial<CallId> = {}): CallId {
  return { generation: 1, scope: item === null ? 'prepare' : 'each', item, step: 'arrived', attempt: 1, ...more };
}

export function anIntent(call: CallId): Extract<Entry, { kind: 'intent' }> {
  return { kind: 'intent', call, action: 'unwrap-key', device: 'cluster', expectation: null };
}

export function anOutcome(
  call: CallId,
  more: Partial<Extract<Entry, { kind: 'outcome' }>> = {},
): Extract<Entry, { kind: 'outcome' }> {
  return { kind: 'outcome', call, result: 'applied', settled: true, outputs: null, error: null, ...more };
}

export function anItem(
  item: number,
  state: ItemState,
  more: Partial<Extract<Entry, { kind: 'item' }>> = {},
): Extract<Entry, { kind: 'item' }> {
  return { kind: 'item', item, state, reason: null, target: null, verification: null, error: null, ...more };
}

export const aCheck = (name: string): Entry => ({ kind: 'check', name, result: 'passed', detail: null });

/** Below the system's folder for temporary files; the system clears it. */
export function aFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'keyferry-journal-'));
}

export async function aJournal(
  items = 10,
  tuning: JournalTuning = {},
): Promise<{ readonly dir: string; readonly journal: Journal }> {
  const dir = await aFolder();
  return { dir, journal: await createJournal({ dir, run: A_RUN, head: aHead(), items: planItems(items), ...tuning }) };
}

export async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}
