/**
 * What a playbook file may look like (docs/playbooks.md; architecture §4), as shapes. The checker walks them, and the editor's JSON
 * Schema is made from them. What a shape cannot say — names, types of arguments, order — is checked where it is read.
 */
import { ANYTHING, type ObjectShape, optional, required, type Shape, withDefault } from '../schema/shape.ts';
import { IDENTIFIER_PATTERN, KEBAB_PATTERN } from './names.ts';

export const ACTION_PATTERN = '^[a-z][a-z0-9_-]*\\.[a-z][a-z0-9-]*$';

/** CEL without `${{ }}`; read by bare-expression.ts. */
export const CONDITION: Shape = { kind: 'string', description: 'a CEL expression that is true or false' };
/** Read by template.ts against the action's own input shape. */
export const ARGUMENT: Shape = { ...ANYTHING, description: 'a literal, or text with ${{ }} in it' };
const ARGUMENTS: Shape = { kind: 'map', of: ARGUMENT, description: "the action's arguments" };
/** Text with `${{ inputs.… }}`. */
export const FILE_PATTERN: Shape = {
  kind: 'string',
  description: 'files to repeat over; * stands for any text within a folder',
};
/** Read by inputs.ts: a default's type depends on the input's. */
export const INPUT_VALUE: Shape = { kind: 'union', of: [{ kind: 'string' }, { kind: 'number' }, { kind: 'boolean' }] };

const name: Shape = { kind: 'string', pattern: KEBAB_PATTERN, description: 'lower-case words joined by -' };
const action: Shape = {
  kind: 'string',
  pattern: ACTION_PATTERN,
  description: 'device.action, as in cluster.unwrap-key',
};

const retry: ObjectShape = {
  kind: 'object',
  description: 'tries after a passing failure; a call whose outcome is unknown is settled, never repeated blindly',
  fields: {
    attempts: optional({
      kind: 'integer',
      minimum: 1,
      maximum: 100,
      description: 'tries in all; without it 6, and 12 at a service with request quotas',
    }),
    backoff: withDefault({ kind: 'enum', values: ['exponential', 'fixed'] }, 'exponential'),
    delay: withDefault({ kind: 'duration', description: 'before the second try' }, '1s'),
  },
};

const rollback: ObjectShape = {
  kind: 'object',
  description: 'what undoes the step',
  fields: { do: required(action), with: optional(ARGUMENTS) },
};

export const STEP: ObjectShape = {
  kind: 'object',
  fields: {
    id: optional({ kind: 'string', description: 'name by which later steps take its outputs' }),
    do: required(action),
    with: optional(ARGUMENTS),
    when: optional(CONDITION),
    otherwise: optional({
      kind: 'enum',
      values: ['skip', 'fail'],
      description: 'for checks: what becomes of an item that does not pass',
    }),
    retry: optional(retry),
    timeout: optional({ kind: 'duration', description: 'how long one call may take' }),
    approval: optional({
      kind: 'object',
      description: 'the run pauses here until so many approvers have signed',
      fields: {
        quorum: required({ kind: 'integer', minimum: 1, maximum: 100, description: 'how many must sign' }),
        'valid-for': optional({ kind: 'duration', description: 'how long a request may be signed; 24h if left out' }),
      },
    }),
    rollback: optional(rollback),
    exposes: optional({
      kind: 'enum',
      values: ['plaintext'],
      description: 'says that this step shows key bytes to the host',
    }),
  },
};

/** A throw-away key: nothing refers to it by id, `key` stands for it in `each`. */
export const CANARY: ObjectShape = {
  kind: 'object',
  description: 'proves the route with a throw-away key before the first real one',
  fields: { do: required(action), with: optional(ARGUMENTS), timeout: optional({ kind: 'duration' }) },
};

const input: ObjectShape = {
  kind: 'object',
  fields: {
    type: required({ kind: 'enum', values: ['string', 'integer', 'number', 'boolean', 'secret', 'path'] }),
    enum: optional({ kind: 'list', of: INPUT_VALUE, description: 'the values it may have' }),
    default: optional(INPUT_VALUE),
    description: optional({ kind: 'string' }),
  },
};

const policy: ObjectShape = {
  kind: 'object',
  fields: {
    concurrency: withDefault({ kind: 'integer', minimum: 1, maximum: 4096, description: 'items at work at once' }, 16),
    ramp: optional({
      kind: 'list',
      of: {
        kind: 'union',
        of: [
          { kind: 'integer', minimum: 1 },
          { kind: 'string', pattern: '^(100|[1-9][0-9]?)%$' },
        ],
      },
      description: 'how many items to finish before the next batch starts: numbers, or shares of all',
    }),
    'stop-when': optional(CONDITION),
  },
};

const steps: Shape = { kind: 'list', of: STEP };

export const PLAYBOOK: ObjectShape = {
  kind: 'object',
  fields: {
    keyferry: required({ kind: 'enum', values: [1], description: 'version of the playbook format' }),
    playbook: required(name),
    title: optional({ kind: 'string' }),
    devices: required({
      kind: 'map',
      keyPattern: KEBAB_PATTERN,
      of: { kind: 'string' },
      description: 'the roles the playbook needs, and the adapter of each',
    }),
    inputs: optional({ kind: 'map', of: input, description: `names match ${IDENTIFIER_PATTERN}` }),
    keys: optional({
      kind: 'object',
      description: 'which keys to repeat over',
      fields: { from: required({ kind: 'string' }), where: optional(CONDITION) },
    }),
    items: optional({
      kind: 'object',
      description: 'which files to repeat over',
      fields: { files: required(FILE_PATTERN) },
    }),
    prepare: optional({ ...steps, description: 'once per run, before anything else' }),
    canary: optional(CANARY),
    each: optional({ ...steps, description: 'once per item; items run concurrently and fail alone' }),
    'after-each': optional({ ...steps, description: 'for every item that started, whatever became of it' }),
    finally: optional({ ...steps, description: 'when the run ends, also after failures and a cancel' }),
    policy: optional(policy),
    verify: withDefault(
      { kind: 'enum', values: ['strong', 'weak'], description: 'weak: keys that cannot be compared strongly may move' },
      'strong',
    ),
  },
};
