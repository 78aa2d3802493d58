/** Turns a step's arguments as written into the values a device gets. Results are never expanded again. */

import { KeyferryError } from '../errors/keyferry-error.ts';
import { templateReferences } from '../plan/preview-arguments.ts';
import type { Json, Reference, Scope, Step, Template } from '../playbook/model.ts';
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

/** Steps that have not run and that this step names: in its condition and arguments, or in one argument alone. */
export function missingSteps(step: Step, steps: Readonly<Record<string, unknown>>, argument?: string): string[] {
  const template = argument === undefined ? undefined : step.with[argument];
  const named =
    argument === undefined ? namedSteps(step) : stepsIn(template === undefined ? [] : templateReferences(template));
  return named.filter((name) => !(name in steps));
}

/** A secret is kept nowhere, so a run that goes on has it only when it is given again. Throws `input-invalid`, which concerns the run. */
export function requireInputs(step: Step, inputs: Readonly<Record<string, unknown>>): void {
  const missing = namedInputs(step).filter((name) => !Object.hasOwn(inputs, name));
  if (missing.length === 0) return;
  const given = missing.map((name) => `-i ${name}=prompt`).join(' ');
  throw new KeyferryError(
    'input-invalid',
    `step ${step.id} (${step.target}.${step.action}) needs ${missing.join(' and ')}, which is kept nowhere and was not given again; nothing was done with it`,
    { hint: `Add ${given} (or env:VAR, file:PATH) to the command.` },
  );
}

/** Asked for every step of every item, so the answers are kept. */
const INPUTS = new WeakMap<Step, readonly string[]>();

function namedInputs(step: Step): readonly string[] {
  const kept = INPUTS.get(step);
  if (kept !== undefined) return kept;
  const references = Object.values(step.with).flatMap(templateReferences);
  const named = [...new Set(references.flatMap((reference) => (reference.kind === 'input' ? [reference.name] : [])))];
  INPUTS.set(step, named);
  return named;
}

const NAMED = new WeakMap<Step, readonly string[]>();

function namedSteps(step: Step): readonly string[] {
  const kept = NAMED.get(step);
  if (kept !== undefined) return kept;
  const named = stepsIn([...Object.values(step.with).flatMap(templateReferences), ...(step.when?.references ?? [])]);
  NAMED.set(step, named);
  return named;
}

function stepsIn(references: readonly Reference[]): string[] {
  return [...new Set(references.flatMap((reference) => (reference.kind === 'step' ? [reference.step] : [])))];
}
