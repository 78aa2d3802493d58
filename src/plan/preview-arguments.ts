/**
 * A step's arguments as far as they are known before the run: inputs and the item's key are, outputs of other steps and secrets are not.
 * An argument with anything unknown in it becomes NotYet as a whole, so that a device need not look for gaps inside maps and lists.
 */
import { notYet } from '../adapters/adapter.ts';
import type { Expression, Reference, Scope, Step, Template } from '../playbook/model.ts';
import type { ValueType } from '../schema/shape.ts';

export function isKnown(reference: Reference, scope: Scope): boolean {
  switch (reference.kind) {
    case 'input':
      return Object.hasOwn(scope.inputs, reference.name);
    case 'step':
      return scope.steps[reference.step]?.[reference.output] !== undefined;
    case 'key':
      return scope.key !== undefined;
    case 'item':
      return scope.item !== undefined;
    case 'count':
      return scope.counts !== undefined;
  }
}

const isExpressionKnown = (expression: Expression, scope: Scope): boolean =>
  expression.references.every((reference) => isKnown(reference, scope));

/** Everything that a template names. */
export function templateReferences(template: Template): readonly Reference[] {
  switch (template.kind) {
    case 'literal':
      return [];
    case 'expression':
      return template.expression.references;
    case 'text':
      return template.parts.flatMap((part) => (typeof part === 'string' ? [] : part.references));
    case 'map':
      return Object.values(template.entries).flatMap(templateReferences);
    case 'list':
      return template.items.flatMap(templateReferences);
  }
}

export const isTemplateKnown = (template: Template, scope: Scope): boolean =>
  templateReferences(template).every((reference) => isKnown(reference, scope));

/** A known template's value. Throws what the expressions throw: KeyferryError `argument-invalid`. */
export function templateValue(template: Template, scope: Scope): unknown {
  switch (template.kind) {
    case 'literal':
      return template.value;
    case 'expression':
      return template.expression.evaluate(scope);
    case 'text':
      return template.parts.map((part) => (typeof part === 'string' ? part : String(part.evaluate(scope)))).join('');
    case 'map':
      return Object.fromEntries(
        Object.entries(template.entries).map(([name, entry]) => [name, templateValue(entry, scope)]),
      );
    case 'list':
      return template.items.map((item) => templateValue(item, scope));
  }
}

function templateType(template: Template): ValueType {
  switch (template.kind) {
    case 'literal':
      return 'any';
    case 'expression':
      return template.expression.type;
    case 'text':
      return 'string';
    case 'map':
    case 'list':
      return template.kind;
  }
}

/** With the defaults that the action declares. */
export function previewArguments(step: Pick<Step, 'with' | 'spec'>, scope: Scope): Record<string, unknown> {
  const args: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(step.spec.input.fields)) {
    if (field.default !== undefined) {
      args[name] = field.default;
    }
  }
  for (const [name, template] of Object.entries(step.with)) {
    args[name] = isTemplateKnown(template, scope) ? templateValue(template, scope) : notYet(templateType(template));
  }
  return args;
}

/** Will the step run? A condition that only the run can know is taken to hold. */
export function mayRun(step: Pick<Step, 'when'>, scope: Scope): boolean {
  return step.when === null || !isExpressionKnown(step.when, scope) || step.when.evaluate(scope) === true;
}
