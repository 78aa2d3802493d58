/** Does a value that exists at run time (an evaluated expression, an input) fit a shape? No places here: the caller knows them. */
import { describeShape } from './describe.ts';
import { parseDuration } from './duration.ts';
import type { ObjectShape, Shape } from './shape.ts';

/** undefined when it fits, else what is wrong, without the value itself: it may be long, or nobody's business. */
export function misfit(value: unknown, shape: Shape): string | undefined {
  const wanted = `must be ${describeShape(shape)}`;
  switch (shape.kind) {
    case 'string':
      if (typeof value !== 'string') return wanted;
      return shape.pattern !== undefined && !new RegExp(shape.pattern).test(value) ? patternMessage(shape) : undefined;
    case 'integer':
      return isIntegerWithin(value, shape.minimum, shape.maximum) ? undefined : wanted;
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? undefined : wanted;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : wanted;
    case 'duration':
      return typeof value === 'string' && parseDuration(value) !== undefined ? undefined : wanted;
    case 'enum':
      return shape.values.some((known) => known === value) ? undefined : wanted;
    case 'list':
      return Array.isArray(value) ? firstMisfit(value.entries(), shape.of) : wanted;
    case 'map':
      if (!isPlainObject(value)) return wanted;
      return misnamedKey(value, shape.keyPattern) ?? firstMisfit(Object.entries(value), shape.of);
    case 'object':
      return isPlainObject(value) ? objectMisfit(value, shape) : wanted;
    case 'opaque':
      // Opaque values are made by devices and files; what they are is between those who make and take them.
      return typeof value === 'object' && value !== null ? undefined : wanted;
    case 'union':
      return shape.of.length === 0 || shape.of.some((member) => misfit(value, member) === undefined)
        ? undefined
        : wanted;
  }
}

export function patternMessage(shape: { readonly pattern?: string; readonly description?: string }): string {
  return `must match ${shape.pattern ?? 'its pattern'}${shape.description === undefined ? '' : ` (${shape.description})`}`;
}

export function isIntegerWithin(value: unknown, minimum?: number, maximum?: number): value is number {
  return (
    typeof value === 'number' &&
    Number.isSafeInteger(value) &&
    value >= (minimum ?? -Infinity) &&
    value <= (maximum ?? Infinity)
  );
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function firstMisfit(entries: Iterable<[string | number, unknown]>, shape: Shape): string | undefined {
  for (const [key, value] of entries) {
    const problem = misfit(value, shape);
    if (problem !== undefined) return `${key} ${problem}`;
  }
  return undefined;
}

function misnamedKey(value: Readonly<Record<string, unknown>>, keyPattern: string | undefined): string | undefined {
  if (keyPattern === undefined) return undefined;
  const wrong = Object.keys(value).find((key) => !new RegExp(keyPattern).test(key));
  return wrong === undefined ? undefined : `${wrong} must match ${keyPattern}`;
}

function objectMisfit(value: Readonly<Record<string, unknown>>, shape: ObjectShape): string | undefined {
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(shape.fields, key));
  if (unknown !== undefined) return `has no field ${unknown}`;
  for (const [name, field] of Object.entries(shape.fields)) {
    const given = value[name];
    if (given === undefined) {
      if (field.required === true) return `lacks ${name}`;
      continue;
    }
    const problem = misfit(given, field.shape);
    if (problem !== undefined) return `${name} ${problem}`;
  }
  return undefined;
}
