/**
 * What the journal knows of one sequence: for each step the outputs of a call that was applied, or a call that was begun and never
 * answered. What was taken back again counts as never made.
 */
import type { BoundDevice } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { CallId, EntryScope, Journal, StoredEntry } from '../journal/journal.ts';
import type { Step } from '../playbook/model.ts';
import type { CallClock } from './call-clock.ts';
import { patiently } from './patience.ts';
import type { KnownCall } from './sequence-context.ts';

export interface HistoryQuery {
  readonly journal: Journal;
  readonly generation: number;
  readonly scopes: readonly EntryScope[];
  readonly item: number | null;
  /** Those of the scopes. */
  readonly steps: readonly Step[];
  readonly devices: ReadonlyMap<string, BoundDevice>;
  readonly salt: Uint8Array;
  readonly clock: CallClock;
}

export async function readHistory(query: HistoryQuery): Promise<Map<string, KnownCall>> {
  const known = new Map<string, KnownCall>();
  const undone = new Map<string, KnownCall>();
  for (const { entry } of entriesOf(query)) {
    if (entry.kind !== 'intent' && entry.kind !== 'outcome') continue;
    const { call } = entry;
    if (call.generation !== query.generation || call.item !== query.item) continue;
    const calls = call.scope === 'undo' ? undone : known;
    if (entry.kind === 'intent') {
      calls.set(call.step, { state: 'open', call, expectation: entry.expectation });
      // Made anew: what was taken back before was another object.
      if (call.scope !== 'undo') forgetUndo(undone, call.step);
    } else if (entry.result === 'applied') {
      const violation = entry.error === null ? null : KeyferryError.fromRecord(entry.error);
      calls.set(call.step, { state: 'applied', outputs: entry.outputs ?? {}, violation });
    } else if (entry.settled) {
      calls.delete(call.step);
    }
  }
  for (const [name, undo] of undone) {
    const [step = '', output = ''] = name.split('.');
    if (undo.state === 'applied' || (await settleUndo(query, undo.call, known.get(step), output))) known.delete(step);
  }
  return known;
}

function forgetUndo(undone: Map<string, KnownCall>, step: string): void {
  for (const name of undone.keys()) if (name.startsWith(`${step}.`)) undone.delete(name);
}

function entriesOf(query: HistoryQuery): Iterable<StoredEntry> {
  const scopes: EntryScope[] = [...query.scopes, 'undo'];
  return query.journal.entries({
    kinds: ['intent', 'outcome'],
    scopes,
    ...(query.item === null ? {} : { item: query.item }),
  });
}

/** An undo call that was never answered: the device is asked whether the object is gone. */
async function settleUndo(
  query: HistoryQuery,
  call: CallId,
  made: KnownCall | undefined,
  output: string,
): Promise<boolean> {
  const step = query.steps.find(({ id }) => call.step === `${id}.${output}`);
  const undo = step?.spec.undo?.find((each) => each.output === output);
  const value = made?.state === 'applied' ? made.outputs[output] : undefined;
  const device = step === undefined ? undefined : query.devices.get(step.target);
  if (device === undefined || undo === undefined || value === undefined) return false;
  const request = { action: undo.action, args: { [undo.argument]: value }, salt: query.salt };
  const { state } = await patiently(query.clock, () => device.device.reconcile(request, null));
  const result = state === 'done' ? 'applied' : state === 'absent' ? 'not-applied' : 'unknown';
  query.journal.note({ kind: 'outcome', call, result, settled: true, outputs: null, error: null });
  return state === 'done';
}
