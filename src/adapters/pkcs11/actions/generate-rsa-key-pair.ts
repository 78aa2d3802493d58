/** generate-rsa-key-pair: a pair for wrapping; the private half stays on the device and can unwrap, nothing else. */
import { labelHex } from '../../../keys/locator.ts';
import { spkiSha256 } from '../../../keys/public-key.ts';
import { required, withDefault } from '../../../schema/shape.ts';
import type { ActionResult } from '../../adapter.ts';
import { ulongAttribute } from '../attribute-codec.ts';
import { CKA } from '../constants.ts';
import { forecast, idFor, reconcileCreation, type Wanted } from '../creation.ts';
import type { Handle } from '../cryptoki.ts';
import { spkiOf } from '../fingerprints.ts';
import { differences, makeWith, type Template, templateOf } from '../template.ts';
import type { Token } from '../token.ts';
import { notLocal, UNWRAPPING_PRIVATE, WRAPPING_PUBLIC } from '../wrapping-purpose.ts';
import { type Arguments, done, type Pkcs11Action } from './action.ts';
import { id, label, readIdIfGiven, readInteger, readText, shape } from './arguments.ts';

const wanted = (args: Arguments): Wanted => ({
  classes: ['public', 'private'],
  type: 'rsa',
  label: labelHex(readText(args, 'label')),
  id: readIdIfGiven(args),
});

function templates(token: Token, args: Arguments, keyId: string): { public: Template; private: Template } {
  const common = { type: 'rsa', id: keyId, label: labelHex(readText(args, 'label')) } as const;
  const more = [
    ulongAttribute(CKA.MODULUS_BITS, readInteger(args, 'modulus-bits')),
    { type: CKA.PUBLIC_EXPONENT, value: new Uint8Array([1, 0, 1]) },
  ];
  return {
    public: templateOf(token, { ...common, class: 'public', attributes: WRAPPING_PUBLIC, more }),
    private: templateOf(token, { ...common, class: 'private', attributes: UNWRAPPING_PRIVATE }),
  };
}

const generator = (token: Token): number | undefined =>
  token.profile.rsaKeyPairGen.find((number) => token.mechanisms.has(number));

function problem(token: Token, args: Arguments): string | null {
  const number = generator(token);
  if (number === undefined) return `${token.name} cannot generate RSA keys`;
  const bits = readInteger(args, 'modulus-bits');
  const { minKeySize, maxKeySize } = token.module.C_GetMechanismInfo(token.info.slot, number);
  if (bits < minKeySize || (maxKeySize > 0 && bits > maxKeySize)) {
    return `${token.name} generates RSA keys of ${minKeySize} to ${maxKeySize} bits, not ${bits}`;
  }
  return null;
}

function result(
  token: Token,
  args: Arguments,
  keyId: string,
  halves: { publicKey: Handle; privateKey: Handle },
): ActionResult {
  const asked = templates(token, args, keyId);
  const name = { type: 'rsa', id: keyId, label: labelHex(readText(args, 'label')) } as const;
  return done(
    {
      public_key: token.ref({ ...name, class: 'public' }),
      private_key: token.ref({ ...name, class: 'private' }),
      spki_sha256: spkiSha256(spkiOf(token, halves.publicKey)),
    },
    [
      ...differences(token, halves.publicKey, asked.public, 'wrapping-key-widened'),
      ...differences(token, halves.privateKey, asked.private, 'wrapping-key-widened'),
      ...notLocal(token, halves.privateKey),
    ],
  );
}

export const generateRsaKeyPair: Pkcs11Action = {
  spec: {
    name: 'generate-rsa-key-pair',
    summary: 'Generate an RSA key pair for wrapping on the device',
    effect: 'create',
    input: shape({
      purpose: required({
        kind: 'enum',
        values: ['wrapping'],
        description: 'The public half wraps, the private unwraps',
      }),
      label,
      'modulus-bits': withDefault(
        { kind: 'integer', minimum: 2048, maximum: 8192, description: 'Modulus in bits' },
        2048,
      ),
      id,
    }),
    outputs: {
      public_key: { type: 'key', lifetime: 'permanent', description: 'The public half' },
      private_key: { type: 'key', lifetime: 'permanent', description: 'The private half' },
      spki_sha256: { type: 'string', lifetime: 'permanent', description: 'SHA-256 of the public key (SPKI), hex' },
    },
    undo: [
      { action: 'delete-key', argument: 'key', output: 'private_key' },
      { action: 'delete-key', argument: 'key', output: 'public_key' },
    ],
  },
  async preview(token, calls) {
    return await token.guard('reading', 'check RSA key generation', () =>
      calls.map((args) => {
        const reason = problem(token, args);
        return reason === null ? [] : [{ level: 'block' as const, reason }];
      }),
    );
  },
  async expect(token, { args }, source) {
    return await token.guard('reading', 'look for the pair to be made', () => forecast(token, wanted(args), source));
  },
  async perform(token, call) {
    const { args } = call;
    const reason = await token.guard('reading', 'check RSA key generation', () => problem(token, args));
    const type = generator(token);
    if (reason !== null || type === undefined) throw token.fail('capability-missing', `${reason}.`);
    const target = wanted(args);
    const keyId = idFor(call, target);
    const asked = templates(token, args, keyId);
    const halves = await token.guard('changing', `generate the RSA key pair "${readText(args, 'label')}"`, () =>
      makeWith(token, [asked.public, asked.private], ([publicPart = [], privatePart = []]) =>
        token.pool.use((session) => token.module.C_GenerateKeyPair(session, { type }, publicPart, privatePart)),
      ),
    );
    const name = { type: 'rsa', id: keyId, label: target.label } as const;
    token.index.add({ ...name, class: 'public' }, halves.publicKey);
    token.index.add({ ...name, class: 'private' }, halves.privateKey);
    return await token.guard('checking', 'read the new pair back', () => result(token, args, keyId, halves));
  },
  async reconcile(token, call, source) {
    return await token.guard('reading', 'look for the new pair', () =>
      reconcileCreation(token, call, {
        wanted: wanted(call.args),
        source,
        result: async (found) => {
          const publicKey = found.get('public');
          const privateKey = found.get('private');
          if (publicKey === undefined || privateKey === undefined)
            throw token.fail('key-not-found', 'the pair is gone.');
          const halves = { publicKey: publicKey.handle, privateKey: privateKey.handle };
          return result(token, call.args, publicKey.name.id, halves);
        },
      }),
    );
  },
};
