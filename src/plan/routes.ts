/**
 * The ways that keys take through a playbook, found from the roles of its actions: which step wraps, which unwraps what it made, and
 * under which mechanism. Whether both devices know that mechanism is decided here, from their capability records.
 */
import { arrivalOf, type BoundDevice, type Capabilities } from '../adapters/adapter.ts';
import { FINGERPRINT_METHODS, type FingerprintMethod } from '../keys/fingerprint.ts';
import type { Playbook, Scope, Step, Template } from '../playbook/model.ts';
import { isTemplateKnown, templateReferences, templateValue } from './preview-arguments.ts';

type Devices = ReadonlyMap<string, BoundDevice>;

/** The argument that names the mechanism, in every wrap and unwrap action (architecture §5: same name, same contract). */
const MECHANISM = 'mechanism';

export interface Route {
  readonly wrap: Step | null;
  readonly unwrap: Step | null;
  readonly mechanism: Template | null;
}

export function routesOf(playbook: Playbook): readonly Route[] {
  const steps = [...playbook.prepare, ...playbook.each];
  const routes: Route[] = [];
  const fed = new Set<Step>();
  for (const unwrap of steps) {
    const role = unwrap.spec.role;
    if (role?.kind !== 'unwrap') {
      continue;
    }
    const wrapped = unwrap.with[role.wrapped];
    const from = wrapped === undefined ? [] : templateReferences(wrapped);
    const wrap = steps.find(
      (step) => step.spec.role?.kind === 'wrap' && from.some((ref) => ref.kind === 'step' && ref.step === step.id),
    );
    if (wrap !== undefined) {
      fed.add(wrap);
    }
    const mechanism = unwrap.with[MECHANISM] ?? (wrap === undefined ? null : mechanismOf(wrap));
    routes.push({ wrap: wrap ?? null, unwrap, mechanism });
  }
  for (const wrap of steps) {
    if (wrap.spec.role?.kind === 'wrap' && !fed.has(wrap)) {
      routes.push({ wrap, unwrap: null, mechanism: mechanismOf(wrap) });
    }
  }
  return routes;
}

function mechanismOf(step: Step): Template | null {
  const fallback = step.spec.input.fields[MECHANISM]?.default;
  return step.with[MECHANISM] ?? (fallback === undefined ? null : { kind: 'literal', value: fallback });
}

/** Is the mechanism the same for every item? Then it concerns the plan, else the item. */
export const isRouteFixed = (route: Route, scope: Scope): boolean =>
  route.mechanism !== null && isTemplateKnown(route.mechanism, scope);

/** Why this route cannot be taken; empty when it can, or when the mechanism is not known yet. */
export function routeProblems(route: Route, scope: Scope, devices: Devices): string[] {
  if (route.mechanism === null || !isTemplateKnown(route.mechanism, scope)) {
    return [];
  }
  const mechanism = String(templateValue(route.mechanism, scope));
  const problem = (step: Step | null, verb: 'wrap' | 'unwrap'): string[] => {
    const bound = step === null ? undefined : devices.get(step.target);
    if (bound === undefined) {
      return [];
    }
    const able = bound.description.capabilities[verb];
    const has = able.length === 0 ? 'none' : able.join(', ');
    return able.includes(mechanism)
      ? []
      : [
          `${bound.settings.name} cannot ${verb} with ${mechanism} (it has: ${has}); choose a mechanism that both devices have`,
        ];
  };
  return [...problem(route.wrap, 'wrap'), ...problem(route.unwrap, 'unwrap')];
}

/** Where keys arrive: devices of the unwrapping and importing steps in `each`. */
export function arrivalDevices(playbook: Playbook, devices: Devices): readonly BoundDevice[] {
  const roles = new Set(playbook.each.filter((step) => arrivalOf(step.spec) !== null).map((step) => step.target));
  return [...roles].flatMap((role) => devices.get(role) ?? []);
}

/** Fingerprint methods that the source and every device where keys arrive have, best first. */
export function commonFingerprints(
  source: Capabilities,
  targets: readonly BoundDevice[],
): readonly FingerprintMethod[] {
  return FINGERPRINT_METHODS.filter(
    (method) =>
      source.fingerprints.includes(method) &&
      targets.every((target) => target.description.capabilities.fingerprints.includes(method)),
  );
}
