/** Shapes in words, for messages: what a value there may be, with its article. */
import type { Shape } from './shape.ts';

export function describeShape(shape: Shape): string {
  switch (shape.kind) {
    case 'string':
      return shape.format === 'path' ? 'a path' : 'text';
    case 'integer':
      return `a whole number${range(shape.minimum, shape.maximum)}`;
    case 'number':
      return 'a number';
    case 'boolean':
      return 'true or false';
    case 'duration':
      return 'a duration such as 500ms, 30s, 5m or 2h';
    case 'enum':
      return shape.values.length === 1 ? String(shape.values[0]) : `one of ${shape.values.join(', ')}`;
    case 'list':
      return 'a list';
    case 'map':
    case 'object':
      return 'a map';
    case 'opaque':
      return shape.type === 'key' ? 'a key' : shape.type === 'secret' ? 'a secret' : 'an artifact';
    case 'union':
      return shape.of.length === 0 ? 'any value' : shape.of.map(describeShape).join(' or ');
  }
}

function range(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `, at least ${minimum}`;
  return maximum === undefined ? '' : `, at most ${maximum}`;
}
