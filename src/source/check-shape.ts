/**
 * Walks a shape over a source tree and reports every problem with its place: unknown fields with the nearest known name, missing
 * ones, values of the wrong kind. Gives the plain value back, absent fields filled with their declared defaults.
 */

import { misfit, patternMessage } from '../schema/check-value.ts';
import { describeShape } from '../schema/describe.ts';
import type { ObjectShape, Shape } from '../schema/shape.ts';
import { nearest, suggestion } from './nearest.ts';
import { type MapNode, type ScalarNode, type SourceNode, toJson } from './node.ts';
import { Problems } from './problems.ts';

export interface ShapeCheck {
  readonly problems: Problems;
  /** Shapes whose values somebody else checks: passed over. */
  readonly elsewhere?: ReadonlySet<Shape>;
  /** Reads a value that stands for an opaque one (a secret's reference). Without it opaque values cannot be written out. */
  readonly opaque?: (node: SourceNode, type: 'key' | 'artifact' | 'secret') => unknown;
  readonly path?: (text: string) => string;
}

/** The value as the shape reads it; meaningless where a problem was reported. */
export function checkShape(node: SourceNode, shape: Shape, check: ShapeCheck): unknown {
  if (node.kind === 'broken' || check.elsewhere?.has(shape) === true) return undefined;
  switch (shape.kind) {
    case 'object':
      return node.kind === 'map' ? checkObject(node, shape, check) : wrongKind(node, shape, check);
    case 'map':
      return node.kind === 'map' ? checkMap(node, shape, check) : wrongKind(node, shape, check);
    case 'list':
      return node.kind === 'list'
        ? node.items.map((item) => checkShape(item, shape.of, check))
        : wrongKind(node, shape, check);
    case 'opaque':
      if (check.opaque !== undefined) return check.opaque(node, shape.type);
      check.problems.add(
        node.place,
        `${describeShape(shape)} cannot be written out`,
        'name a step\'s output: "${{ steps.… }}"',
      );
      return undefined;
    case 'union':
      return checkUnion(node, shape.of, shape, check);
    default:
      return node.kind === 'scalar' ? checkScalar(node, shape, check) : wrongKind(node, shape, check);
  }
}

function checkScalar(node: ScalarNode, shape: Shape, check: ShapeCheck): unknown {
  const value = node.value;
  if (value === null) {
    check.problems.add(node.place, `a value is missing: ${describeShape(shape)}`);
    return undefined;
  }
  const problem = misfit(value, shape);
  if (problem === undefined) {
    const isPath = shape.kind === 'string' && shape.format === 'path' && typeof value === 'string';
    return isPath && check.path !== undefined ? check.path(value) : value;
  }
  if (shape.kind === 'string' && typeof value !== 'string') {
    check.problems.add(node.place, `must be text, and YAML reads this as ${kindOf(value)}`, 'put it in quotes');
  } else if (shape.kind === 'string') {
    check.problems.add(node.place, patternMessage(shape));
  } else if (shape.kind === 'enum') {
    check.problems.add(
      node.place,
      `${JSON.stringify(value)} is not ${describeShape(shape)}`,
      didYouMean(String(value), shape.values),
    );
  } else if (
    typeof value === 'string' &&
    (shape.kind === 'integer' || shape.kind === 'number' || shape.kind === 'boolean')
  ) {
    check.problems.add(node.place, problem, node.isPlain ? undefined : 'take the quotes away');
  } else {
    check.problems.add(node.place, problem);
  }
  return undefined;
}

function checkObject(node: MapNode, shape: ObjectShape, check: ShapeCheck): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { key, keyPlace, value } of node.entries) {
    const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
    if (field === undefined) {
      check.problems.add(keyPlace, `${key} is not known here`, suggestion(key, Object.keys(shape.fields)));
      continue;
    }
    values[key] = checkShape(value, field.shape, check);
  }
  for (const [name, field] of Object.entries(shape.fields)) {
    if (node.entries.some((entry) => entry.key === name)) continue;
    if (field.required === true) check.problems.add(node.place, `${name} is missing`);
    if (field.default !== undefined) values[name] = field.default;
  }
  return values;
}

function checkMap(node: MapNode, shape: Extract<Shape, { kind: 'map' }>, check: ShapeCheck): Record<string, unknown> {
  const pattern = shape.keyPattern === undefined ? undefined : new RegExp(shape.keyPattern);
  const values: Record<string, unknown> = {};
  for (const { key, keyPlace, value } of node.entries) {
    if (pattern !== undefined && !pattern.test(key)) {
      check.problems.add(
        keyPlace,
        `${JSON.stringify(key)} is not a name that may stand here`,
        `names match ${pattern.source}`,
      );
      continue;
    }
    values[key] = checkShape(value, shape.of, check);
  }
  return values;
}

function checkUnion(node: SourceNode, members: readonly Shape[], union: Shape, check: ShapeCheck): unknown {
  if (members.length === 0) return toJson(node);
  const attempts = members.map((member) => {
    const problems = new Problems();
    return { member, problems, value: checkShape(node, member, { ...check, problems }) };
  });
  const fitting = attempts.find((attempt) => attempt.problems.count === 0);
  if (fitting !== undefined) return fitting.value;
  // With one member of the right kind, its own problems say more than "none of these".
  const sameKind = attempts.filter(({ member }) => kindOfShape(member) === node.kind);
  const only = sameKind[0];
  if (sameKind.length === 1 && only !== undefined && node.kind !== 'scalar') check.problems.addAll(only.problems);
  else wrongKind(node, union, check);
  return undefined;
}

function wrongKind(node: SourceNode, shape: Shape, check: ShapeCheck): undefined {
  const found = node.kind === 'scalar' ? kindOf(node.value) : `a ${node.kind}`;
  check.problems.add(node.place, `must be ${describeShape(shape)}, not ${found}`);
  return undefined;
}

function kindOfShape(shape: Shape): 'scalar' | 'list' | 'map' {
  if (shape.kind === 'list') return 'list';
  return shape.kind === 'map' || shape.kind === 'object' || shape.kind === 'opaque' ? 'map' : 'scalar';
}

function kindOf(value: string | number | boolean | null): string {
  if (value === null) return 'nothing';
  return typeof value === 'string' ? 'text' : typeof value === 'number' ? 'a number' : 'true or false';
}

/** The known values stand in the message already. */
function didYouMean(name: string, values: readonly (string | number)[]): string | undefined {
  const near = nearest(name, values.map(String));
  return near === undefined ? undefined : `did you mean ${near}?`;
}
