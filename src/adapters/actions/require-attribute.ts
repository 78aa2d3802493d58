/** require-attribute: a check that a key has an attribute as wanted. In a plan it finds out beforehand which keys do not. */
import { ATTRIBUTE_NAMES, type AttributeName, attributeFromKebab, kebabName } from '../../keys/attributes.ts';
import type { KeyRef } from '../../keys/key-record.ts';
import type { Locator } from '../../keys/locator.ts';
import { required, withDefault } from '../../schema/shape.ts';
import type { ActionSpec, Finding } from '../adapter.ts';
import type { Refusing } from './acting-device.ts';
import { type Action, type Arguments, done } from './action.ts';
import { key, readBooleanIfGiven, readKey, readKeyIfKnown, readText, shape } from './arguments.ts';

/** One attribute of a key; undefined: the device does not say. */
interface Seen {
  readonly value: boolean | undefined;
  /** Why a key is not extractable, where there is more to say than that. */
  readonly why?: string;
}

interface AttributeCheck<Connection> {
  /** Who does not say whether a key is: `the device`. */
  readonly device?: string;
  readonly quotas?: ActionSpec['quotas'];
  readonly inWords: (locator: Locator) => string;
  readonly look: (connection: Connection, key: KeyRef, name: AttributeName) => Promise<Seen> | Seen;
  /** What leads up to the reason in the refusal: `is`. */
  readonly lead?: string;
  /** Runs all looking of a call, and puts into words what it throws; absent: `look` throws nothing else. */
  readonly guard?: <T>(connection: Connection, words: string, work: () => Promise<T>) => Promise<T>;
}

interface Shortcoming {
  readonly reason: string;
  /** Between the key's name and the reason. */
  readonly joint: string;
  readonly code: 'key-not-extractable' | 'key-not-permitted';
}

/** `not extractable`, `wrap-with-trusted`. */
const phrase = (name: AttributeName, value: boolean): string => `${value ? '' : 'not '}${kebabName(name)}`;

export function requireAttributeBy<Connection extends Refusing>(check: AttributeCheck<Connection>): Action<Connection> {
  const {
    device = 'the device',
    quotas,
    inWords,
    look,
    lead = 'is',
    guard = (_connection, _words, work) => work(),
  } = check;

  /** null: the key is as wanted. */
  async function shortcoming(connection: Connection, args: Arguments): Promise<Shortcoming | null> {
    const ref = readKey(args, 'key');
    const kebab = readText(args, 'name');
    const name = attributeFromKebab(kebab);
    if (name === undefined) throw connection.fail('argument-invalid', `there is no attribute "${kebab}".`);
    const wanted = readBooleanIfGiven(args, 'value') ?? true;
    const looked = look(connection, ref, name);
    // Thousands of keys are looked at in a row: none waits for what is there already.
    const { value, why } = looked instanceof Promise ? await looked : looked;
    if (value === wanted) return null;
    return {
      reason: value === undefined ? `${device} does not say whether it is ${kebab}` : (why ?? phrase(name, value)),
      joint: value === undefined ? ': ' : ` ${lead} `,
      code: name === 'extractable' ? 'key-not-extractable' : 'key-not-permitted',
    };
  }

  return {
    spec: {
      name: 'require-attribute',
      summary: 'Check an attribute of a key',
      effect: 'read',
      input: shape({
        key: key('The key to look at'),
        name: required({ kind: 'enum', values: ATTRIBUTE_NAMES.map(kebabName), description: 'Attribute' }),
        value: withDefault({ kind: 'boolean', description: 'What it must be' }, true),
      }),
      outputs: {},
      role: { kind: 'check' },
      ...(quotas === undefined ? {} : { quotas }),
    },
    async preview(connection, calls) {
      return await guard(connection, 'check an attribute', async () => {
        const findings: (readonly Finding[])[] = [];
        for (const args of calls) {
          const found = readKeyIfKnown(args, 'key') === null ? null : await shortcoming(connection, args);
          findings.push(found === null ? [] : [{ level: 'skip', reason: found.reason }]);
        }
        return findings;
      });
    },
    async perform(connection, { args }) {
      const what = inWords(readKey(args, 'key').locator);
      const found = await guard(connection, `check the ${what}`, () => shortcoming(connection, args));
      if (found === null) return done({});
      throw connection.fail(found.code, `the ${what}${found.joint}${found.reason}.`);
    },
  };
}
