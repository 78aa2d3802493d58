/** One step of a playbook as lines of a runbook, and what later steps know of it. */
import type { Adapter } from '../adapters/adapter.ts';
import { isRunbookKey, type RunbookCall, type RunbookKey, type RunbookLine, words } from '../adapters/runbook.ts';
import { isKnown, mayRun, previewArguments, templateReferences } from '../plan/preview-arguments.ts';
import type { Playbook, Scope, Step } from '../playbook/model.ts';
import type { RunbookEntry } from './runbook.ts';

export type RunbookAdapters = Readonly<Record<string, Pick<Adapter, 'runbook'>>>;

export interface StepPlace {
  /** Unique in the runbook for this walk: `kf-1a2b3c4d-3fa9…`. */
  readonly stem: string;
  /** The item's short name; null: a step of the run as a whole. */
  readonly item: string | null;
}

/** An entry and where it is done. `role` null: at no device. */
export interface Placed {
  readonly role: string | null;
  readonly tool: string | null;
  readonly entry: RunbookEntry;
}

export interface Written {
  readonly placed: readonly Placed[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

const NO_ADAPTER = 'keyferry knows no tool for this device: do it with what its vendor gives you.';

export class StepWriter {
  readonly #playbook: Playbook;
  readonly #adapters: RunbookAdapters;

  constructor(playbook: Playbook, adapters: RunbookAdapters) {
    this.#playbook = playbook;
    this.#adapters = adapters;
  }

  /** null: the step's condition says that it is not done. */
  write(step: Step, scope: Scope, place: StepPlace): Written | null {
    if (!mayRun(step, scope)) return null;
    const args = previewArguments(step, scope);
    const title = `${step.id}: ${step.spec.summary} (${step.target}.${step.action})`;
    if (step.target === 'verify')
      return { placed: this.#comparison(args, title, `${place.stem}-${step.id}`), outputs: {} };
    const before = warnings(step, scope);
    if (this.#playbook.devices[step.target] === undefined) {
      const lines = [...before, words(`On the host where the files are: ${step.spec.summary}.`)];
      return { placed: [{ role: null, tool: null, entry: { title, lines } }], outputs: {} };
    }
    const { lines, outputs } = this.call(step, args, place) ?? { lines: [words(NO_ADAPTER)], outputs: {} };
    return { placed: placedOn(step.target, title, [...before, ...lines]), outputs };
  }

  /** A call without a step of its own: what undoes one. null: the adapter has no runbook. */
  call(step: Pick<Step, 'id' | 'target' | 'action'>, args: Readonly<Record<string, unknown>>, place: StepPlace) {
    const runbook = this.#runbookOf(step.target);
    if (runbook === undefined) return null;
    return runbook.write({
      action: step.action,
      device: step.target,
      args,
      stem: `${place.stem}-${step.id}`,
      title: place.item === null ? step.id : `${step.id}, ${place.item}`,
      readBy: this.#readers(step.id),
    });
  }

  #runbookOf(role: string) {
    const adapter = this.#playbook.devices[role];
    return adapter === undefined || !Object.hasOwn(this.#adapters, adapter)
      ? undefined
      : this.#adapters[adapter]?.runbook;
  }

  #readers(id: string): RunbookCall['readBy'] {
    const { prepare, each, afterEach, finally: last } = this.#playbook;
    return [...prepare, ...each, ...afterEach, ...last].flatMap((step) => {
      const adapter = this.#playbook.devices[step.target];
      const isReader = Object.values(step.with)
        .flatMap(templateReferences)
        .some((reference) => reference.kind === 'step' && reference.step === id);
      return isReader && adapter !== undefined ? [{ adapter, given: Object.keys(step.with) }] : [];
    });
  }

  /** Where the plan knows the check value of the source, only the target is looked at. */
  #comparison({ source, target }: Readonly<Record<string, unknown>>, title: string, stem: string): Placed[] {
    if (!isRunbookKey(source) || !isRunbookKey(target)) {
      return [{ role: null, tool: null, entry: { title, lines: [words('Compare the check values of both keys.')] } }];
    }
    const check = (key: RunbookKey, side: string, more: readonly RunbookLine[] = []): readonly Placed[] => {
      const lines = this.#runbookOf(key.device)?.check(key, `${stem}-${side}`) ?? [words(NO_ADAPTER)];
      return placedOn(key.device, title, [...lines, ...more]);
    };
    if (source.kcv !== null) return [...check({ ...target, kcv: source.kcv }, 'target')];
    const compare = words('Compare it with the check value of the source; where they differ, stop.');
    return [...check(source, 'source'), ...check({ ...target, kcv: null }, 'target', [compare])];
  }
}

interface Run {
  readonly isOnHost: boolean;
  tool: string | null;
  readonly lines: RunbookLine[];
}

/** One entry, or several in order where lines are of different tools or belong to the host. Words go with what stands before them. */
export function placedOn(role: string, title: string, lines: readonly RunbookLine[]): Placed[] {
  const runs: Run[] = [];
  for (const line of lines) {
    const tool = line.kind === 'command' ? line.tool : null;
    const isOnHost = line.kind === 'words' && line.isOnHost === true;
    const current = runs.at(-1);
    const isSame = current?.isOnHost === isOnHost && (tool === null || current.tool === null || current.tool === tool);
    if (current === undefined || !isSame) runs.push({ isOnHost, tool, lines: [line] });
    else {
      current.tool ??= tool;
      current.lines.push(line);
    }
  }
  return runs.map((run) => ({
    ...{ role: run.isOnHost ? null : role, tool: run.tool },
    entry: { title, lines: run.lines },
  }));
}

function warnings(step: Step, scope: Scope): RunbookLine[] {
  const lines: RunbookLine[] = [];
  if (step.approval !== null)
    lines.push(words(`${step.approval.quorum} people must have approved before this is done.`));
  if (step.exposesPlaintext)
    lines.push(
      words('THIS SHOWS KEY BYTES IN CLEAR to the host where it is done, and to whoever can read its memory and disk.'),
    );
  const isOpen = step.when?.references.some((reference) => !isKnown(reference, scope)) === true;
  if (isOpen) lines.push(words(`Only when ${step.when?.source}.`));
  return lines;
}
