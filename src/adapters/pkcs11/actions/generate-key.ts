/** generate-key: a new symmetric key, made by the device. Not extractable unless the playbook says so. */
import { type KeyAttributes, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import type { KeyType } from '../../../keys/key-spec.ts';
import { labelHex } from '../../../keys/locator.ts';
import { optional, required, withDefault } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import {
  attributes,
  id,
  label,
  readAttributes,
  readBooleanIfGiven,
  readIdIfGiven,
  readInteger,
  readText,
  readTextIfGiven,
  shape,
} from '../../actions/arguments.ts';
import { ulongAttribute } from '../attribute-codec.ts';
import { CKA, CKM } from '../constants.ts';
import { forecast, idFor, reconcileCreation, type Wanted } from '../creation.ts';
import type { Handle } from '../cryptoki.ts';
import { sameLabelNotes } from '../same-label.ts';
import { differences, makeWith, type Template, templateOf } from '../template.ts';
import type { Token } from '../token.ts';
import { TRANSIT_KEK } from '../wrapping-purpose.ts';
import type { Pkcs11Action } from './action.ts';

export const KEY_GENERATION: Readonly<Partial<Record<KeyType, number>>> = {
  aes: CKM.AES_KEY_GEN,
  des3: CKM.DES3_KEY_GEN,
  'generic-secret': CKM.GENERIC_SECRET_KEY_GEN,
};

const NO_USAGE: KeyAttributes = Object.fromEntries(USAGE_ATTRIBUTES.map((name) => [name, false]));

export const KEY_GENERATION_USAGE: Readonly<Partial<Record<KeyType, KeyAttributes>>> = {
  aes: { encrypt: true, decrypt: true },
  des3: { encrypt: true, decrypt: true },
  'generic-secret': { sign: true, verify: true },
};

const SIZES: Readonly<Partial<Record<KeyType, (bits: number) => boolean>>> = {
  aes: (bits) => [128, 192, 256].includes(bits),
  des3: (bits) => bits === 192,
  'generic-secret': (bits) => bits % 8 === 0 && bits >= 8 && bits <= 6400,
};

const wanted = (args: Arguments): Wanted => ({
  classes: ['secret'],
  type: readText(args, 'type') as KeyType,
  label: labelHex(readText(args, 'label')),
  id: readIdIfGiven(args),
});

const isWrapping = (args: Arguments): boolean => readTextIfGiven(args, 'purpose') === 'wrapping';

function template(token: Token, args: Arguments, keyId: string): Template {
  const { type, label: text } = wanted(args);
  const usual: KeyAttributes = {
    private: true,
    sensitive: true,
    extractable: readBooleanIfGiven(args, 'extractable') ?? false,
    ...NO_USAGE,
    ...KEY_GENERATION_USAGE[type],
  };
  const asked: KeyAttributes = { ...(isWrapping(args) ? TRANSIT_KEK : usual), ...readAttributes(args) };
  // The length of a triple-DES key is no choice, and modules refuse to be told.
  const more = type === 'des3' ? [] : [ulongAttribute(CKA.VALUE_LEN, readInteger(args, 'bits') / 8)];
  return templateOf(token, { class: 'secret', type, id: keyId, label: text, attributes: asked, more });
}

function problem(token: Token, args: Arguments): string | null {
  const type = readText(args, 'type') as KeyType;
  const bits = readInteger(args, 'bits');
  const number = KEY_GENERATION[type];
  if (number === undefined || !token.mechanisms.has(number)) return `${token.name} cannot generate ${type} keys`;
  if (SIZES[type]?.(bits) !== true) return `there is no ${type} key of ${bits} bits`;
  if (isWrapping(args) && type !== 'aes') return 'a wrapping key must be AES';
  return null;
}

const readBack = (token: Token, args: Arguments, keyId: string, handle: Handle) =>
  differences(token, handle, template(token, args, keyId), isWrapping(args) ? 'wrapping-key-widened' : undefined);

export const generateKey: Pkcs11Action = {
  spec: {
    name: 'generate-key',
    summary: 'Generate a symmetric key on the device',
    effect: 'create',
    input: shape({
      type: required({ kind: 'enum', values: ['aes', 'des3', 'generic-secret'], description: 'Key type' }),
      bits: required({ kind: 'integer', minimum: 8, maximum: 6400, description: 'Key length in bits (des3: 192)' }),
      label,
      id,
      extractable: withDefault({ kind: 'boolean', description: 'Whether it may leave the device wrapped' }, false),
      purpose: optional({
        kind: 'enum',
        values: ['wrapping'],
        description: 'A transit key: it can wrap and unwrap only',
      }),
      attributes,
    }),
    outputs: { key: { type: 'key', lifetime: 'permanent', description: 'The new key' } },
    undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
  },
  async preview(token, calls) {
    const notes = await token.guard('reading', 'look for keys of that label', () =>
      sameLabelNotes(token, calls, ['secret']),
    );
    return calls.map((args, index) => {
      const reason = problem(token, args);
      return reason === null ? (notes[index] ?? []) : [{ level: 'block', reason }];
    });
  },
  async expect(token, { args }, source) {
    return await token.guard('reading', 'look for the key to be made', () => forecast(token, wanted(args), source));
  },
  async perform(token, call) {
    const { args } = call;
    const reason = problem(token, args);
    if (reason !== null) throw token.fail('capability-missing', `${reason}.`);
    const target = wanted(args);
    const keyId = idFor(call, target);
    const type = KEY_GENERATION[target.type] ?? CKM.AES_KEY_GEN;
    const handle = await token.guard('changing', `generate the key "${readText(args, 'label')}"`, () =>
      makeWith(token, [template(token, args, keyId)], ([attributes = []]) =>
        token.pool.use((session) => token.module.C_GenerateKey(session, { type }, attributes)),
      ),
    );
    const name = { class: 'secret', type: target.type, id: keyId, label: target.label } as const;
    token.index.add(name, handle);
    return await token.guard('checking', 'read the new key back', () =>
      done({ key: token.ref(name) }, readBack(token, args, keyId, handle)),
    );
  },
  async reconcile(token, call, source) {
    return await token.guard('reading', 'look for the new key', () =>
      reconcileCreation(token, call, {
        wanted: wanted(call.args),
        source,
        result: async (found) => {
          const made = found.get('secret');
          if (made === undefined) throw token.fail('key-not-found', 'the new key is gone.');
          return {
            outputs: { key: token.ref(made.name) },
            violations: readBack(token, call.args, made.name.id, made.handle),
          };
        },
      }),
    );
  },
};
