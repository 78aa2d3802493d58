/**
 * Plan → runbook. Walks the pinned playbook as a run would: prepare, the canary all the way and away again, the keys, the end. Nothing is
 * read from a device: what only the ceremony shows is a blank. Pacing, retries and stop-when are left out: people do that.
 */
import { isRunbookKey, type RunbookKey } from '../adapters/runbook.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import { labelText } from '../keys/locator.ts';
import type { PlanItem, PlanSource } from '../plan/model.ts';
import { keyScope } from '../playbook/key-fields.ts';
import type { Playbook, Scope, Step } from '../playbook/model.ts';
import { type Headed, partsOf, stepByStep } from './parts.ts';
import type { Runbook } from './runbook.ts';
import { placedOn, type RunbookAdapters, type StepPlace, StepWriter } from './write-step.ts';

/** Nobody types more, and all of them are in memory. */
const MOST_KEYS = 10_000;

interface Walk {
  /** By step, in order. */
  readonly entries: (readonly Headed[])[];
  readonly scope: Scope;
  readonly done: { readonly step: Step; readonly outputs: Readonly<Record<string, unknown>> }[];
}

class RunbookMaker {
  readonly #writer: StepWriter;
  readonly #stem: string;

  constructor(writer: StepWriter, digest: string) {
    this.#writer = writer;
    this.#stem = `kf-${digest.slice(0, 8)}`;
  }

  walk(steps: readonly Step[], scope: Scope, heading: string, item: string | null): Walk {
    const place: StepPlace = { stem: item === null ? this.#stem : `${this.#stem}-${item}`, item };
    const known = { ...scope.steps };
    const walked: Walk = { entries: [], scope: { ...scope, steps: known }, done: [] };
    for (const step of steps) {
      const written = this.#writer.write(step, walked.scope, place);
      walked.entries.push((written?.placed ?? []).map((placed) => ({ heading, placed })));
      if (written === null) continue;
      known[step.id] = written.outputs;
      walked.done.push({ step, outputs: written.outputs });
    }
    return walked;
  }

  /** What was made is removed again, the last first. */
  undo({ done }: Walk, heading: string, item: string): Headed[] {
    return done.toReversed().flatMap(({ step, outputs }) =>
      (step.spec.undo ?? []).flatMap(({ action, argument, output }) => {
        const call = { id: `${step.id}-undo-${output}`, target: step.target, action };
        const args = { [argument]: outputs[output] };
        const written = this.#writer.call(call, args, { stem: `${this.#stem}-${item}`, item });
        if (written === null) return [];
        const title = `Remove what ${step.id} made (${step.target}.${action})`;
        return placedOn(step.target, title, written.lines).map((placed) => ({ heading, placed }));
      }),
    );
  }
}

export function runbookKey(record: KeyRecord, role: string, key: string): RunbookKey {
  const label = labelText(record.locator.label) ?? null;
  return {
    kind: 'runbook-key',
    name: `${label === null ? 'the' : JSON.stringify(label)} ${record.class} key (${key})`,
    device: role,
    ...{ class: record.class, type: record.type, bits: record.bits, label, id: record.id, kcv: record.kcv },
    attributes: record.attributes,
  };
}

/** What expressions see of the canary, which is on no device yet. */
function recordOf(key: RunbookKey): KeyRecord {
  const { class: keyClass, type, bits, id, kcv, attributes } = key;
  const label = key.label ?? '';
  const locator = {
    serial: '',
    class: keyClass,
    type,
    id,
    label: Buffer.from(label).toString('hex'),
    fingerprint: null,
  };
  const exportable = attributes?.extractable === true;
  const known = { label, labelIsHex: false, id, class: keyClass, type, bits, kcv, attributes: attributes ?? {} };
  return { locator, handle: '', ...known, exportable, reason: null };
}

function headingOf({ key, label, source }: PlanItem): string {
  if (source.kind === 'file') return `File ${JSON.stringify(source.path)}`;
  const { type, bits, id, kcv } = source.record;
  const facts = [
    `${type}${bits === 0 ? '' : `-${bits}`}`,
    id === '' ? 'no id' : `id ${id}`,
    kcv === null ? 'no KCV' : `KCV ${kcv}`,
  ];
  return `Key ${JSON.stringify(label)} (${key}; ${facts.join(', ')})`;
}

function itemScope(item: PlanItem, scope: Scope, role: string): Scope {
  const { source } = item;
  if (source.kind === 'file')
    return { ...scope, item: { ...source, name: source.path.split('/').at(-1) ?? source.path } };
  return { ...scope, key: keyScope(source.record, runbookKey(source.record, role, item.key)) };
}

/** Rejects with `usage` for a plan that nobody could do by hand. */
export async function writeRunbook(plan: PlanSource, playbook: Playbook, adapters: RunbookAdapters): Promise<Runbook> {
  const { head } = plan;
  if (head.summary.move > MOST_KEYS) {
    throw new KeyferryError('usage', `The plan moves ${head.summary.move} keys; a runbook has up to ${MOST_KEYS}.`, {
      hint: 'Nobody types that many: run the plan, or plan fewer keys at a time.',
    });
  }
  const maker = new RunbookMaker(new StepWriter(playbook, adapters), head.digest);
  const inputs: Scope = { inputs: head.inputs, steps: {} };
  const perKey = [...playbook.each, ...playbook.afterEach];
  const prepared = maker.walk(playbook.prepare, inputs, 'Before the keys', null);

  const canary = canaryEntries(maker, playbook, prepared.scope);

  const role = playbook.over?.kind === 'keys' ? playbook.over.from : '';
  const left: PlanItem[] = [];
  const moved: (readonly (readonly Headed[])[])[] = [];
  for await (const item of plan.items()) {
    if (item.action !== 'move') left.push(item);
    else moved.push(maker.walk(perKey, itemScope(item, prepared.scope, role), headingOf(item), item.key).entries);
  }
  const last = maker.walk(playbook.finally, prepared.scope, 'At the end, also where a step failed', null);
  const entries = [...prepared.entries.flat(), ...canary, ...stepByStep(moved), ...last.entries.flat()];
  return { head, parts: partsOf(entries, head.devices, adapters), left };
}

function canaryEntries(maker: RunbookMaker, playbook: Playbook, prepared: Scope): Headed[] {
  if (playbook.canary === null) return [];
  const heading = 'A throw-away key goes the whole way first';
  const made = maker.walk([playbook.canary], prepared, heading, 'canary');
  const key = made.done[0]?.outputs.key;
  if (!isRunbookKey(key)) return made.entries.flat();
  const scope: Scope = { ...prepared, key: keyScope(recordOf(key), key) };
  const walked = maker.walk([...playbook.each, ...playbook.afterEach], scope, heading, 'canary');
  const undone = [...maker.undo(walked, heading, 'canary'), ...maker.undo(made, heading, 'canary')];
  return [...made.entries.flat(), ...walked.entries.flat(), ...undone];
}
