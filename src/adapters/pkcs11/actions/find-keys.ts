/** find-keys: the keys that bear a label, an id, a class or a type. Asks the device anew. */
import { KEY_CLASSES, KEY_TYPES, type KeyClass } from '../../../keys/key-spec.ts';
import { labelHex } from '../../../keys/locator.ts';
import { optional } from '../../../schema/shape.ts';
import { done } from '../../actions/action.ts';
import { id, readIdIfGiven, readTextIfGiven, shape } from '../../actions/arguments.ts';
import { parseName } from '../object-index.ts';
import type { Pkcs11Action } from './action.ts';

export const findKeys: Pkcs11Action = {
  spec: {
    name: 'find-keys',
    summary: 'Find keys by label, id, class or type',
    effect: 'read',
    input: shape({
      label: optional({ kind: 'string', description: 'Exact label' }),
      'label-prefix': optional({ kind: 'string', description: 'How the label begins' }),
      id,
      class: optional({ kind: 'enum', values: KEY_CLASSES }),
      type: optional({ kind: 'enum', values: KEY_TYPES }),
    }),
    outputs: { keys: { type: 'list', lifetime: 'run', description: 'The keys found, in the order of their names' } },
  },
  async perform(token, { args }) {
    const exact = readTextIfGiven(args, 'label');
    const prefix = labelHex(readTextIfGiven(args, 'label-prefix') ?? '');
    const wantedId = readIdIfGiven(args);
    const type = readTextIfGiven(args, 'type');
    const keyClass = readTextIfGiven(args, 'class') as KeyClass | undefined;
    return await token.guard('reading', 'find keys', async () => {
      await token.refresh();
      const names: string[] = [];
      for (const [name] of token.index.entries()) {
        const object = parseName(name);
        const isWanted =
          (exact === undefined || object.label === labelHex(exact)) &&
          object.label.startsWith(prefix) &&
          (wantedId === undefined || object.id === wantedId) &&
          (type === undefined || object.type === type) &&
          (keyClass === undefined || object.class === keyClass);
        if (isWanted) names.push(name);
      }
      return done({ keys: names.sort().map((name) => token.ref(parseName(name))) });
    });
  },
};
