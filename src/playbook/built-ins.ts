/** Actions of the built-in namespaces `verify` and `file`, as data: what they do is in src/workflows. */
import type { ActionSpec } from '../adapters/adapter.ts';
import { WRAP_MECHANISMS } from '../keys/mechanisms.ts';
import { optional, path, required, type Shape } from '../schema/shape.ts';

const key = (description: string): Shape => ({ kind: 'opaque', type: 'key', description });
const artifact = (description: string): Shape => ({ kind: 'opaque', type: 'artifact', description });

const sameKey: ActionSpec = {
  name: 'same-key',
  summary: 'Compare two keys without either leaving its device',
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

const checkFolder: ActionSpec = {
  name: 'check-folder',
  summary: 'Check that a folder is there and can be written',
  effect: 'read',
  role: { kind: 'check' },
  input: {
    kind: 'object',
    fields: {
      path: required(path('the folder')),
      without: optional({
        kind: 'string',
        description:
          'the plan blocks where the folder has a file of such a name already, with * and ?: it could be replaced',
      }),
    },
  },
  outputs: {},
};

const readFile: ActionSpec = {
  name: 'read',
  summary: 'Read a public key, a wrapped key or other public bytes from a file',
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
  summary: 'Write a public key or a wrapped key to a file, whole or not at all; a file of that name is replaced',
  effect: 'change',
  input: {
    kind: 'object',
    fields: { path: required(path('the file to write')), data: required(artifact('what to write')) },
  },
  outputs: { path: { type: 'string', lifetime: 'permanent', description: 'the file that was written' } },
};

const writePlaintext: ActionSpec = {
  name: 'write-plaintext',
  summary: 'Write a key in clear to a file that only its owner can read; an existing file is never replaced',
  effect: 'change',
  exposes: 'plaintext',
  input: {
    kind: 'object',
    fields: { path: required(path('the file to write')), data: required(artifact('the key, as export-key gives it')) },
  },
  outputs: { path: { type: 'string', lifetime: 'permanent', description: 'the file that was written' } },
};

const imported = {
  path: required(path('the file that the key was imported from')),
  key: required(key('the imported key: the file must still hold it, and its device have it')),
};

const shredFile: ActionSpec = {
  name: 'shred',
  summary: 'Overwrite and remove the file of an imported key; disks, snapshots and backups may keep older copies',
  effect: 'destroy',
  pointOfNoReturn: true,
  input: { kind: 'object', fields: imported },
  outputs: {},
};

const markFile: ActionSpec = {
  name: 'mark',
  summary: 'Rename the file of an imported key to NAME.imported; the key stays readable in it',
  effect: 'change',
  input: { kind: 'object', fields: imported },
  outputs: { path: { type: 'string', lifetime: 'permanent', description: 'the new name' } },
};

/** Namespace → action name → what it takes and gives. */
export const BUILT_INS: Readonly<Record<string, Readonly<Record<string, ActionSpec>>>> = {
  verify: { 'same-key': sameKey },
  file: {
    'check-folder': checkFolder,
    read: readFile,
    write: writeFile,
    'write-plaintext': writePlaintext,
    shred: shredFile,
    mark: markFile,
  },
};
