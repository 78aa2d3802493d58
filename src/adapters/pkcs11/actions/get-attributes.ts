/** get-attributes: what a key says of itself, for conditions and reports. An attribute that the key has not is false. */
import { ATTRIBUTE_NAMES, snakeName } from '../../../keys/attributes.ts';
import { done } from '../../actions/action.ts';
import { key, readKey, shape } from '../../actions/arguments.ts';
import type { OutputSpec } from '../../adapter.ts';
import { checkValue } from '../fingerprints.ts';
import { recordOf } from '../key-record.ts';
import { inWords, locate } from '../locate.ts';
import type { Pkcs11Action } from './action.ts';

const text = (description: string): OutputSpec => ({ type: 'string', lifetime: 'run', description });

export const getAttributes: Pkcs11Action = {
  spec: {
    name: 'get-attributes',
    summary: 'Read the attributes of a key',
    effect: 'read',
    input: shape({ key: key('The key to read') }),
    outputs: {
      label: text('Label; hex when it is not text'),
      id: text('Id in hex'),
      class: text('secret, public or private'),
      type: text('aes, des3, generic-secret, rsa, ec or other'),
      bits: { type: 'int', lifetime: 'run', description: 'Key length in bits, 0 where the device does not say' },
      curve: text('Named curve of an EC key: P-256, P-384, P-521 or secp256k1; else empty'),
      kcv: text('Key check value, empty where the key cannot make one'),
      ...Object.fromEntries(
        ATTRIBUTE_NAMES.map((name): [string, OutputSpec] => [
          snakeName(name),
          { type: 'bool', lifetime: 'run', description: `Attribute ${snakeName(name).replaceAll('_', '-')}` },
        ]),
      ),
    },
  },
  async perform(token, { args }) {
    const ref = readKey(args, 'key');
    return await token.guard('reading', `read the ${inWords(ref.locator)}`, async () => {
      const facts = token.facts(await locate(token, ref), ref.locator.class);
      const record = recordOf(token, facts, await checkValue(token, facts), null);
      return done({
        label: record.label,
        id: record.id,
        class: record.class,
        type: record.type,
        bits: record.bits,
        curve: record.curve ?? '',
        kcv: record.kcv ?? '',
        ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [snakeName(name), record.attributes[name] ?? false])),
      });
    });
  },
};
