/**
 * What the names in an expression mean: inputs, outputs of steps, fields of the key or file. Each must exist, be visible from that
 * place, and name one value; opaque values are passed whole. Breaches are reported at their offset, with the nearest known name.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { ValueType } from '../schema/shape.ts';
import { suggestion } from '../source/nearest.ts';
import { type PathPart, pathOf } from './cel-paths.ts';
import { ITEM_FIELDS, KEY_FIELDS } from './key-fields.ts';
import type { Reference } from './model.ts';
import { COUNT_NAMES, ROOT_NAMES } from './names.ts';
import { hiddenBecause, inputType, isOpaque, type Symbols, type View } from './symbols.ts';

export type Report = (offset: number, message: string, hint?: string) => void;

/** Where in the expression a name stands. */
export interface Context {
  readonly locals: ReadonlySet<string>;
  /** Inside a loop's predicate. */
  readonly inLoop: boolean;
  readonly isWhole: boolean;
}

/** Gathers what an expression names. */
export class NameResolver {
  readonly #symbols: Symbols;
  readonly #view: View;
  readonly #report: Report;
  readonly #references = new Map<string, Reference>();
  #direct: { reference: Reference; type: ValueType } | undefined;
  #isUncertain = false;

  constructor(symbols: Symbols, view: View, report: Report) {
    this.#symbols = symbols;
    this.#view = view;
    this.#report = report;
  }

  get references(): readonly Reference[] {
    return [...this.#references.values()];
  }

  /** The expression is one name and nothing else: its value is handed on as it is. */
  get direct(): { readonly reference: Reference; readonly type: ValueType } | undefined {
    return this.#direct;
  }

  /** A name is broken where it was declared: say no more about this expression. */
  get isUncertain(): boolean {
    return this.#isUncertain;
  }

  name(name: string, offset: number, context: Context): void {
    if (context.locals.has(name)) return;
    if (name === 'key' && this.#view.key) {
      this.#refer({ kind: 'key' }, 'key', context.isWhole, offset, 'key');
    } else if (name === 'inputs' || name === 'steps' || name === 'item' || name === 'key') {
      const isHere = name === 'steps' ? this.#view.steps !== undefined : this.#view[name];
      if (!isHere) this.#report(offset, `${name} cannot be named here`);
      else this.#report(offset, `${name} cannot be taken whole`, `name one of its fields: ${name}.…`);
    } else if (this.#view.counts && COUNT_NAMES.some((count) => count === name)) {
      this.#references.set('count', { kind: 'count' });
    } else if (this.#symbols.inputs.has(name)) {
      this.#report(offset, `${name} is not known`, `did you mean inputs.${name}?`);
    } else if (this.#symbols.steps.has(name)) {
      this.#report(offset, `${name} is not known`, `did you mean steps.${name}.…?`);
    } else {
      this.#report(offset, `${name} is not known`, suggestion(name, this.namesHere(context.locals)));
    }
  }

  /**
   * `a.b.c` from its first name on, as far as the names are keyferry's; what follows is CEL's to check. False when it does not begin
   * with a name of keyferry's.
   */
  field(node: ASTNode, context: Context): boolean {
    const path = pathOf(node);
    const root = path?.[0];
    if (path === undefined || root === undefined || context.locals.has(root.name)) return false;
    this.#path(root, path, context);
    return true;
  }

  #path(root: PathPart, path: readonly PathPart[], context: Context): void {
    const rest = path.slice(1);
    switch (root.name) {
      case 'inputs':
        if (!this.#view.inputs) this.#report(root.offset, 'inputs cannot be named here');
        else this.#input(rest, context);
        return;
      case 'steps':
        if (this.#view.steps === undefined) this.#report(root.offset, 'steps cannot be named here: none has run yet');
        else this.#output(rest, context);
        return;
      case 'key':
        if (!this.#view.key) this.#report(root.offset, 'key cannot be named here');
        else this.#recordField({ kind: 'key' }, 'key', KEY_FIELDS, rest);
        return;
      case 'item':
        if (!this.#view.item) {
          this.#report(root.offset, 'item cannot be named here', 'item exists where a playbook repeats over files');
        } else this.#recordField({ kind: 'item' }, 'item', ITEM_FIELDS, rest);
        return;
      default:
        this.name(root.name, root.offset, context);
    }
  }

  #input([field, ...more]: readonly PathPart[], context: Context): void {
    if (field === undefined) return;
    const input = this.#symbols.inputs.get(field.name);
    if (input === undefined) {
      this.#report(
        field.offset,
        `there is no input ${field.name}`,
        suggestion(field.name, this.#symbols.inputs.keys()),
      );
      return;
    }
    if (input === null) {
      this.#isUncertain = true;
      return;
    }
    const reference: Reference = { kind: 'input', name: field.name };
    this.#refer(
      reference,
      inputType(input),
      context.isWhole && more.length === 0,
      field.offset,
      `inputs.${field.name}`,
    );
  }

  #output([stepName, output, ...more]: readonly PathPart[], context: Context): void {
    if (stepName === undefined) return;
    const step = this.#symbols.steps.get(stepName.name);
    if (step === undefined) {
      this.#report(
        stepName.offset,
        `there is no step ${stepName.name}`,
        suggestion(stepName.name, this.#visibleSteps()),
      );
      return;
    }
    const hidden = hiddenBecause(step, this.#view);
    if (hidden !== undefined) {
      this.#report(stepName.offset, `step ${stepName.name} cannot be named here: ${hidden}`);
      return;
    }
    if (step.outputs === null) {
      this.#isUncertain = true;
      return;
    }
    const names = Object.keys(step.outputs);
    if (output === undefined) {
      const hint = names.length === 0 ? 'this step gives none' : `its outputs: ${names.join(', ')}`;
      this.#report(stepName.offset, `a whole step cannot be taken; name one output of ${stepName.name}`, hint);
      return;
    }
    const spec = Object.hasOwn(step.outputs, output.name) ? step.outputs[output.name] : undefined;
    if (spec === undefined) {
      this.#report(output.offset, `step ${stepName.name} has no output ${output.name}`, suggestion(output.name, names));
      return;
    }
    const reference: Reference = { kind: 'step', step: stepName.name, output: output.name };
    const text = `steps.${stepName.name}.${output.name}`;
    this.#refer(reference, spec.type, context.isWhole && more.length === 0, output.offset, text);
  }

  #recordField(
    reference: Reference,
    root: string,
    fields: Readonly<Record<string, unknown>>,
    [field]: readonly PathPart[],
  ): void {
    if (field === undefined) return;
    if (!Object.hasOwn(fields, field.name)) {
      this.#report(field.offset, `${root} has no field ${field.name}`, suggestion(field.name, Object.keys(fields)));
      return;
    }
    this.#references.set(root, reference);
  }

  #refer(reference: Reference, type: ValueType, isWhole: boolean, offset: number, text: string): void {
    if (isOpaque(type) && !isWhole) {
      const what = type === 'artifact' ? 'an artifact' : `a ${type}`;
      const fields =
        text === 'key' ? 'its fields are text: key.label, key.id, key.bits, …' : `pass it alone: "\${{ ${text} }}"`;
      this.#report(
        offset,
        `${text} is ${what}, which is passed whole: nothing can be done with it in an expression`,
        fields,
      );
      return;
    }
    this.#references.set(text, reference);
    if (isWhole) this.#direct = { reference, type };
  }

  isKnownAnywhere(name: string): boolean {
    if (this.#symbols.inputs.has(name) || this.#symbols.steps.has(name) || Object.hasOwn(KEY_FIELDS, name)) return true;
    return [...this.#symbols.steps.values()].some((step) => Object.hasOwn(step.outputs ?? {}, name));
  }

  namesHere(locals: ReadonlySet<string>): string[] {
    const { inputs, steps, key, item, counts } = this.#view;
    const isHere = { inputs, steps: steps !== undefined, key, item };
    return [...ROOT_NAMES.filter((name) => isHere[name]), ...(counts ? COUNT_NAMES : []), ...locals];
  }

  #visibleSteps(): string[] {
    return [...this.#symbols.steps]
      .filter(([, step]) => hiddenBecause(step, this.#view) === undefined)
      .map(([id]) => id);
  }
}
