/**
 * keyferry's own rules over a parsed CEL expression, before CEL's type check: names (cel-names.ts), known functions only, literal
 * indexes and patterns, and nothing that can run long (no nested loops, no bindings). Every breach is reported at its offset.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { ValueType } from '../schema/shape.ts';
import { suggestion } from '../source/nearest.ts';
import { type Context, NameResolver, type Report } from './cel-names.ts';
import { firstName, pathOf } from './cel-paths.ts';
import type { Reference } from './model.ts';
import { COUNT_NAMES, ROOT_NAMES } from './names.ts';
import { patternProblem } from './regex-limits.ts';
import type { Symbols, View } from './symbols.ts';

const FUNCTIONS = ['size', 'int', 'double', 'string', 'bool', 'bytes', 'has'];
const METHODS = [
  'startsWith',
  'endsWith',
  'contains',
  'matches',
  'size',
  'lowerAscii',
  'upperAscii',
  'trim',
  'indexOf',
  'lastIndexOf',
  'substring',
  'split',
  'join',
  'hex',
  'base64',
  'string',
  'at',
];
const LOOPS = ['all', 'exists', 'exists_one', 'map', 'filter'];
/** What may stand between a name and `.matches`: nothing that makes the text longer. */
const SHORTENING = ['lowerAscii', 'upperAscii', 'trim', 'substring'];

export interface Findings {
  readonly references: readonly Reference[];
  /** The expression is one name and nothing else: its value is handed on as it is. */
  readonly direct: { readonly reference: Reference; readonly type: ValueType } | undefined;
  readonly usesPattern: boolean;
  /** A name in it is broken where it was declared: say no more about this expression. */
  readonly isUncertain: boolean;
}

export function applyRules(ast: ASTNode, symbols: Symbols, view: View, report: Report): Findings {
  const walker = new RuleWalker(symbols, view, report);
  walker.walk(ast, { locals: new Set(), inLoop: false, isWhole: true });
  return walker.findings();
}

class RuleWalker {
  readonly #names: NameResolver;
  readonly #report: Report;
  #usesPattern = false;

  constructor(symbols: Symbols, view: View, report: Report) {
    this.#names = new NameResolver(symbols, view, report);
    this.#report = report;
  }

  findings(): Findings {
    const { references, direct, isUncertain } = this.#names;
    return { references, direct, isUncertain, usesPattern: this.#usesPattern };
  }

  walk(node: ASTNode, context: Context): void {
    const inner = { ...context, isWhole: false };
    switch (node.op) {
      case 'value':
        return;
      case 'id':
        this.#names.name(node.args, node.start, context);
        return;
      case '.':
        if (!this.#names.field(node, context)) this.walk(node.args[0], inner);
        return;
      case '[]':
        if (node.args[1].op !== 'value') this.#report(node.args[1].start, 'an index must be a literal');
        this.walk(node.args[0], inner);
        return;
      case 'call':
        this.#call(node.args[0], node.args[1], node.start, inner);
        return;
      case 'rcall':
        this.#method(node.args[0], node.args[1], node.args[2], node, inner);
        return;
      case 'list':
        for (const item of node.args) this.walk(item, inner);
        return;
      case 'map':
        for (const [key, value] of node.args) {
          this.walk(key, inner);
          this.walk(value, inner);
        }
        return;
      case '?:':
        for (const part of node.args) this.walk(part, inner);
        return;
      case '!_':
      case '-_':
        this.walk(node.args, inner);
        return;
      case '.?':
      case '[?]':
        this.#report(node.start, 'optional access is not used here');
        return;
      default:
        if (node.op === '-' && this.#hyphenatedName(node, context.locals)) return;
        this.walk(node.args[0], inner);
        this.walk(node.args[1], inner);
    }
  }

  #call(name: string, args: readonly ASTNode[], offset: number, context: Context): void {
    if (!FUNCTIONS.includes(name)) this.#report(offset, `there is no function ${name}()`, suggestion(name, FUNCTIONS));
    for (const argument of args) this.walk(argument, context);
  }

  #method(name: string, receiver: ASTNode, args: readonly ASTNode[], node: ASTNode, context: Context): void {
    this.walk(receiver, context);
    if (LOOPS.includes(name)) {
      this.#loop(name, args, node, context);
      return;
    }
    if (!METHODS.includes(name)) {
      this.#report(receiver.end + 1, `there is no method ${name}()`, suggestion(name, [...METHODS, ...LOOPS]));
    }
    if (name === 'matches') this.#pattern(receiver, args[0], node);
    for (const argument of args) this.walk(argument, context);
  }

  #loop(name: string, args: readonly ASTNode[], node: ASTNode, context: Context): void {
    if (context.inLoop) this.#report(node.start, `${name}() cannot stand inside another loop`);
    const [variable, ...predicates] = args;
    if (variable?.op !== 'id') return;
    if ([...ROOT_NAMES, ...COUNT_NAMES].some((root) => root === variable.args)) {
      this.#report(variable.start, `${variable.args} has a meaning of its own and cannot name a loop's variable`);
    }
    const locals = new Set([...context.locals, variable.args]);
    for (const predicate of predicates) this.walk(predicate, { ...context, locals, inLoop: true });
  }

  #pattern(receiver: ASTNode, pattern: ASTNode | undefined, node: ASTNode): void {
    this.#usesPattern = true;
    if (pattern?.op !== 'value' || typeof pattern.args !== 'string') {
      this.#report(pattern?.start ?? node.start, 'the pattern of matches() must be a literal text');
      return;
    }
    const problem = patternProblem(pattern.args);
    if (problem !== undefined) this.#report(pattern.start, problem);
    let subject = receiver;
    while (subject.op === 'rcall' && SHORTENING.includes(subject.args[0])) subject = subject.args[1];
    if (subject.op !== 'value' && pathOf(subject) === undefined) {
      this.#report(subject.start, 'matches() works on a name such as key.label, not on a text put together');
    }
  }

  /** `steps.wrapped-key` is a subtraction in CEL; true when that is what happened here. */
  #hyphenatedName(node: ASTNode, locals: ReadonlySet<string>): boolean {
    const parts: string[] = [];
    let left = node;
    let isUnknown = false;
    while (left.op === '-') {
      const [before, after] = left.args;
      const first = firstName(after);
      if (first === undefined || before.end + 1 !== after.start) return false;
      isUnknown ||= !locals.has(first) && !this.#names.namesHere(locals).includes(first);
      parts.unshift(first);
      left = before;
    }
    const base = left.op === '.' ? left.args[1] : left.op === 'id' ? left.args : undefined;
    if (base === undefined) return false;
    const joined = [base, ...parts].join('_');
    if (!isUnknown && !this.#names.isKnownAnywhere(joined)) return false;
    this.#report(
      left.start,
      `${[base, ...parts].join('-')} is a subtraction: a name has no hyphens`,
      `did you mean ${joined}?`,
    );
    return true;
  }
}
