/** find-keys: the keys that bear a label, an id, a class or a type. Asks the device anew; how it lists its keys is its own. */
import type { KeyRef } from '../../keys/key-record.ts';
import { KEY_CLASSES, KEY_TYPES } from '../../keys/key-spec.ts';
import { type Locator, labelHex } from '../../keys/locator.ts';
import { type Field, optional } from '../../schema/shape.ts';
import type { ActionSpec } from '../adapter.ts';
import { type Action, type Arguments, done } from './action.ts';
import { readTextIfGiven, shape } from './arguments.ts';

type KeyName = Pick<Locator, 'class' | 'type' | 'id' | 'label'>;

interface KeySearch<Connection> {
  readonly summary?: string;
  /** What the keys that are found are in the order of. */
  readonly order: 'names' | 'ids';
  readonly id: Field;
  /** As a locator has it. */
  readonly readId: (args: Arguments) => string | undefined;
  /** By what else this device can look for keys. */
  readonly more?: Readonly<Record<string, Field>>;
  readonly quotas?: ActionSpec['quotas'];
  /** The keys there are now whose names are wanted, in order. */
  readonly find: (
    connection: Connection,
    isWanted: (name: KeyName) => boolean,
    args: Arguments,
  ) => Promise<readonly KeyRef[]>;
}

export function findKeysBy<Connection>(search: KeySearch<Connection>): Action<Connection> {
  const { summary = 'Find keys by label, id, class or type', order, id, readId, more, quotas, find } = search;
  return {
    spec: {
      name: 'find-keys',
      summary,
      effect: 'read',
      input: shape({
        label: optional({ kind: 'string', description: 'Exact label' }),
        'label-prefix': optional({ kind: 'string', description: 'How the label begins' }),
        id,
        ...more,
        class: optional({ kind: 'enum', values: KEY_CLASSES }),
        type: optional({ kind: 'enum', values: KEY_TYPES }),
      }),
      outputs: {
        keys: { type: 'list', lifetime: 'run', description: `The keys found, in the order of their ${order}` },
      },
      ...(quotas === undefined ? {} : { quotas }),
    },
    async perform(connection, { args }) {
      return done({ keys: await find(connection, wanted(args, readId(args)), args) });
    },
  };
}

function wanted(args: Arguments, id: string | undefined): (name: KeyName) => boolean {
  const label = readTextIfGiven(args, 'label');
  const exact = label === undefined ? undefined : labelHex(label);
  const prefix = labelHex(readTextIfGiven(args, 'label-prefix') ?? '');
  const type = readTextIfGiven(args, 'type');
  const keyClass = readTextIfGiven(args, 'class');
  return (name) =>
    (exact === undefined || name.label === exact) &&
    name.label.startsWith(prefix) &&
    (id === undefined || name.id === id) &&
    (type === undefined || name.type === type) &&
    (keyClass === undefined || name.class === keyClass);
}
