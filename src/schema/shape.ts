/**
 * Shapes: what a YAML value may look like, as data. One description serves three readers: the checker that reports problems with
 * line and column (src/source), the JSON Schema for editors (scripts/generate.ts), and the documentation.
 */

/** The types that expressions know. `key`, `artifact` and `secret` are opaque: passed whole, no operator on them. */
export type ValueType = 'string' | 'int' | 'double' | 'bool' | 'key' | 'artifact' | 'secret' | 'list' | 'map' | 'any';

export type Shape =
  | { readonly kind: 'string'; readonly pattern?: string; readonly format?: 'path'; readonly description?: string }
  | { readonly kind: 'integer'; readonly minimum?: number; readonly maximum?: number; readonly description?: string }
  | { readonly kind: 'number'; readonly description?: string }
  | { readonly kind: 'boolean'; readonly description?: string }
  | { readonly kind: 'duration'; readonly description?: string }
  | { readonly kind: 'enum'; readonly values: readonly (string | number)[]; readonly description?: string }
  | { readonly kind: 'list'; readonly of: Shape; readonly description?: string }
  | { readonly kind: 'map'; readonly of: Shape; readonly keyPattern?: string; readonly description?: string }
  | { readonly kind: 'opaque'; readonly type: 'key' | 'artifact' | 'secret'; readonly description?: string }
  | { readonly kind: 'union'; readonly of: readonly Shape[]; readonly description?: string }
  | ObjectShape;

export interface ObjectShape {
  readonly kind: 'object';
  readonly fields: Readonly<Record<string, Field>>;
  readonly description?: string;
}

export interface Field {
  readonly shape: Shape;
  readonly required?: boolean;
  readonly default?: string | number | boolean;
}

/** A file or folder: in a devices file relative to that file's folder, `~` being the user's home; absolute once checked. */
export const path = (description: string): Shape => ({ kind: 'string', format: 'path', description });

/** Any value at all: a union that names no member. */
export const ANYTHING: Shape = { kind: 'union', of: [] };

export const optional = (shape: Shape): Field => ({ shape });
export const required = (shape: Shape): Field => ({ shape, required: true });
export const withDefault = (shape: Shape, value: string | number | boolean): Field => ({ shape, default: value });

/** The expression type that a shape takes. */
export function valueTypeOf(shape: Shape): ValueType {
  switch (shape.kind) {
    case 'string':
    case 'duration':
      return 'string';
    case 'integer':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    case 'enum':
      return shape.values.every((value) => typeof value === 'number') ? 'int' : 'string';
    case 'list':
      return 'list';
    case 'map':
    case 'object':
      return 'map';
    case 'opaque':
      return shape.type;
    case 'union':
      return 'any';
  }
}
