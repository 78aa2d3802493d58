/**
 * Proves the route with a throw-away key before the first real one: made on the source, moved by the same steps, compared, then deleted on
 * both sides. A module may give a mechanism number another meaning; this is what finds out.
 */
import type { Outputs } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { isKeyRef, type KeyRef } from '../keys/key-record.ts';
import { keyScope } from '../plan/key-scope.ts';
import { readHistory } from './history.ts';
import { readSource } from './item-runner.ts';
import { patiently } from './patience.ts';
import type { RunContext } from './run-environment.ts';
import type { Verdict } from './sequence.machine.ts';
import { type KnownCall, newContext, type SequenceContext } from './sequence-context.ts';
import { Sequence } from './sequence-runner.ts';
import { Suspension } from './suspension.ts';
import { UndoRunner } from './undo-runner.ts';

/** The canary's place among the items. */
export const CANARY_ITEM = -1;
const CHECK = 'canary';

export async function proveRoute(run: RunContext, prepared: Readonly<Record<string, Outputs>>): Promise<void> {
  const step = run.playbook.canary;
  if (step === null || hasPassed(run)) return;
  const known = await readHistory({
    journal: run.journal,
    generation: run.generation,
    devices: run.devices,
    salt: run.salt,
    clock: run.clock,
    item: CANARY_ITEM,
    steps: [step, ...run.playbook.each, ...run.playbook.afterEach],
    scopes: ['canary', 'each', 'after-each'],
  });
  const making = newContext({
    scope: 'canary',
    item: CANARY_ITEM,
    inputs: run.inputs,
    steps: prepared,
    source: null,
    known,
  });
  const made = await new Sequence({ id: 'canary', onFailure: 'stop', undo: true }, [step]).walk(making, run.runner);
  const key = making.steps[step.id]?.key;
  if (made !== 'done' || !isKeyRef(key)) throw await failed(run, making.failure, making.reason);

  const undo = new UndoRunner({
    journal: run.journal,
    devices: run.devices,
    generation: run.generation,
    salt: run.salt,
    clock: run.clock,
    leftover: (device, object, reason) => run.leftovers.add(device, object, reason),
  });
  const moving = await contextOf(run, key, prepared, known);
  const sequence = new Sequence(
    { id: 'canary-each', onFailure: 'stop', undo: true },
    run.playbook.each,
    run.playbook.afterEach,
  );
  let verdict: Verdict;
  try {
    verdict = await sequence.walk(moving, run.runner);
  } catch (error) {
    // A refused run ends here and is not resumed, so nothing else would remove the canary.
    if (error instanceof Suspension && error.kind === 'refused') {
      await undo.undo(moving);
      await undo.undo(making);
    }
    throw error;
  }
  await undo.undo(moving);
  await undo.undo(making);
  if (verdict !== 'done' || moving.verification?.result === 'different')
    throw await failed(run, moving.failure, moving.reason);
  await run.journal.append({
    kind: 'check',
    name: CHECK,
    result: 'passed',
    detail: { generation: run.generation, verification: moving.verification },
  });
  run.observer.notice('canary: a throw-away key went the whole way and was removed again');
}

async function contextOf(
  run: RunContext,
  key: KeyRef,
  prepared: Readonly<Record<string, Outputs>>,
  known: Map<string, KnownCall>,
): Promise<SequenceContext> {
  const device = run.devices.get(key.device);
  if (device === undefined) throw new KeyferryError('device-unknown', `no device is bound to ${key.device}`);
  const record = await patiently(run.clock, () => device.device.read(key));
  return newContext({
    scope: 'each',
    item: CANARY_ITEM,
    inputs: run.inputs,
    steps: prepared,
    source: await readSource(run, record),
    key: keyScope(record, key.device),
    known,
  });
}

export function hasPassed(run: RunContext): boolean {
  for (const { entry } of run.journal.entries({ kinds: ['check'] })) {
    if (entry.kind !== 'check' || entry.name !== CHECK || entry.result !== 'passed') continue;
    if ((entry.detail as { generation?: number } | null)?.generation === run.generation) return true;
  }
  return false;
}

async function failed(run: RunContext, failure: KeyferryError | null, reason: string | null): Promise<Suspension> {
  const why = failure?.message ?? reason ?? 'it was skipped';
  await run.journal.append({
    kind: 'check',
    name: CHECK,
    result: 'failed',
    detail: { generation: run.generation, why },
  });
  return new Suspension(
    'refused',
    new KeyferryError('canary-failed', `the throw-away key did not make it: ${why}`, {
      ...(failure === null
        ? {}
        : { cause: failure, hint: failure.hint, ...(failure.native === undefined ? {} : { native: failure.native }) }),
    }),
  );
}
