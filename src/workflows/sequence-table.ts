/**
 * A sequence machine compiled into a table: one look-up per event instead of one actor per key. XState stays the definition: each row is
 * what the machine itself answers, and a test walks both side by side.
 */
import { getInitialSnapshot, transition } from 'xstate';
import {
  type Effect,
  SEQUENCE_EVENTS,
  type SequenceEvent,
  type SequenceSpec,
  sequenceMachine,
  sequenceStates,
} from './sequence.machine.ts';

interface Row {
  readonly effect: Effect;
  readonly on: ReadonlyMap<SequenceEvent, string>;
}

export interface SequenceTable {
  readonly initial: string;
  readonly rows: ReadonlyMap<string, Row>;
}

export function compileSequence(spec: SequenceSpec): SequenceTable {
  const machine = sequenceMachine(spec);
  const { states } = sequenceStates(spec);
  const rows = new Map<string, Row>();
  for (const [name, state] of Object.entries(states)) {
    const at = machine.resolveState({ value: name });
    const on = new Map<SequenceEvent, string>();
    for (const type of SEQUENCE_EVENTS) {
      if (state.type === 'final') break;
      const [next, actions] = transition(machine, at, { type });
      // Every change of state runs an entry effect; no effect means that the machine does not take this event here.
      if (actions.length > 0) on.set(type, String(next.value));
    }
    rows.set(name, { effect: state.entry.params, on });
  }
  return { initial: String(getInitialSnapshot(machine).value), rows };
}

export function effectOf(table: SequenceTable, state: string): Effect {
  const row = table.rows.get(state);
  if (row === undefined) throw new Error(`no state ${state} in the table`);
  return row.effect;
}

export function nextState(table: SequenceTable, state: string, event: SequenceEvent): string {
  const next = table.rows.get(state)?.on.get(event);
  if (next === undefined) throw new Error(`state ${state} does not take ${event}`);
  return next;
}
