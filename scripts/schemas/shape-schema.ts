/** Shapes → JSON Schema 2020-12, for editors. A shape says less than the checker does; what a schema refuses, the checker refuses too. */

import { DURATION_PATTERN } from '../../src/schema/duration.ts';
import type { Field, ObjectShape, Shape } from '../../src/schema/shape.ts';

export type JsonSchema = { readonly [key: string]: unknown };

export interface SchemaOptions {
  /** Any value may also be text with `${{ }}` in it. */
  readonly expressions?: boolean;
  /** What stands for an opaque value; text with an expression when absent. */
  readonly opaque?: JsonSchema;
  /** Shapes described elsewhere. */
  readonly elsewhere?: ReadonlyMap<Shape, JsonSchema>;
}

const EXPRESSION: JsonSchema = { type: 'string', pattern: '\\$\\{\\{', description: 'an expression: ${{ … }}' };

export function shapeSchema(shape: Shape, options: SchemaOptions = {}): JsonSchema {
  const known = options.elsewhere?.get(shape);
  if (known !== undefined) return known;
  const described = shape.description === undefined ? {} : { description: shape.description };
  if (shape.kind === 'opaque') return { ...(options.opaque ?? EXPRESSION), ...described };
  const literal = literalSchema(shape, options);
  const takesExpression = options.expressions === true && shape.kind !== 'string' && Object.keys(literal).length > 0;
  return takesExpression ? { ...described, anyOf: [literal, EXPRESSION] } : { ...described, ...literal };
}

function literalSchema(shape: Exclude<Shape, { kind: 'opaque' }>, options: SchemaOptions): JsonSchema {
  switch (shape.kind) {
    case 'string': {
      if (shape.pattern === undefined) return { type: 'string' };
      const pattern = options.expressions === true ? `(${shape.pattern})|\\$\\{\\{` : shape.pattern;
      return { type: 'string', pattern };
    }
    case 'integer':
      return {
        type: 'integer',
        ...(shape.minimum === undefined ? {} : { minimum: shape.minimum }),
        ...(shape.maximum === undefined ? {} : { maximum: shape.maximum }),
      };
    case 'number':
    case 'boolean':
      return { type: shape.kind };
    case 'duration':
      return { type: 'string', pattern: DURATION_PATTERN };
    case 'enum':
      return { enum: shape.values };
    case 'list':
      return { type: 'array', items: shapeSchema(shape.of, options) };
    case 'map':
      return {
        type: 'object',
        additionalProperties: shapeSchema(shape.of, options),
        ...(shape.keyPattern === undefined ? {} : { propertyNames: { pattern: shape.keyPattern } }),
      };
    case 'object':
      return objectSchema(shape, options);
    case 'union':
      return shape.of.length === 0 ? {} : { anyOf: shape.of.map((member) => shapeSchema(member, options)) };
  }
}

export function objectSchema(shape: ObjectShape, options: SchemaOptions = {}): JsonSchema {
  const required = Object.entries(shape.fields).filter(([, field]) => field.required === true);
  return {
    type: 'object',
    additionalProperties: false,
    properties: propertySchemas(shape.fields, options),
    ...(required.length === 0 ? {} : { required: required.map(([name]) => name) }),
  };
}

export function propertySchemas(fields: Readonly<Record<string, Field>>, options: SchemaOptions): JsonSchema {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const schema = shapeSchema(field.shape, options);
      return [name, field.default === undefined ? schema : { ...schema, default: field.default }];
    }),
  );
}
