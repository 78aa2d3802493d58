/**
 * Arguments of a step: literals checked against the action's shape, expressions checked by type, and structures of both. A value that
 * is exactly one `${{ }}` keeps its type; one inside a text must be string, int or bool. Results are never expanded again.
 */
import { KeyferryError } from '../errors/keyferry-error.ts';
import { misfit } from '../schema/check-value.ts';
import { describeShape } from '../schema/describe.ts';
import { type ObjectShape, type Shape, type ValueType, valueTypeOf } from '../schema/shape.ts';
import { checkShape } from '../source/check-shape.ts';
import { suggestion } from '../source/nearest.ts';
import type { JsonValue, MapNode, ScalarNode, SourceNode } from '../source/node.ts';
import { Problems } from '../source/problems.ts';
import { compileExpression, type ExpressionTools } from './expression.ts';
import { explainScalar } from './expression-traps.ts';
import type { Expression, Template } from './model.ts';
import type { View } from './symbols.ts';
import { type ExpressionPart, hasExpression, scanTemplate, type TextPart } from './template-scanner.ts';

export interface TemplateTools extends ExpressionTools {
  readonly view: View;
}

/** undefined when a problem was reported, or the value names what is broken elsewhere. */
export function compileTemplate(node: SourceNode, shape: Shape, tools: TemplateTools): Template | undefined {
  if (node.kind === 'broken') return undefined;
  if (!holdsExpression(node)) return compileLiteral(node, shape, tools);
  if (node.kind === 'scalar') return compileScalar(node, shape, tools);
  if (shape.kind === 'union' && shape.of.length > 0) return compileUnion(node, shape.of, shape, tools);
  if (node.kind === 'list') {
    if (shape.kind !== 'list' && shape.kind !== 'union') return wrongKind(node, shape, tools);
    const items = node.items.map((item) => compileTemplate(item, shape.kind === 'list' ? shape.of : shape, tools));
    return items.every((item) => item !== undefined) ? { kind: 'list', items } : undefined;
  }
  switch (shape.kind) {
    case 'object':
      return compileFields(node, shape, tools);
    case 'map':
      return compileEntries(node, shape.of, shape.keyPattern, tools);
    case 'union':
      return compileEntries(node, shape, undefined, tools);
    default:
      return wrongKind(node, shape, tools);
  }
}

function holdsExpression(node: SourceNode): boolean {
  switch (node.kind) {
    case 'scalar':
      return typeof node.value === 'string' && hasExpression(node.value);
    case 'list':
      return node.items.some(holdsExpression);
    case 'map':
      return node.entries.some((entry) => holdsExpression(entry.value));
    case 'broken':
      return false;
  }
}

function compileLiteral(node: SourceNode, shape: Shape, tools: TemplateTools): Template | undefined {
  const before = tools.problems.count;
  const value = checkShape(node, shape, { problems: tools.problems });
  // checkShape gives back what YAML gave, defaults added: plain JSON.
  return tools.problems.count > before ? undefined : { kind: 'literal', value: value as JsonValue };
}

function compileScalar(node: ScalarNode, shape: Shape, tools: TemplateTools): Template | undefined {
  const text = String(node.value);
  const scan = scanTemplate(text);
  if ('problem' in scan) {
    const trap = explainScalar(node);
    if (trap !== undefined) tools.problems.add(node.at(scan.problem.offset), trap.message, trap.hint);
    else tools.problems.add(node.at(scan.problem.offset), scan.problem.message, scan.problem.hint);
    return undefined;
  }
  const only = scan.parts[0];
  if (scan.parts.length === 1 && only?.kind === 'expression') {
    const expression = compilePart(node, only, tools);
    if (expression === undefined || !fits(expression, shape, tools)) return undefined;
    return { kind: 'expression', expression: guarded(expression, shape) };
  }
  return compileText(node, scan.parts, shape, tools);
}

function compileText(
  node: ScalarNode,
  scanned: readonly (TextPart | ExpressionPart)[],
  shape: Shape,
  tools: TemplateTools,
): Template | undefined {
  const parts: (string | Expression)[] = [];
  let isWhole = true;
  for (const part of scanned) {
    if (part.kind === 'text') {
      parts.push(part.text);
      continue;
    }
    const expression = compilePart(node, part, tools);
    if (expression === undefined) isWhole = false;
    else if (expression.type === 'string' || expression.type === 'int' || expression.type === 'bool')
      parts.push(expression);
    else {
      tools.problems.add(
        expression.place,
        `inside a text an expression must be string, int or bool; this one is ${nameType(expression.type)}`,
      );
      isWhole = false;
    }
  }
  if (!isAssignable('string', shape)) {
    tools.problems.add(node.place, `must be ${describeShape(shape)}, not text with expressions in it`);
    return undefined;
  }
  return isWhole ? { kind: 'text', parts } : undefined;
}

function compilePart(node: ScalarNode, part: ExpressionPart, tools: TemplateTools): Expression | undefined {
  return compileExpression(
    { source: part.source, at: (offset) => node.at(part.offset + offset), view: tools.view },
    tools,
  );
}

function compileUnion(
  node: SourceNode,
  members: readonly Shape[],
  union: Shape,
  tools: TemplateTools,
): Template | undefined {
  const attempts = members.map((member) => {
    const problems = new Problems();
    return { problems, template: compileTemplate(node, member, { ...tools, problems }) };
  });
  const fitting = attempts.find(({ problems }) => problems.count === 0);
  if (fitting !== undefined) return fitting.template;
  const first = attempts[0];
  if (attempts.length === 1 && first !== undefined) tools.problems.addAll(first.problems);
  else wrongKind(node, union, tools);
  return undefined;
}

/** Fields of an object shape, with its defaults; also a step's whole `with`. */
export function compileFields(
  node: MapNode,
  shape: ObjectShape,
  tools: TemplateTools,
): Extract<Template, { kind: 'map' }> | undefined {
  const entries: Record<string, Template> = {};
  let isWhole = true;
  for (const { key, keyPlace, value } of node.entries) {
    const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
    if (field === undefined) {
      tools.problems.add(keyPlace, `there is no argument ${key}`, suggestion(key, Object.keys(shape.fields)));
      isWhole = false;
      continue;
    }
    const template = compileTemplate(value, field.shape, tools);
    if (template === undefined) isWhole = false;
    else entries[key] = template;
  }
  for (const [name, field] of Object.entries(shape.fields)) {
    if (node.entries.some((entry) => entry.key === name)) continue;
    if (field.default !== undefined) entries[name] = { kind: 'literal', value: field.default };
    if (field.required !== true) continue;
    tools.problems.add(node.place, `the argument ${name} is missing`, `it is ${describeShape(field.shape)}`);
    isWhole = false;
  }
  return isWhole ? { kind: 'map', entries } : undefined;
}

function compileEntries(
  node: MapNode,
  of: Shape,
  keyPattern: string | undefined,
  tools: TemplateTools,
): Template | undefined {
  const entries: Record<string, Template> = {};
  let isWhole = true;
  for (const { key, keyPlace, value } of node.entries) {
    if (keyPattern !== undefined && !new RegExp(keyPattern).test(key)) {
      tools.problems.add(
        keyPlace,
        `${JSON.stringify(key)} is not a name that may stand here`,
        `names match ${keyPattern}`,
      );
      isWhole = false;
    }
    const template = compileTemplate(value, of, tools);
    if (template === undefined) isWhole = false;
    else entries[key] = template;
  }
  return isWhole ? { kind: 'map', entries } : undefined;
}

function fits(expression: Expression, shape: Shape, tools: TemplateTools): boolean {
  if (!isAssignable(expression.type, shape)) {
    tools.problems.add(
      expression.place,
      `must be ${describeShape(shape)}; the expression is ${nameType(expression.type)}`,
    );
    return false;
  }
  const [reference] = expression.references;
  if (reference?.kind !== 'input' || expression.source !== `inputs.${reference.name}`) return true;
  // An input that is handed on as it is must fit whatever it may be given.
  const input = tools.symbols.inputs.get(reference.name);
  const values = input?.enum ?? (input?.default === undefined ? [] : [input.default]);
  const wrong = values.find((value) => misfit(value, shape) !== undefined);
  if (wrong === undefined) return true;
  tools.problems.add(
    expression.place,
    `must be ${describeShape(shape)}; the input ${reference.name} may be ${JSON.stringify(wrong)}`,
  );
  return false;
}

/** Types say most; what they cannot (an enum, a range, a value of no certain type) is checked when the value is there. */
function guarded(expression: Expression, shape: Shape): Expression {
  return {
    ...expression,
    evaluate: (scope) => {
      const value = expression.evaluate(scope);
      const problem = misfit(value, shape);
      if (problem === undefined) return value;
      const { file, line, column } = expression.place;
      throw new KeyferryError(
        'argument-invalid',
        `The value of the expression at ${file}:${line}:${column} ${problem}.`,
      );
    },
  };
}

/** May a value of this expression type stand where the shape is? `any` is checked when the value is there. */
export function isAssignable(type: ValueType, shape: Shape): boolean {
  if (shape.kind === 'union') return shape.of.length === 0 || shape.of.some((member) => isAssignable(type, member));
  if (type === 'any') return true;
  if (shape.kind === 'enum')
    return shape.values.some((value) => (typeof value === 'number' ? type === 'int' : type === 'string'));
  if (shape.kind === 'number') return type === 'int' || type === 'double';
  return valueTypeOf(shape) === type;
}

function wrongKind(node: SourceNode, shape: Shape, tools: TemplateTools): undefined {
  const found = node.kind === 'list' || node.kind === 'map' ? `a ${node.kind}` : 'this value';
  tools.problems.add(node.place, `must be ${describeShape(shape)}, not ${found}`);
  return undefined;
}

const TYPE_NAMES: Readonly<Record<ValueType, string>> = {
  string: 'text',
  int: 'a whole number',
  double: 'a number',
  bool: 'true or false',
  key: 'a key',
  artifact: 'an artifact',
  secret: 'a secret',
  list: 'a list',
  map: 'a map',
  any: 'of no certain type',
};
export const nameType = (type: ValueType): string => TYPE_NAMES[type];
