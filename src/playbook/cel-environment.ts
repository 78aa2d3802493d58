/**
 * The typed world of a playbook's expressions, as @marcbachmann/cel-js declares it: one environment per playbook. Values are read
 * through getters, so that an expression over a million keys converts only the fields it names. Who may see which name, and that
 * opaque values are passed whole, is checked before (cel-rules.ts); opaque outputs are not declared here at all.
 */
import { Environment } from '@marcbachmann/cel-js';
import type { ValueType } from '../schema/shape.ts';
import { BorderError, Opaque, toCel } from './cel-border.ts';
import { COUNT_TYPES, FIELD_DEFAULTS, type FieldType, ITEM_FIELDS, KEY_FIELDS } from './key-fields.ts';
import type { Scope } from './model.ts';
import { MAX_SUBJECT } from './regex-limits.ts';
import { inputType, isOpaque, type Symbols } from './symbols.ts';

const LIMITS = { maxAstNodes: 1000, maxDepth: 40, maxListElements: 200, maxMapEntries: 200, maxCallArguments: 8 };

const CEL_TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  int: 'int',
  double: 'double',
  bool: 'bool',
  list: 'list',
  map: 'map',
  any: 'dyn',
};

export interface World {
  readonly environment: Environment;
  /** `isBounded`: strings longer than a regular expression may be run on are refused. */
  context(scope: Scope, isBounded: boolean): Record<string, unknown>;
}

/** One reading of a scope; the getters of the generated classes find it here. */
class Reading {
  readonly scope: Scope;
  readonly isBounded: boolean;

  constructor(scope: Scope, isBounded: boolean) {
    this.scope = scope;
    this.isBounded = isBounded;
  }

  give(value: unknown, type: ValueType): unknown {
    if (this.isBounded && typeof value === 'string' && value.length > MAX_SUBJECT) {
      throw new BorderError(`matches() takes texts of at most ${MAX_SUBJECT} characters`);
    }
    if (type === 'double' && typeof value === 'number') return value;
    return toCel(value);
  }
}

type Read = (reading: Reading) => unknown;
type RecordClass = new (reading: Reading) => object;

export function createWorld(symbols: Symbols): World {
  const environment = new Environment({ limits: LIMITS, homogeneousAggregateLiterals: true });
  environment.registerType('OpaqueValue', { ctor: Opaque, fields: {} });
  // Without this two references to one key would quietly compare as different.
  environment.registerOperator('OpaqueValue == OpaqueValue', () => {
    throw new BorderError('keys and artifacts cannot be compared in an expression');
  });
  const Inputs = inputsClass(environment, symbols);
  const Steps = stepsClass(environment, symbols);
  const Key = declare(
    environment,
    'Key',
    plainFields(KEY_FIELDS, (scope, name) => scope.key?.fields[name]),
  );
  const Item = declare(
    environment,
    'Item',
    plainFields(ITEM_FIELDS, (scope, name) => scope.item?.[name as 'path' | 'name' | 'size']),
  );
  environment.registerVariable('inputs', 'Inputs');
  environment.registerVariable('steps', 'Steps');
  environment.registerVariable('key', 'Key');
  environment.registerVariable('item', 'Item');
  for (const [name, type] of Object.entries(COUNT_TYPES)) environment.registerVariable(name, type);
  return {
    environment,
    context: (scope, isBounded) => {
      const reading = new Reading(scope, isBounded);
      const views = {
        inputs: new Inputs(reading),
        steps: new Steps(reading),
        key: new Key(reading),
        item: new Item(reading),
      };
      return scope.counts === undefined ? views : { ...views, ...counts(scope.counts) };
    },
  };
}

function counts({ failed, total, finished }: NonNullable<Scope['counts']>): Record<string, unknown> {
  return {
    failed: BigInt(failed),
    total: BigInt(total),
    finished: BigInt(finished),
    failed_share: finished === 0 ? 0 : failed / finished,
  };
}

function inputsClass(environment: Environment, symbols: Symbols): RecordClass {
  const fields: [string, string, Read][] = [];
  for (const [name, input] of symbols.inputs) {
    // What is broken was reported where it is declared, and expressions that name it are not checked.
    if (input === null) continue;
    const type = inputType(input);
    if (isOpaque(type)) continue;
    fields.push([
      name,
      CEL_TYPES[type] ?? 'dyn',
      (reading) => reading.give(reading.scope.inputs[name] ?? input.default, type),
    ]);
  }
  return declare(environment, 'Inputs', fields);
}

function stepsClass(environment: Environment, symbols: Symbols): RecordClass {
  const fields: [string, string, Read][] = [];
  for (const [id, step] of symbols.steps) {
    if (step.outputs === null) continue;
    const outputs: [string, string, Read][] = [];
    for (const [output, { type }] of Object.entries(step.outputs)) {
      if (isOpaque(type)) continue;
      const read: Read = (reading) => {
        const value = reading.scope.steps[id]?.[output];
        if (value === undefined) throw new BorderError(`step ${id} gave no ${output}`);
        return reading.give(value, type);
      };
      outputs.push([output, CEL_TYPES[type] ?? 'dyn', read]);
    }
    const Step = declare(environment, `Step_${id}`, outputs);
    fields.push([id, `Step_${id}`, (reading) => new Step(reading)]);
  }
  return declare(environment, 'Steps', fields);
}

function plainFields(
  types: Readonly<Record<string, FieldType>>,
  read: (scope: Scope, name: string) => unknown,
): [string, string, Read][] {
  return Object.entries(types).map(([name, type]) => [
    name,
    type,
    (reading) => reading.give(read(reading.scope, name) ?? FIELD_DEFAULTS[type], type),
  ]);
}

function declare(environment: Environment, name: string, fields: readonly [string, string, Read][]): RecordClass {
  const Declared = class {
    readonly #reading: Reading;

    constructor(reading: Reading) {
      this.#reading = reading;
    }

    static read(instance: object, read: Read): unknown {
      return instance instanceof Declared ? read(instance.#reading) : undefined;
    }
  };
  for (const [field, , read] of fields) {
    Object.defineProperty(Declared.prototype, field, {
      get(this: object) {
        return Declared.read(this, read);
      },
    });
  }
  environment.registerType(name, {
    ctor: Declared,
    fields: Object.fromEntries(fields.map(([field, type]) => [field, type])),
  });
  return Declared;
}
