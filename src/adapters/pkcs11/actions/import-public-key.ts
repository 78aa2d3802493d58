/** import-public-key: brings the public half of another device's wrapping pair here, to wrap under it and nothing else. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { labelHex } from '../../../keys/locator.ts';
import { isPublicKey, rsaFromSpki, spkiFromPem, spkiSha256 } from '../../../keys/public-key.ts';
import { required } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import { artifact, id, label, readIdIfGiven, readText, shape } from '../../actions/arguments.ts';
import { type ActionResult, isNotYet, type Violation } from '../../adapter.ts';
import { CKA } from '../constants.ts';
import { forecast, idFor, reconcileCreation, type Wanted } from '../creation.ts';
import type { Handle } from '../cryptoki.ts';
import { spkiAt } from '../public-half.ts';
import { differences, makeWith, type Template, templateOf } from '../template.ts';
import type { Token } from '../token.ts';
import { WRAPPING_PUBLIC } from '../wrapping-purpose.ts';
import type { Pkcs11Action } from './action.ts';

const wanted = (args: Arguments): Wanted => ({
  classes: ['public'],
  type: 'rsa',
  label: labelHex(readText(args, 'label')),
  id: readIdIfGiven(args),
});

function readSpki(args: Arguments): Uint8Array {
  const value = args['public-key'];
  if (isPublicKey(value)) return spkiFromPem(value.pem);
  throw new KeyferryError('argument-invalid', 'The argument "public-key" must be a public key.');
}

function template(token: Token, args: Arguments, keyId: string): Template {
  const { modulus, exponent } = rsaFromSpki(readSpki(args));
  return templateOf(token, {
    class: 'public',
    type: 'rsa',
    id: keyId,
    label: labelHex(readText(args, 'label')),
    attributes: WRAPPING_PUBLIC,
    more: [
      { type: CKA.MODULUS, value: modulus },
      { type: CKA.PUBLIC_EXPONENT, value: exponent },
    ],
  });
}

function result(token: Token, args: Arguments, keyId: string, handle: Handle): ActionResult {
  const asked = spkiSha256(readSpki(args));
  const got = spkiSha256(spkiAt(token, handle, 'public'));
  const swapped: Violation[] =
    asked === got
      ? []
      : [
          {
            code: 'wrapping-key-swapped',
            message: `${token.name} holds the public key ${got}, not ${asked} that was given.`,
          },
        ];
  return done(
    {
      key: token.ref({ class: 'public', type: 'rsa', id: keyId, label: labelHex(readText(args, 'label')) }),
      spki_sha256: got,
    },
    [...swapped, ...differences(token, handle, template(token, args, keyId), 'wrapping-key-widened')],
  );
}

export const importPublicKey: Pkcs11Action = {
  spec: {
    name: 'import-public-key',
    summary: 'Create a wrapping key from a public key',
    effect: 'create',
    input: shape({
      'public-key': artifact('The public key'),
      label,
      purpose: required({ kind: 'enum', values: ['wrapping'], description: 'It can wrap, nothing else' }),
      id,
    }),
    outputs: {
      key: { type: 'key', lifetime: 'permanent', description: 'The public key on this device' },
      spki_sha256: {
        type: 'string',
        lifetime: 'permanent',
        description: 'SHA-256 of the key as the device shows it, hex',
      },
    },
    undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
  },
  async preview(_token, calls) {
    return calls.map((args) => {
      if (isNotYet(args['public-key'])) return [];
      try {
        rsaFromSpki(readSpki(args));
        return [];
      } catch (error) {
        if (error instanceof KeyferryError) return [{ level: 'block', reason: error.message }];
        throw error;
      }
    });
  },
  async expect(token, { args }, source) {
    return await token.guard('reading', 'look for the public key to be made', () =>
      forecast(token, wanted(args), source),
    );
  },
  async perform(token, call) {
    const { args } = call;
    const target = wanted(args);
    const keyId = idFor(call, target);
    const asked = template(token, args, keyId);
    const handle = await token.guard('changing', `import the public key "${readText(args, 'label')}"`, () =>
      makeWith(token, [asked], ([attributes = []]) => token.module.C_CreateObject(token.lookups, attributes)),
    );
    token.index.add({ class: 'public', type: 'rsa', id: keyId, label: target.label }, handle);
    return await token.guard('checking', 'read the imported public key back', () => result(token, args, keyId, handle));
  },
  async reconcile(token, call, source) {
    return await token.guard('reading', 'look for the imported public key', () =>
      reconcileCreation(token, call, {
        wanted: wanted(call.args),
        source,
        result: async (found) => {
          const made = found.get('public');
          if (made === undefined) throw token.fail('key-not-found', 'the imported public key is gone.');
          return result(token, call.args, made.name.id, made.handle);
        },
      }),
    );
  },
};
