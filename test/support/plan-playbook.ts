/** Playbooks as the parser would give them, built by hand: the planner's tests must not hang on the parser's. */
import type { ActionSpec, Effect } from '../../src/adapters/adapter.ts';
import type { Expression, Json, Playbook, Reference, Scope, Step, Template } from '../../src/playbook/model.ts';
import { type ObjectShape, optional, type Shape, type ValueType } from '../../src/schema/shape.ts';

export const PLACE = { file: 'test.yaml', line: 1, column: 1 };

export const anExpression = (
  references: readonly Reference[],
  evaluate: (scope: Scope) => unknown,
  type: ValueType = 'any',
): Expression => ({ source: 'test', type, references, place: PLACE, evaluate });

export const literal = (value: Json): Template => ({ kind: 'literal', value });
export const theKey: Template = {
  kind: 'expression',
  expression: anExpression([{ kind: 'key' }], (scope) => scope.key?.ref, 'key'),
};
export const anInput = (name: string): Template => ({
  kind: 'expression',
  expression: anExpression([{ kind: 'input', name }], (scope) => scope.inputs[name]),
});
export const anOutput = (step: string, output: string, type: ValueType = 'key'): Template => ({
  kind: 'expression',
  expression: anExpression([{ kind: 'step', step, output }], (scope) => scope.steps[step]?.[output], type),
});
/** `key.FIELD` through a function. */
export const ofKey = (compute: (fields: Readonly<Record<string, unknown>>) => unknown): Expression =>
  anExpression([{ kind: 'key' }], (scope) => compute(scope.key?.fields ?? {}));

const ANY: Shape = { kind: 'string' };
export const takes = (...names: readonly string[]): ObjectShape => ({
  kind: 'object',
  fields: Object.fromEntries(names.map((name) => [name, optional(ANY)])),
});

export const anAction = (name: string, effect: Effect, rest: Partial<ActionSpec> = {}): ActionSpec => ({
  name,
  summary: `${name} of the test`,
  effect,
  input: takes(),
  outputs: {},
  ...rest,
});

const keyOutput = { type: 'key', lifetime: 'permanent', description: 'a key' } as const;
const bytesOutput = { type: 'artifact', lifetime: 'run', description: 'bytes' } as const;

export const ACTIONS = {
  pair: anAction('generate-rsa-key-pair', 'create', { outputs: { public_key: keyOutput, private_key: keyOutput } }),
  import: anAction('import-public-key', 'create', { outputs: { key: keyOutput } }),
  generate: anAction('generate-key', 'create', { outputs: { key: keyOutput } }),
  check: anAction('require-attribute', 'read', { role: { kind: 'check' } }),
  wrap: anAction('wrap-key', 'read', {
    input: takes('key', 'wrapping-key', 'mechanism'),
    outputs: { data: bytesOutput },
    role: { kind: 'wrap', payload: 'key', wrappingKey: 'wrapping-key', wrapped: 'data' },
  }),
  unwrap: anAction('unwrap-key', 'create', {
    input: takes('wrapped-key', 'unwrapping-key', 'like', 'id'),
    outputs: { key: keyOutput },
    role: { kind: 'unwrap', wrapped: 'wrapped-key', unwrappingKey: 'unwrapping-key', like: 'like', key: 'key' },
  }),
  same: anAction('same-key', 'read', { role: { kind: 'check' } }),
  delete: anAction('delete-key', 'destroy', { pointOfNoReturn: true }),
  read: anAction('read', 'read', { outputs: { data: bytesOutput } }),
  write: anAction('write', 'change'),
} as const;

export function aStep(target: string, spec: ActionSpec, rest: Partial<Step> = {}): Step {
  return {
    id: rest.id ?? spec.name.replaceAll('-', '_'),
    block: 'each',
    target,
    action: spec.name,
    spec,
    with: {},
    when: null,
    otherwise: 'fail',
    retry: { attempts: null, backoff: 'fixed', delayMs: 0 },
    timeoutMs: null,
    approval: null,
    rollback: null,
    exposesPlaintext: false,
    place: PLACE,
    ...rest,
  };
}

/** The main route: source → target under RSA-OAEP. */
export function aPlaybook(rest: Partial<Playbook> = {}): Playbook {
  return {
    name: 'test-route',
    title: 'A route of the test',
    devices: { source: 'fake-adapter', target: 'fake-adapter' },
    inputs: { bits: { type: 'integer' } },
    over: { kind: 'keys', from: 'source', where: null, place: PLACE },
    prepare: [
      aStep('target', ACTIONS.pair, { id: 'pair', block: 'prepare', with: { bits: anInput('bits') } }),
      aStep('source', ACTIONS.import, {
        id: 'wrapper',
        block: 'prepare',
        with: { 'public-key': anOutput('pair', 'public_key') },
      }),
    ],
    canary: null,
    each: mainSteps(),
    afterEach: [],
    finally: [
      aStep('target', ACTIONS.delete, {
        id: 'cleanup',
        block: 'finally',
        with: { key: anOutput('pair', 'private_key') },
      }),
    ],
    policy: { concurrency: 4, ramp: [{ share: 1 }], stopWhen: null },
    verify: 'strong',
    exposesPlaintext: false,
    document: { keyferry: 1, playbook: 'test-route' },
    ...rest,
  };
}

export const mainSteps = (): Step[] => [
  aStep('source', ACTIONS.check, {
    id: 'check',
    with: { key: theKey, name: literal('extractable') },
    otherwise: 'skip',
  }),
  aStep('source', ACTIONS.wrap, {
    id: 'wrapped',
    with: { key: theKey, 'wrapping-key': anOutput('wrapper', 'key'), mechanism: literal('rsa-oaep-sha1') },
  }),
  aStep('target', ACTIONS.unwrap, {
    id: 'arrived',
    with: {
      'wrapped-key': anOutput('wrapped', 'data', 'artifact'),
      'unwrapping-key': anOutput('pair', 'private_key'),
      like: theKey,
    },
  }),
  aStep('verify', ACTIONS.same, { id: 'same', with: { source: theKey, target: anOutput('arrived', 'key') } }),
];
