/** A playbook's steps as a plan shows them. */
import type { BoundDevice } from '../adapters/adapter.ts';
import type { Step, Template } from '../playbook/model.ts';
import type { PlanStepLine } from './model.ts';
import { templateReferences } from './preview-arguments.ts';

export function stepLine(step: Step, devices: ReadonlyMap<string, BoundDevice>): PlanStepLine {
  const object = destroyed(step);
  return {
    id: step.id,
    do: `${step.target}.${step.action}`,
    summary: step.spec.summary,
    // The built-in steps are keyferry's own doing.
    device: devices.get(step.target)?.settings.name ?? 'keyferry',
    effect: step.spec.effect,
    pointOfNoReturn: step.spec.pointOfNoReturn === true,
    ...(object === null ? {} : { object }),
    ...(step.approval === null ? {} : { quorum: step.approval.quorum }),
  };
}

/** What a destroying step takes: a source key is another thing than a wrapping key of the run's own. null: nothing that has a name. */
function destroyed(step: Step): string | null {
  if (step.spec.effect !== 'destroy') return null;
  const named = Object.values(step.with).flatMap((template) => nameOf(template));
  return named.length === 0 ? null : [...new Set(named)].join(', ');
}

const nameOf = (template: Template): string[] =>
  templateReferences(template).flatMap((reference) => {
    if (reference.kind === 'step') return [`${reference.output.replaceAll('_', ' ')} of step ${reference.step}`];
    if (reference.kind === 'key') return ['the source key itself'];
    return reference.kind === 'item' ? ['the file itself'] : [];
  });
