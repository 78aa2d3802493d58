/**
 * One expression: CEL text → a checked Expression that can be evaluated. Names and opaque values: cel-rules.ts; types: CEL's checker.
 * An expression that is one name hands its value on untouched; everything else crosses CEL's border and back.
 */
import { TypeError as CelTypeError, EvaluationError, ParseError, type ParseResult } from '@marcbachmann/cel-js';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { ValueType } from '../schema/shape.ts';
import type { SourcePlace } from '../source/node.ts';
import type { Problems } from '../source/problems.ts';
import { BorderError, fromCel } from './cel-border.ts';
import type { World } from './cel-environment.ts';
import type { Report } from './cel-names.ts';
import { applyRules, type Findings } from './cel-rules.ts';
import type { Expression, Reference, Scope } from './model.ts';
import type { Symbols, View } from './symbols.ts';

const MAX_LENGTH = 2000;

export interface ExpressionSource {
  readonly source: string;
  /** Place of an offset in `source`. */
  at(offset: number): SourcePlace;
  readonly view: View;
}

export interface ExpressionTools {
  readonly symbols: Symbols;
  readonly world: World;
  readonly problems: Problems;
}

/** undefined when the expression has problems (reported), or names what is broken elsewhere. */
export function compileExpression(text: ExpressionSource, tools: ExpressionTools): Expression | undefined {
  const { source, view } = text;
  const before = tools.problems.count;
  const report: Report = (offset, message, hint) => tools.problems.add(text.at(offset), message, hint);
  if (source.trim() === '') {
    report(0, 'the expression is empty');
    return undefined;
  }
  if (source.length > MAX_LENGTH) {
    report(0, `the expression is longer than ${MAX_LENGTH} characters`);
    return undefined;
  }
  const parsed = parse(source, tools.world, report);
  if (parsed === undefined) return undefined;
  const findings = applyRules(parsed.ast, tools.symbols, view, report);
  if (tools.problems.count > before || findings.isUncertain) return undefined;
  const type = findings.direct?.type ?? checkedType(parsed, report);
  if (type === undefined) return undefined;
  const place = text.at(source.search(/\S/));
  const evaluate = evaluator({ parsed, findings, place, world: tools.world, symbols: tools.symbols });
  return { source: source.trim(), type, references: findings.references, place, evaluate };
}

function parse(source: string, world: World, report: Report): ParseResult | undefined {
  try {
    return world.environment.parse(source);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    report(Math.min(error.range?.start ?? 0, source.length), lowerFirst(error.summary));
    return undefined;
  }
}

function checkedType(parsed: ParseResult, report: Report): ValueType | undefined {
  const { valid, error, type: celType = 'dyn' } = parsed.check();
  if (!valid) {
    report(error?.range?.start ?? 0, lowerFirst(error?.summary ?? 'the expression does not check'));
    return undefined;
  }
  if (celType === 'string' || celType === 'int' || celType === 'double' || celType === 'bool') return celType;
  if (/^list\b/.test(celType)) return 'list';
  if (/^map\b/.test(celType)) return 'map';
  if (/^dyn\b/.test(celType)) return 'any';
  if (celType === 'bytes')
    report(0, 'the expression gives bytes, which no argument takes', 'write .hex() or .base64()');
  else report(0, `the expression gives a value of type ${celType}, which no argument takes`);
  return undefined;
}

interface Compiled {
  readonly parsed: ParseResult;
  readonly findings: Findings;
  readonly place: SourcePlace;
  readonly world: World;
  readonly symbols: Symbols;
}

function evaluator(compiled: Compiled): (scope: Scope) => unknown {
  const { parsed, findings, place, world, symbols } = compiled;
  const fail = (message: string, cause?: unknown): KeyferryError =>
    new KeyferryError(
      'argument-invalid',
      `The expression at ${place.file}:${place.line}:${place.column} cannot be evaluated: ${message}.`,
      { cause },
    );
  const { direct } = findings;
  if (direct !== undefined) {
    return (scope) => {
      const value = lookUp(direct.reference, scope, symbols);
      if (value === undefined) throw fail(`${nameOf(direct.reference)} has no value`);
      return value;
    };
  }
  return (scope) => {
    try {
      const value: unknown = parsed(world.context(scope, findings.usesPattern));
      return fromCel(value);
    } catch (error) {
      if (error instanceof BorderError) throw fail(error.message, error);
      if (error instanceof EvaluationError || error instanceof CelTypeError || error instanceof ParseError)
        throw fail(lowerFirst(error.summary), error);
      throw fail('CEL gave up', error);
    }
  };
}

function lookUp(reference: Reference, scope: Scope, symbols: Symbols): unknown {
  switch (reference.kind) {
    case 'input':
      return scope.inputs[reference.name] ?? symbols.inputs.get(reference.name)?.default;
    case 'step':
      return scope.steps[reference.step]?.[reference.output];
    case 'key':
      return scope.key?.ref;
    case 'item':
      return scope.item;
    case 'count':
      return scope.counts;
  }
}

function nameOf(reference: Reference): string {
  if (reference.kind === 'input') return `inputs.${reference.name}`;
  return reference.kind === 'step' ? `steps.${reference.step}.${reference.output}` : reference.kind;
}

function lowerFirst(text: string): string {
  const line = text.split('\n')[0] ?? text;
  return line.charAt(0).toLowerCase() + line.slice(1);
}
