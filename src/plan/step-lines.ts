/** A playbook's steps as a plan shows them. */
import type { BoundDevice } from '../adapters/adapter.ts';
import type { Step } from '../playbook/model.ts';
import type { PlanStepLine } from './model.ts';

export const stepLine = (step: Step, devices: ReadonlyMap<string, BoundDevice>): PlanStepLine => ({
  id: step.id,
  do: `${step.target}.${step.action}`,
  summary: step.spec.summary,
  // The built-in steps are keyferry's own doing.
  device: devices.get(step.target)?.settings.name ?? 'keyferry',
  effect: step.spec.effect,
  pointOfNoReturn: step.spec.pointOfNoReturn === true,
  ...(step.approval === null ? {} : { quorum: step.approval.quorum }),
});
