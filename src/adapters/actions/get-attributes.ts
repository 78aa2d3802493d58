/** get-attributes: what a key says of itself, for conditions and reports. An attribute that the key has not is false. */
import { ATTRIBUTE_NAMES, snakeName } from '../../keys/attributes.ts';
import type { KeyRecord, KeyRef } from '../../keys/key-record.ts';
import type { ActionSpec, OutputSpec } from '../adapter.ts';
import { type Action, done } from './action.ts';
import { key, readKey, shape } from './arguments.ts';

const text = (description: string): OutputSpec => ({ type: 'string', lifetime: 'run', description });

interface AttributeReader<Connection> {
  /** Key types that the device can have, in words; absent: any. */
  readonly types?: string;
  readonly bits?: string;
  readonly quotas?: ActionSpec['quotas'];
  /** As it is now. */
  readonly read: (connection: Connection, key: KeyRef) => Promise<KeyRecord>;
}

export function getAttributesBy<Connection>(reader: AttributeReader<Connection>): Action<Connection> {
  const {
    types = 'aes, des3, generic-secret, rsa, ec or other',
    bits = 'Key length in bits, 0 where the device does not say',
    quotas,
    read,
  } = reader;
  return {
    spec: {
      name: 'get-attributes',
      summary: 'Read the attributes of a key',
      effect: 'read',
      input: shape({ key: key('The key to read') }),
      outputs: {
        label: text('Label; hex when it is not text'),
        id: text('Id in hex'),
        class: text('secret, public or private'),
        type: text(types),
        bits: { type: 'int', lifetime: 'run', description: bits },
        curve: text('Named curve of an EC key: P-256, P-384, P-521 or secp256k1; else empty'),
        kcv: text('Key check value, empty where the key cannot make one'),
        ...Object.fromEntries(
          ATTRIBUTE_NAMES.map((name): [string, OutputSpec] => [
            snakeName(name),
            { type: 'bool', lifetime: 'run', description: `Attribute ${snakeName(name).replaceAll('_', '-')}` },
          ]),
        ),
      },
      ...(quotas === undefined ? {} : { quotas }),
    },
    async perform(connection, { args }) {
      const record = await read(connection, readKey(args, 'key'));
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
    },
  };
}
