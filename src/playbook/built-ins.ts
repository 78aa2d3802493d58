/** Actions of the built-in namespaces `verify` and `file`, as data: what they do is in src/workflows. */
import type { ActionSpec } from '../adapters/adapter.ts';
import { WRAP_MECHANISMS } from '../keys/mechanisms.ts';
import { optional, path, required, type Shape } from '../schema/shape.ts';

const key = (description: string): Shape => ({ kind: 'opaque', type: 'key', description });
const artifact = (description: string): Shape => ({ kind: 'opaque', type: 'artifact', description });

const sameKey: ActionSpec = {
  name: 'same-key',
  summary: 'compare two keys without either leaving its device',
  effect: 'read',
  role: { kind: 'check' },
  input: {
    kind: 'object',
    fields: { source: required(key('the key as it was')), target: required(key('the key that arrived')) },
  },
  outputs: {
    method: { type: 'string', lifetime: 'run', description: 'how they were compared' },
    strength: {
      type: 'string',
      lifetime: 'run',
      description: 'strong, or weak where only check values could be compared',
    },
  },
};

const readFile: ActionSpec = {
  name: 'read',
  summary: 'read a public key, a wrapped key or other public bytes from a file',
  effect: 'read',
  input: {
    kind: 'object',
    fields: {
      path: required(path('the file to read')),
      as: required({
        kind: 'enum',
        values: ['public-key', 'wrapped-key', 'bytes'],
        description: 'what the file holds',
      }),
      mechanism: optional({
        kind: 'enum',
        values: Object.keys(WRAP_MECHANISMS),
        description: 'for a wrapped key: how it was wrapped',
      }),
    },
  },
  outputs: { data: { type: 'artifact', lifetime: 'run', description: 'what the file holds' } },
};

const writeFile: ActionSpec = {
  name: 'write',
  summary: 'write a public key or a wrapped key to a file; an existing file is never replaced',
  effect: 'change',
  input: {
    kind: 'object',
    fields: { path: required(path('the file to write')), data: required(artifact('what to write')) },
  },
  outputs: { path: { type: 'string', lifetime: 'permanent', description: 'the file that was written' } },
};

/** Namespace → action name → what it takes and gives. */
export const BUILT_INS: Readonly<Record<string, Readonly<Record<string, ActionSpec>>>> = {
  verify: { 'same-key': sameKey },
  file: { read: readFile, write: writeFile },
};
