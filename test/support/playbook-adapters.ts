/** Adapter specs for tests of playbooks and devices files: the actions of the main route, and a few that have what those lack. */
import type { ActionSpec, AdapterSpec, OutputSpec } from '../../src/adapters/adapter.ts';
import {
  ANYTHING,
  type Field,
  type ObjectShape,
  optional,
  path,
  required,
  type Shape,
  withDefault,
} from '../../src/schema/shape.ts';

const key = (description = 'a key'): Shape => ({ kind: 'opaque', type: 'key', description });
const artifact: Shape = { kind: 'opaque', type: 'artifact' };
const secret: Shape = { kind: 'opaque', type: 'secret', description: 'PIN' };
const text: Shape = { kind: 'string' };
const mechanism: Shape = { kind: 'enum', values: ['rsa-oaep-sha1', 'rsa-oaep-sha256', 'aes-kwp'] };
const fields = (entries: Readonly<Record<string, Field>>): ObjectShape => ({ kind: 'object', fields: entries });
const out = (type: OutputSpec['type']): OutputSpec => ({ type, lifetime: 'permanent', description: 'an output' });

const attributes = optional(
  fields({ extractable: optional({ kind: 'boolean' }), sensitive: optional({ kind: 'boolean' }) }),
);

const ACTIONS: Readonly<Record<string, ActionSpec>> = Object.fromEntries(
  (
    [
      {
        name: 'generate-key',
        effect: 'create',
        input: fields({
          type: required({ kind: 'enum', values: ['aes', 'des3'] }),
          bits: required({ kind: 'integer', minimum: 8, maximum: 6400 }),
          label: required(text),
          extractable: withDefault({ kind: 'boolean' }, false),
        }),
        outputs: { key: out('key') },
      },
      {
        name: 'generate-rsa-key-pair',
        effect: 'create',
        input: fields({
          purpose: required({ kind: 'enum', values: ['wrapping'] }),
          label: required(text),
          'modulus-bits': withDefault({ kind: 'integer', minimum: 2048, maximum: 8192 }, 2048),
        }),
        outputs: { public_key: out('key'), private_key: out('key'), spki_sha256: out('string') },
      },
      {
        name: 'export-public-key',
        effect: 'read',
        input: fields({ key: required(key()) }),
        outputs: { pem: out('artifact') },
      },
      {
        name: 'import-public-key',
        effect: 'create',
        input: fields({
          'public-key': required(artifact),
          label: required(text),
          purpose: required({ kind: 'enum', values: ['wrapping'] }),
        }),
        outputs: { key: out('key') },
      },
      {
        name: 'require-attribute',
        effect: 'read',
        input: fields({
          key: required(key()),
          name: required({ kind: 'enum', values: ['extractable', 'wrap'] }),
          value: withDefault({ kind: 'boolean' }, true),
        }),
        outputs: {},
        role: { kind: 'check' },
      },
      {
        name: 'wrap-key',
        effect: 'read',
        input: fields({ key: required(key()), 'wrapping-key': required(key()), mechanism: required(mechanism) }),
        outputs: { data: out('artifact') },
        role: { kind: 'wrap', payload: 'key', wrappingKey: 'wrapping-key', wrapped: 'data' },
      },
      {
        name: 'unwrap-key',
        effect: 'create',
        input: fields({
          'wrapped-key': required(artifact),
          'unwrapping-key': required(key()),
          like: required(key()),
          attributes,
        }),
        outputs: { key: out('key') },
        role: { kind: 'unwrap', wrapped: 'wrapped-key', unwrappingKey: 'unwrapping-key', like: 'like', key: 'key' },
      },
      {
        name: 'delete-key',
        effect: 'destroy',
        input: fields({ key: required(key()) }),
        outputs: {},
        pointOfNoReturn: true,
      },
      {
        name: 'find-keys',
        effect: 'read',
        input: fields({ label: optional(text) }),
        outputs: {
          keys: out('list'),
          count: out('int'),
          facts: out('map'),
          anything: out('any'),
          share: out('double'),
          name: out('string'),
        },
      },
      {
        name: 'reveal-key',
        effect: 'read',
        input: fields({ key: required(key()) }),
        outputs: { clear: out('secret') },
        exposes: 'plaintext',
      },
      {
        name: 'configure',
        effect: 'change',
        input: fields({
          name: optional({ kind: 'string', pattern: '^[a-z]+$', description: 'lower-case letters' }),
          share: optional({ kind: 'number' }),
          wait: optional({ kind: 'duration' }),
          password: optional(secret),
          tags: optional({ kind: 'map', of: text, keyPattern: '^[a-z]+$' }),
          labels: optional({ kind: 'list', of: text }),
          extra: optional(ANYTHING),
          either: optional({ kind: 'union', of: [{ kind: 'integer' }, { kind: 'list', of: { kind: 'integer' } }] }),
        }),
        outputs: {},
      },
    ] satisfies Omit<ActionSpec, 'summary'>[]
  ).map((action) => [action.name, { ...action, summary: `does ${action.name}` }]),
);

const simulated = fields({ state: optional(path('where its keys lie')), seed: optional({ kind: 'integer' }) });
const pkcs11 = fields({
  module: required(path("the vendor's module")),
  token: required(text),
  pin: required(secret),
  sessions: withDefault({ kind: 'integer', minimum: 1 }, 8),
  'call-timeout': optional({ kind: 'duration' }),
  capabilities: optional(fields({ wrap: optional({ kind: 'list', of: mechanism }) })),
});

const adapter = (name: string): AdapterSpec => ({
  name,
  summary: `a ${name}`,
  drivers: { simulated, pkcs11 },
  actions: ACTIONS,
});

export const TEST_ADAPTERS: Readonly<Record<string, AdapterSpec>> = {
  'luna-classic': adapter('luna-classic'),
  cloudhsm: adapter('cloudhsm'),
};
