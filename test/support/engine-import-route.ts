/**
 * A target that hands out import parameters, each good for one key and once: what is wrapped under another public key than the token's is
 * refused, as a KMS does. Plays the devices of engine-fakes; what they hold can be looked at.
 */
import type { ActionResult, Reconciliation } from '../../src/adapters/adapter.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { KeyRef } from '../../src/keys/key-record.ts';
import { labelHex, labelText } from '../../src/keys/locator.ts';
import type { Playbook, Step } from '../../src/playbook/model.ts';
import { done, type Script, type Told } from './engine-fakes.ts';
import { ACTIONS, anAction, anOutput, aPlaybook, aStep, takes, theKey } from './plan-playbook.ts';

const key = { type: 'key', lifetime: 'permanent', description: 'a key' } as const;
const once = { type: 'artifact', lifetime: 'once', description: 'good once' } as const;
const bytes = { type: 'artifact', lifetime: 'run', description: 'bytes' } as const;

const SPECS = {
  create: anAction('create-key', 'create', {
    input: takes('like'),
    outputs: { key },
    undo: [{ action: 'schedule-deletion', argument: 'doomed', output: 'key' }],
  }),
  parameters: anAction('get-import-parameters', 'read', {
    input: takes('key'),
    outputs: { public_key: once, parameters: once },
  }),
  wrapper: anAction('import-public-key', 'create', {
    input: takes('public-key', 'like'),
    outputs: { key },
    undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
  }),
  wrap: anAction('wrap-key', 'read', {
    input: takes('key', 'wrapping-key'),
    outputs: { data: bytes },
    role: { kind: 'wrap', payload: 'key', wrappingKey: 'wrapping-key', wrapped: 'data' },
  }),
  import: anAction('import-key-material', 'change', {
    input: takes('key', 'wrapped-key', 'parameters', 'like'),
    outputs: { key },
    role: { kind: 'unwrap', wrapped: 'wrapped-key', unwrappingKey: 'parameters', like: 'like', key: 'key' },
  }),
  confirm: anAction('check-usable', 'read', {
    input: takes('key'),
    outputs: {
      method: { type: 'string', lifetime: 'run', description: 'how' },
      strength: { type: 'string', lifetime: 'run', description: 'how far' },
    },
    role: { kind: 'prove', method: 'method', strength: 'strength' },
  }),
} as const;

export function importPlaybook(rest: Partial<Playbook> = {}): Playbook {
  const each: Step[] = [
    aStep('target', SPECS.create, { id: 'made', with: { like: theKey } }),
    aStep('target', SPECS.parameters, { id: 'parameters', with: { key: anOutput('made', 'key') } }),
    aStep('source', SPECS.wrapper, {
      id: 'wrapper',
      with: { 'public-key': anOutput('parameters', 'public_key', 'artifact'), like: theKey },
    }),
    aStep('source', SPECS.wrap, {
      id: 'wrapped',
      with: { key: theKey, 'wrapping-key': anOutput('wrapper', 'key') },
    }),
    aStep('target', SPECS.import, {
      id: 'imported',
      with: {
        key: anOutput('made', 'key'),
        'wrapped-key': anOutput('wrapped', 'data', 'artifact'),
        parameters: anOutput('parameters', 'parameters', 'artifact'),
        like: theKey,
      },
    }),
    aStep('target', SPECS.confirm, { id: 'usable', with: { key: anOutput('imported', 'key') } }),
  ];
  const afterEach = [
    aStep('source', ACTIONS.delete, {
      id: 'forget',
      block: 'after-each',
      with: { key: anOutput('wrapper', 'key') },
    }),
  ];
  return aPlaybook({ prepare: [], each, afterEach, finally: [], ...rest });
}

export interface ImportBureau {
  readonly script: Script;
  /** Names of keys on the target → whether their material was imported. */
  readonly made: Map<string, 'pending' | 'imported'>;
  /** Imported public keys on the source → which parameters they came with. */
  readonly wrappers: Map<string, number>;
  /** Parameters handed out so far. */
  readonly handedOut: () => number;
  /** Imports that were done, by name. */
  readonly imports: string[];
  /** Of the next parameters: ms since the epoch. */
  validUntilMs: number;
}

const textOf = (value: unknown): string => labelText((value as KeyRef).locator.label) ?? '';

function refTo(device: string, name: string, id: string): KeyRef {
  const locator = {
    serial: device,
    class: 'public',
    type: 'rsa',
    id,
    label: labelHex(name),
    fingerprint: null,
  } as const;
  return { kind: 'key', device, locator };
}

export function importBureau(): ImportBureau {
  let count = 0;
  const bureau = {
    made: new Map<string, 'pending' | 'imported'>(),
    wrappers: new Map<string, number>(),
    imports: [] as string[],
    validUntilMs: Number.MAX_SAFE_INTEGER,
  };
  const onTarget = (name: string): KeyRef => refTo('target', name, '01');
  const found = (isThere: boolean, outputs: ActionResult['outputs']): Reconciliation =>
    isThere ? { state: 'done', outputs, violations: [] } : { state: 'absent' };
  const script: Script = {
    'target create-key': async ({ call }) => {
      const name = textOf(call.args.like);
      if (bureau.made.has(name)) throw new Error(`${name} was made twice`);
      bureau.made.set(name, 'pending');
      return done({ key: onTarget(name) });
    },
    'target reconcile create-key': async ({ call }) => {
      const name = textOf(call.args.like);
      return found(bureau.made.has(name), { key: onTarget(name) });
    },
    'target schedule-deletion': async ({ call }) => {
      bureau.made.delete(textOf(call.args.doomed));
      return done({});
    },
    'target reconcile schedule-deletion': async ({ call }) => found(!bureau.made.has(textOf(call.args.doomed)), {}),
    'target get-import-parameters': async () => {
      count += 1;
      const { validUntilMs } = bureau;
      return done({ public_key: { kind: 'bytes', count }, parameters: { kind: 'bytes', count, validUntilMs } });
    },
    'source import-public-key': async ({ call }) => {
      const name = textOf(call.args.like);
      if (bureau.wrappers.has(name)) throw new Error(`a second wrapping key for ${name}`);
      bureau.wrappers.set(name, countOf(call.args['public-key']));
      return done({ key: refTo('source', name, '02') });
    },
    'source reconcile import-public-key': async ({ call }) => {
      const name = textOf(call.args.like);
      const isThere = bureau.wrappers.has(name);
      if (!isThere || bureau.wrappers.get(name) === countOf(call.args['public-key']))
        return found(isThere, { key: refTo('source', name, '02') });
      const violations = [{ code: 'wrapping-key-swapped', message: 'another public key' }] as const;
      return { state: 'done', outputs: { key: refTo('source', name, '02') }, violations };
    },
    'source wrap-key': async ({ call }) => {
      const under = bureau.wrappers.get(textOf(call.args['wrapping-key']));
      return done({ data: { kind: 'wrapped-key', bytes: new Uint8Array(1), under } });
    },
    'source delete-key': async ({ call }) => {
      if (!bureau.wrappers.delete(textOf(call.args.key))) throw new KeyferryError('key-not-found', 'it is gone');
      return done({});
    },
    'source reconcile delete-key': async ({ call }) => found(!bureau.wrappers.has(textOf(call.args.key)), {}),
    'target import-key-material': async ({ call }) => {
      const { key: made, parameters, 'wrapped-key': wrapped } = call.args;
      const name = textOf(made);
      if ((wrapped as { under: number }).under !== countOf(parameters))
        throw new KeyferryError('device-refused', 'wrapped under another public key');
      if (bureau.made.get(name) !== 'pending') throw new Error(`${name} was imported twice`);
      bureau.made.set(name, 'imported');
      bureau.imports.push(name);
      return done({ key: onTarget(name) });
    },
    'target reconcile import-key-material': async ({ call }) => {
      const name = textOf(call.args.key);
      return found(bureau.made.get(name) === 'imported', { key: onTarget(name) });
    },
    'target check-usable': async () => done({ method: 'functional', strength: 'none' }),
  };
  return Object.assign(bureau, { script, handedOut: () => count });
}

const countOf = (value: unknown): number => (value as { count: number }).count;

/** Every call that changes something, and every one that asks. */
export const IMPORT_CALLS = [
  'target create-key',
  'target get-import-parameters',
  'source import-public-key',
  'source wrap-key',
  'target import-key-material',
  'target check-usable',
  'source delete-key',
] as const;

/** The device does it, or does not, and is then gone. */
export const breaking = (
  script: Script,
  call: string,
  isDone: boolean,
  when: (told: Told) => boolean = () => true,
): Script => ({
  ...script,
  [call]: async (told: Told) => {
    if (!when(told)) return script[call]?.(told);
    if (isDone) await script[call]?.(told);
    throw new KeyferryError('device-lost', 'the device is gone', { outcome: 'unknown' });
  },
});
