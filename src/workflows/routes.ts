/** The transfer routes of a playbook, found from the roles of its actions: which wrap step feeds which unwrap step. */
import type { Playbook, Step, Template } from '../playbook/model.ts';

export interface Route {
  readonly wrap: Step;
  readonly unwrap: Step;
  readonly wrappingKey: Template;
  readonly unwrappingKey: Template;
}

export function routesOf(playbook: Playbook): Route[] {
  const routes: Route[] = [];
  for (const unwrap of playbook.each) {
    const role = unwrap.spec.role;
    if (role?.kind !== 'unwrap') continue;
    const wrapped = unwrap.with[role.wrapped];
    const unwrappingKey = unwrap.with[role.unwrappingKey];
    if (wrapped?.kind !== 'expression' || unwrappingKey === undefined) continue;
    for (const reference of wrapped.expression.references) {
      const wrap = reference.kind === 'step' ? playbook.each.find((step) => step.id === reference.step) : undefined;
      if (wrap?.spec.role?.kind !== 'wrap') continue;
      const wrappingKey = wrap.with[wrap.spec.role.wrappingKey];
      if (wrappingKey !== undefined) routes.push({ wrap, unwrap, wrappingKey, unwrappingKey });
    }
  }
  return routes;
}
