/** Turns a step's arguments as written into the values a device gets. Results are never expanded again. */
import type { Json, Scope, Step, Template } from '../playbook/model.ts';
import type { SequenceContext } from './sequence-context.ts';

export function scopeOf(context: SequenceContext): Scope {
  return {
    inputs: context.inputs,
    steps: context.steps,
    ...(context.key === undefined ? {} : { key: context.key }),
    ...(context.file === undefined ? {} : { item: context.file }),
  };
}

export function resolveTemplate(template: Template, scope: Scope): unknown {
  switch (template.kind) {
    case 'literal':
      return template.value as Json;
    case 'expression':
      return template.expression.evaluate(scope);
    case 'text':
      return template.parts.map((part) => (typeof part === 'string' ? part : String(part.evaluate(scope)))).join('');
    case 'list':
      return template.items.map((item) => resolveTemplate(item, scope));
    case 'map':
      return resolveArguments(template.entries, scope);
  }
}

export function resolveArguments(templates: Readonly<Record<string, Template>>, scope: Scope): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name in templates) {
    const template = templates[name];
    if (template !== undefined) values[name] = resolveTemplate(template, scope);
  }
  return values;
}

/** The outputs that a step's arguments and condition name: the steps they come from must have run. */
export function missingSteps(step: Step, steps: Readonly<Record<string, unknown>>): string[] {
  const missing = new Set<string>();
  const look = (references: readonly { readonly kind: string; readonly step?: string }[]): void => {
    for (const reference of references) {
      if (reference.kind === 'step' && reference.step !== undefined && !(reference.step in steps))
        missing.add(reference.step);
    }
  };
  const walk = (template: Template): void => {
    if (template.kind === 'expression') look(template.expression.references);
    if (template.kind === 'text')
      for (const part of template.parts) if (typeof part !== 'string') look(part.references);
    if (template.kind === 'list') template.items.forEach(walk);
    if (template.kind === 'map') Object.values(template.entries).forEach(walk);
  };
  if (step.when !== null) look(step.when.references);
  Object.values(step.with).forEach(walk);
  return [...missing];
}
