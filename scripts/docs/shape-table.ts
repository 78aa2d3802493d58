/** A shape as the rows of a Markdown table: one row for each field, nested ones by their dotted path. */
import { describeShape } from '../../src/schema/describe.ts';
import type { Field, ObjectShape, Shape } from '../../src/schema/shape.ts';

/** Shapes that have a section of their own: rows link to it instead of repeating it. */
export type Sections = ReadonlyMap<Shape, string>;

export function shapeTable(shape: ObjectShape, sections: Sections = new Map()): string {
  const rows = fieldRows(shape, '', sections);
  return rows.length === 0 ? 'None.' : ['| name | what it may be | |', '|---|---|---|', ...rows].join('\n');
}

function fieldRows(shape: ObjectShape, prefix: string, sections: Sections): string[] {
  return Object.entries(shape.fields).flatMap(([name, field]) => fieldRow(`${prefix}${name}`, field, sections));
}

function fieldRow(path: string, field: Field, sections: Sections): string[] {
  const { shape } = field;
  const words = [presence(field), shape.description ?? ''].filter((text) => text !== '').join('; ');
  const row = `| \`${path}\` | ${cell(nameShape(shape, sections))} | ${cell(words)} |`;
  return [row, ...nested(path, shape, sections)];
}

function presence(field: Field): string {
  if (field.required === true) return '**required**';
  return field.default === undefined ? '' : `default \`${field.default}\``;
}

function nameShape(shape: Shape, sections: Sections): string {
  const section = sections.get(shape);
  if (section !== undefined) return section;
  if (shape.kind === 'list') return `a list of: ${nameShape(shape.of, sections)}`;
  if (shape.kind === 'map') return `a map: name to ${nameShape(shape.of, sections)}`;
  if (shape.kind === 'string' && shape.pattern !== undefined)
    return `${describeShape(shape)} matching \`${shape.pattern}\``;
  return describeShape(shape);
}

function nested(path: string, shape: Shape, sections: Sections): string[] {
  if (sections.has(shape)) return [];
  if (shape.kind === 'object') return fieldRows(shape, `${path}.`, sections);
  if (shape.kind === 'list') return nested(`${path}[]`, shape.of, sections);
  return shape.kind === 'map' ? nested(`${path}.NAME`, shape.of, sections) : [];
}

/** Inside a table a bar ends the cell, and an angle bracket would begin a tag. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
