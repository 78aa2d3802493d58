/** What speaks against a plan as a whole, or should be read before it runs: findings about steps and devices, not about single keys. */
import { arrivalOf, type BoundDevice, type Finding } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Playbook, Scope, Step } from '../playbook/model.ts';
import { filePreview } from './file-preview.ts';
import type { PreviewContext } from './item-preview.ts';
import { mayRun, previewArguments, templateReferences } from './preview-arguments.ts';
import { arrivalDevices, routeProblems } from './routes.ts';

export interface PlanFindings {
  readonly blocks: readonly string[];
  readonly warnings: readonly string[];
}

/** Distinct approvers means distinct keys: name → SHA-256 of the public key. */
type Approvers = Readonly<Record<string, string>>;

export async function planFindings(context: PreviewContext, approvers: Approvers): Promise<PlanFindings> {
  const { playbook, devices } = context;
  const blocks: string[] = [];
  const warnings: string[] = [];
  const once = [...playbook.prepare, ...(playbook.canary === null ? [] : [playbook.canary]), ...playbook.finally];
  for (const step of once) {
    const at = `${step.block} step ${step.id} (${step.target}.${step.action})`;
    for (const finding of await previewOnce(step, context)) {
      const isDecisive = finding.level === 'block' || finding.level === 'skip';
      (isDecisive ? blocks : warnings).push(`${at}: ${finding.reason}`);
    }
  }
  for (const route of context.routes) {
    blocks.push(...routeProblems(route, context.planScope, devices));
  }
  blocks.push(...quorumProblems(playbook, approvers), ...canaryProblems(playbook));
  warnings.push(...stepWarnings(playbook, context.planScope), ...deviceWarnings(playbook, devices));
  return { blocks: [...new Set(blocks)], warnings: [...new Set(warnings)] };
}

async function previewOnce(step: Step, context: PreviewContext): Promise<readonly Finding[]> {
  try {
    if (!mayRun(step, context.planScope)) {
      return [];
    }
    const args = previewArguments(step, context.planScope);
    if (step.target === 'file') {
      return await filePreview(step, args, context.playbook);
    }
    const bound = context.devices.get(step.target);
    return (await bound?.device.preview(step.action, [args], context.salt))?.[0] ?? [];
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'argument-invalid') {
      return [{ level: 'block', reason: error.message }];
    }
    throw error;
  }
}

function quorumProblems(playbook: Playbook, approvers: Approvers): string[] {
  const available = new Set(Object.values(approvers)).size;
  const steps = [...playbook.prepare, ...playbook.each, ...playbook.afterEach, ...playbook.finally];
  return steps.flatMap((step) =>
    step.approval !== null && step.approval.quorum > available
      ? [
          `step ${step.id} waits for ${step.approval.quorum} approvals and the devices file has ${available} ` +
            `approver${available === 1 ? '' : 's'} with a key of their own; add approvers there`,
        ]
      : [],
  );
}

function canaryProblems(playbook: Playbook): string[] {
  const { canary, over } = playbook;
  if (canary === null) {
    return [];
  }
  if (over === null || over.kind !== 'keys') {
    return ['the canary is a key, and this playbook does not move keys; take the canary out'];
  }
  return canary.target === over.from
    ? []
    : [
        `the canary is made on ${canary.target} and the keys come from ${over.from}, so it proves nothing; make it on ${over.from}`,
      ];
}

function stepWarnings(playbook: Playbook, scope: Scope): string[] {
  const warnings: string[] = [];
  const all = [...playbook.prepare, ...playbook.each, ...playbook.afterEach, ...playbook.finally];
  for (const step of all.filter((each) => each.exposesPlaintext)) {
    warnings.push(`step ${step.id} (${step.target}.${step.action}) shows key bytes in clear to this computer`);
  }
  for (const step of [...playbook.each, ...playbook.afterEach]) {
    if (step.spec.pointOfNoReturn === true && mayRun(step, scope) && !isOfTheItem(step, playbook)) {
      warnings.push(`step ${step.id} (${step.target}.${step.action}) cannot be undone and runs for every key`);
    }
  }
  const unwraps = playbook.each.some((step) => step.spec.role?.kind === 'unwrap');
  const shows = [...playbook.each, ...playbook.afterEach].some(
    (step) => step.target === 'verify' || (step.spec.role?.kind === 'prove' && mayRun(step, scope)),
  );
  // What comes from files has no source that anything could ask.
  if (unwraps && !shows && playbook.over?.kind === 'keys') {
    warnings.push('no step compares the arrived keys with their source; add verify.same-key to each');
  }
  return warnings;
}

/** Takes away only what the item itself made, a wrapping key for one: nothing that anybody could miss. */
function isOfTheItem(step: Step, playbook: Playbook): boolean {
  const named = Object.values(step.with).flatMap(templateReferences);
  return (
    named.length > 0 &&
    named.every((reference) => {
      if (reference.kind !== 'step') return false;
      const maker = playbook.each.find(({ id }) => id === reference.step);
      return maker?.spec.effect === 'create' && arrivalOf(maker.spec) === null;
    })
  );
}

function deviceWarnings(playbook: Playbook, devices: ReadonlyMap<string, BoundDevice>): string[] {
  const warnings: string[] = [];
  const source = playbook.over?.kind === 'keys' ? devices.get(playbook.over.from) : undefined;
  for (const target of arrivalDevices(playbook, devices)) {
    if (source?.description.trust === 'hardware' && target.description.trust !== 'hardware') {
      warnings.push(
        `the keys leave hardware: ${source.settings.name} is hardware and ${target.settings.name} is ${target.description.trust}`,
      );
    }
  }
  const busy = new Set(playbook.each.map((step) => step.target));
  for (const [role, { settings, description }] of devices) {
    const { sessions } = description.capabilities;
    if (busy.has(role) && sessions < playbook.policy.concurrency) {
      const noun = sessions === 1 ? 'session' : 'sessions';
      warnings.push(
        `concurrency is ${playbook.policy.concurrency} and ${settings.name} has ${sessions} ${noun}: the other keys wait for one`,
      );
    }
  }
  return warnings;
}
