/** schema/playbook.schema.json: the playbook's shape, and the arguments of every action that a step may name. */
import type { ActionSpec, AdapterSpec } from '../../src/adapters/adapter.ts';
import { BUILT_INS } from '../../src/playbook/built-ins.ts';
import { CANARY, PLAYBOOK, STEP } from '../../src/playbook/shape.ts';
import type { GeneratedFile } from '../docs/error-docs.ts';
import { type JsonSchema, objectSchema, shapeSchema } from './shape-schema.ts';

type AdapterSpecs = Readonly<Record<string, AdapterSpec>>;

export function generatePlaybookSchema(adapters: AdapterSpecs): GeneratedFile {
  const rules = argumentRules(adapters);
  const elsewhere = new Map([
    [STEP, { $ref: '#/$defs/step' }],
    [CANARY, { $ref: '#/$defs/canary' }],
  ]);
  const root = objectSchema(PLAYBOOK, { elsewhere });
  const devices = {
    ...asObject(asObject(root.properties).devices),
    additionalProperties: { enum: Object.keys(adapters) },
  };
  const schema: JsonSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'keyferry playbook',
    ...root,
    properties: { ...asObject(root.properties), devices },
    $defs: {
      step: { ...objectSchema(STEP), allOf: rules },
      canary: { ...objectSchema(CANARY), description: CANARY.description, allOf: rules },
    },
  };
  return { path: 'schema/playbook.schema.json', text: `${JSON.stringify(schema, null, 2)}\n` };
}

/** Roles are the author's names, so an action is known by what follows the dot; adapters that differ in it give alternatives. */
function argumentRules(adapters: AdapterSpecs): JsonSchema[] {
  const builtIn = Object.entries(BUILT_INS).flatMap(([namespace, actions]) =>
    Object.values(actions).map((spec) => argumentRule(`^${namespace}\\.${spec.name}$`, [spec])),
  );
  const byName = new Map<string, ActionSpec[]>();
  for (const adapter of Object.values(adapters)) {
    for (const spec of Object.values(adapter.actions)) byName.set(spec.name, [...(byName.get(spec.name) ?? []), spec]);
  }
  const namespaces = Object.keys(BUILT_INS).join('|');
  const ofDevices = [...byName].map(([name, specs]) => argumentRule(`^(?!(${namespaces})\\.)[^.]+\\.${name}$`, specs));
  return [...builtIn, ...ofDevices];
}

function argumentRule(pattern: string, specs: readonly ActionSpec[]): JsonSchema {
  const schemas = specs.map((spec) => ({
    description: spec.summary,
    ...shapeSchema(spec.input, { expressions: true }),
  }));
  const distinct = [...new Map(schemas.map((schema) => [JSON.stringify(schema), schema])).values()];
  return {
    if: { properties: { do: { pattern } }, required: ['do'] },
    // biome-ignore lint/suspicious/noThenProperty: `then` is JSON Schema's own word
    then: { properties: { with: distinct.length === 1 ? distinct[0] : { anyOf: distinct } } },
  };
}

function asObject(value: unknown): JsonSchema {
  if (typeof value !== 'object' || value === null) throw new Error('the schema is not made as expected');
  return value as JsonSchema;
}
