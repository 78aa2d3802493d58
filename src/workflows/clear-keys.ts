/** Wipes keys in clear among the outputs of steps, as soon as no step needs them any more. */
import type { Outputs } from '../adapters/adapter.ts';
import { wipeClearKeys } from '../keys/clear-key.ts';
import { templateReferences } from '../plan/preview-arguments.ts';
import type { Playbook } from '../playbook/model.ts';

type Steps = Readonly<Record<string, Outputs>>;

/** What an item's own steps gave; what `prepare` gave serves the other items too. */
export function wipeItem(steps: Steps, prepared: Steps): void {
  for (const [step, outputs] of Object.entries(steps)) if (!Object.hasOwn(prepared, step)) wipeClearKeys(outputs);
}

/** After `prepare`: what no later block names. */
export function wipePrepared(steps: Steps, playbook: Playbook): void {
  const later = [...playbook.each, ...playbook.afterEach, ...playbook.finally];
  const named = new Set(
    later.flatMap((step) =>
      Object.values(step.with)
        .flatMap(templateReferences)
        .flatMap((reference) => (reference.kind === 'step' ? [reference.step] : [])),
    ),
  );
  for (const [step, outputs] of Object.entries(steps)) if (!named.has(step)) wipeClearKeys(outputs);
}
