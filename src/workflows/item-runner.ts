/** One item from start to its journalled end. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { ItemState } from '../journal/journal.ts';
import { FINGERPRINT_METHODS, sameFingerprint } from '../keys/fingerprint.ts';
import type { KeyRecord } from '../keys/key-record.ts';
import { keyRefOf, keyScope } from '../plan/key-scope.ts';
import type { PlanItem } from '../plan/model.ts';
import type { Step } from '../playbook/model.ts';
import { wipeItem } from './clear-keys.ts';
import { readHistory } from './history.ts';
import { patiently } from './patience.ts';
import type { RunContext } from './run-environment.ts';
import type { Verdict } from './sequence.machine.ts';
import { type KnownCall, newContext, type SequenceContext, type SourceKey } from './sequence-context.ts';
import type { Sequence } from './sequence-runner.ts';
import { suspensionOf } from './suspension.ts';

const STATES: Readonly<Record<Verdict, ItemState>> = {
  done: 'migrated',
  skipped: 'skipped',
  failed: 'failed',
  attention: 'needs-attention',
};

export interface ItemEnd {
  readonly state: ItemState;
  readonly error: KeyferryError | null;
}

export class ItemRunner {
  readonly #run: RunContext;
  readonly #sequence: Sequence;
  readonly #prepared: Readonly<Record<string, Readonly<Record<string, unknown>>>>;

  constructor(
    run: RunContext,
    sequence: Sequence,
    prepared: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) {
    this.#run = run;
    this.#sequence = sequence;
    this.#prepared = prepared;
  }

  /**
   * Resolves when the item's end is journalled; `onAnswered` is called before that, when it calls no device any more. Rejects with
   * Suspension when the item has to wait for a resume.
   */
  async run(item: PlanItem, onAnswered: () => void): Promise<ItemEnd> {
    const known = this.#run.isResumed ? await this.#history(item.index) : new Map<string, KnownCall>();
    let context: SequenceContext;
    try {
      const source = item.source.kind === 'key' ? await readSource(this.#run, item.source.record) : null;
      context = newContext({
        scope: 'each',
        item: item.index,
        inputs: this.#run.inputs,
        steps: this.#prepared,
        source,
        ...(item.source.kind === 'key'
          ? { key: keyScope(item.source.record, roleOf(this.#run)) }
          : { file: fileOf(item.source) }),
        known,
        chain: this.#sequence.chain,
      });
    } catch (error) {
      if (!(error instanceof KeyferryError)) throw error;
      if (error.scope === 'run') throw suspensionOf(error);
      return this.#end(item, null, 'failed', error, this.#leftOf(known));
    }
    const verdict = await this.#sequence
      .walk(context, this.#run.runner)
      .finally(() => wipeItem(context.steps, this.#prepared));
    onAnswered();
    return this.#end(item, context, verdict, context.failure, this.#leftOf(known));
  }

  #history(item: number) {
    const { journal, generation, devices, salt, clock, playbook } = this.#run;
    const steps = [...playbook.each, ...playbook.afterEach];
    return readHistory({ journal, generation, devices, salt, clock, item, steps, scopes: ['each', 'after-each'] });
  }

  /** A step that an earlier process began or did, and that this one did not come to. */
  #leftOf(known: ReadonlyMap<string, KnownCall>): Step | null {
    return this.#run.playbook.each.find((step) => known.has(step.id)) ?? null;
  }

  async #end(
    item: PlanItem,
    context: SequenceContext | null,
    ending: Verdict,
    failure: KeyferryError | null,
    left: Step | null = null,
  ): Promise<ItemEnd> {
    // Whatever else became of the key: what that step made may be on the device, and nobody has looked.
    const verdict = left === null ? ending : 'attention';
    const error = verdict === 'failed' || verdict === 'attention' ? failure : null;
    const why = context?.reason ?? error?.message ?? null;
    const reason =
      left === null
        ? why
        : `${why ?? ending}; an earlier process began ${left.target} ${left.action}, and what it made was not settled`;
    const target = context?.target ?? null;
    const verification = context?.verification ?? null;
    const kcv = item.source.kind === 'key' && verification?.result === 'same' ? item.source.record.kcv : null;
    await this.#run.journal.append({
      kind: 'item',
      item: item.index,
      state: STATES[verdict],
      reason: verdict === 'done' ? null : reason,
      target: target === null ? null : { device: target.device, locator: target.locator, kcv },
      verification,
      error: error?.toRecord() ?? null,
    });
    return { state: STATES[verdict], error };
  }
}

/** Role of the device that items come from. */
export function roleOf(run: Pick<RunContext, 'playbook'>): string {
  return run.playbook.over?.kind === 'keys' ? run.playbook.over.from : '';
}

/** Reads the source key's fingerprint now; a key that is not what the plan saw is refused before anything is done with it. */
export async function readSource(run: RunContext, record: KeyRecord): Promise<SourceKey> {
  const role = roleOf(run);
  const device = run.devices.get(role);
  if (device === undefined) throw new KeyferryError('device-unknown', `no device is bound to ${role}`);
  const ref = keyRefOf(record, role);
  const planned = record.locator.fingerprint;
  const methods = planned === null ? FINGERPRINT_METHODS : [planned.method];
  const request = { key: ref, salt: run.salt, methods };
  const fingerprint = await patiently(run.clock, () => device.device.fingerprint(request));
  if (planned !== null && !sameFingerprint(planned, fingerprint)) {
    throw new KeyferryError(
      'key-stale',
      `the key "${record.label}" on ${device.settings.name} has other material than when the plan was made`,
      {
        device: device.settings.name,
      },
    );
  }
  return { ref, fingerprint };
}

function fileOf(source: { readonly path: string; readonly size: number }): {
  path: string;
  name: string;
  size: number;
} {
  return { path: source.path, name: source.path.slice(source.path.lastIndexOf('/') + 1), size: source.size };
}
