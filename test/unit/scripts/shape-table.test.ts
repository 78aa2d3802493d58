import { describe, expect, test } from 'vitest';
import { cell, shapeTable } from '../../../scripts/docs/shape-table.ts';
import { type ObjectShape, optional, required, type Shape, withDefault } from '../../../src/schema/shape.ts';

const object = (fields: ObjectShape['fields']): ObjectShape => ({ kind: 'object', fields });
const rowsOf = (table: string): string[] => table.split('\n').slice(2);

describe('rows', () => {
  test('presence and description', () => {
    const shape = object({
      module: required({ kind: 'string', format: 'path', description: 'the module' }),
      bits: withDefault({ kind: 'integer', minimum: 1, maximum: 8 }, 4),
      quiet: optional({ kind: 'boolean' }),
    });
    expect(rowsOf(shapeTable(shape))).toEqual([
      '| `module` | a path | **required**; the module |',
      '| `bits` | a whole number from 1 to 8 | default `4` |',
      '| `quiet` | true or false |  |',
    ]);
  });

  test('nested objects, lists and maps by their path', () => {
    const inner = object({ name: optional({ kind: 'string' }) });
    const shape = object({
      one: optional(inner),
      many: optional({ kind: 'list', of: inner }),
      named: optional({ kind: 'map', of: inner }),
    });
    const paths = rowsOf(shapeTable(shape)).map((row) => row.split('`')[1]);
    expect(paths).toEqual(['one', 'one.name', 'many', 'many[].name', 'named', 'named.NAME.name']);
  });

  test('a shape with its own section is linked, not repeated', () => {
    const step: Shape = object({ id: optional({ kind: 'string' }) });
    const shape = object({ steps: optional({ kind: 'list', of: step }) });
    expect(rowsOf(shapeTable(shape, new Map([[step, '[step](#steps)']])))).toEqual([
      '| `steps` | a list of: [step](#steps) |  |',
    ]);
  });

  test('no fields at all', () => {
    expect(shapeTable(object({}))).toBe('None.');
  });
});

test('a cell holds no bar and no tag', () => {
  expect(cell('a | <b>')).toBe('a \\| &lt;b>');
});
