/** schema/devices.schema.json: the devices file, with every adapter's drivers and their settings. */
import type { AdapterSpec } from '../../src/adapters/adapter.ts';
import { DEVICE_ENTRY, DEVICES } from '../../src/devices/shape.ts';
import { SECRET_SOURCES } from '../../src/schema/secret-reference.ts';
import type { ObjectShape } from '../../src/schema/shape.ts';
import type { GeneratedFile } from '../docs/error-docs.ts';
import { type JsonSchema, objectSchema, propertySchemas } from './shape-schema.ts';

const SECRET_VALUES: Readonly<Record<(typeof SECRET_SOURCES)[number], JsonSchema>> = {
  env: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$', description: 'an environment variable' },
  file: { type: 'string', minLength: 1, description: 'a file that nobody else can read; its first line' },
  command: {
    type: 'array',
    items: { type: 'string' },
    minItems: 1,
    description: 'a program and its arguments; the first line it prints',
  },
  prompt: { type: 'string', minLength: 1, description: 'what to ask the operator' },
};

/** A secret is found in exactly one place, and never written down. */
const SECRET: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  properties: Object.fromEntries(SECRET_SOURCES.map((source) => [source, SECRET_VALUES[source]])),
};

export function generateDevicesSchema(adapters: Readonly<Record<string, AdapterSpec>>): GeneratedFile {
  const elsewhere = new Map([[DEVICE_ENTRY, { $ref: '#/$defs/device' }]]);
  const schema: JsonSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'keyferry devices file',
    ...objectSchema(DEVICES, { elsewhere }),
    $defs: { device: deviceSchema(Object.values(adapters)), secret: SECRET },
  };
  return { path: 'schema/devices.schema.json', text: `${JSON.stringify(schema, null, 2)}\n` };
}

function deviceSchema(adapters: readonly AdapterSpec[]): JsonSchema {
  return {
    description: DEVICE_ENTRY.description,
    oneOf: adapters.flatMap((adapter) =>
      Object.entries(adapter.drivers).map(([driver, shape]) => driverSchema(adapter, driver, shape)),
    ),
  };
}

function driverSchema(adapter: AdapterSpec, driver: string, shape: ObjectShape): JsonSchema {
  const settings = propertySchemas(shape.fields, { opaque: { $ref: '#/$defs/secret' } });
  const required = Object.keys(shape.fields).filter((name) => shape.fields[name]?.required === true);
  return {
    type: 'object',
    title: `${adapter.name} by ${driver}`,
    additionalProperties: false,
    properties: {
      adapter: { const: adapter.name, description: adapter.summary },
      driver: { const: driver },
      ...settings,
    },
    required: ['adapter', 'driver', ...required],
  };
}
