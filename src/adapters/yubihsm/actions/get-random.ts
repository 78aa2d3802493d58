/** get-random: bytes from the device's generator, to be a key. Asking again gives others, so what is made of them is made again with them. */
import { ClearKey } from '../../../keys/clear-key.ts';
import { required } from '../../../schema/shape.ts';
import { done } from '../../actions/action.ts';
import { readInteger, shape } from '../../actions/arguments.ts';
import { getPseudoRandom } from '../commands/get-pseudo-random.ts';
import { sessionLacks } from '../objects/permissions.ts';
import { blocks, type YubiHsmAction } from './action.ts';

const MOST_BYTES = 1024;

export const getRandom: YubiHsmAction = {
  spec: {
    name: 'get-random',
    summary: "Bring random bytes of the device's generator in clear to this computer",
    effect: 'read',
    exposes: 'plaintext',
    input: shape({
      bytes: required({
        kind: 'integer',
        minimum: 1,
        maximum: MOST_BYTES,
        description: 'How many; an AES-256 key has 32',
      }),
    }),
    outputs: { material: { type: 'artifact', lifetime: 'once', description: 'The bytes in clear' } },
  },
  async preview(hsm, calls) {
    return calls.map(() => blocks(sessionLacks(hsm, 'get-pseudo-random')));
  },
  async perform(hsm, { args }) {
    const count = readInteger(args, 'bytes');
    if (count < 1 || count > MOST_BYTES) {
      throw hsm.fail('argument-invalid', `it gives 1 to ${MOST_BYTES} random bytes at once, not ${count}.`);
    }
    const bytes = await hsm.call(getPseudoRandom, { count }, `get ${count} random bytes`);
    return done({ material: new ClearKey('aes', bytes) });
  },
};
