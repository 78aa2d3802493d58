/**
 * What the actions that generate a pair have in common: both halves bear one id and label and are read back. `wrapping`: the public half
 * wraps, the private half unwraps and stays. `signing`: the private half signs, the public half verifies, nothing else; it may be made
 * extractable, to be moved.
 */
import type { KeyAttributes } from '../../../keys/attributes.ts';
import type { KeyType } from '../../../keys/key-spec.ts';
import { labelHex } from '../../../keys/locator.ts';
import { spkiSha256 } from '../../../keys/public-key.ts';
import { type Field, withDefault } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import { readBooleanIfGiven, readIdIfGiven, readText, readTextIfGiven } from '../../actions/arguments.ts';
import type { ActionResult, ActionSpec, Finding } from '../../adapter.ts';
import { forecast, idFor, reconcileCreation, type Wanted } from '../creation.ts';
import type { Attribute, Handle } from '../cryptoki.ts';
import { spkiAt } from '../public-half.ts';
import { sameLabelNotes } from '../same-label.ts';
import { differences, makeWith, type Template, templateOf } from '../template.ts';
import type { Token } from '../token.ts';
import { notLocal, UNWRAPPING_PRIVATE, WRAPPING_PUBLIC } from '../wrapping-purpose.ts';
import type { Pkcs11Action } from './action.ts';

export const extractablePair: Field = withDefault(
  { kind: 'boolean', description: 'Whether the private half may leave the device wrapped; never for wrapping' },
  false,
);

/** One kind of pair. */
export interface PairKind {
  readonly spec: Pick<ActionSpec, 'name' | 'summary' | 'input'>;
  readonly type: Extract<KeyType, 'rsa' | 'ec'>;
  /** For messages: `RSA`. */
  readonly words: string;
  /** CKM_… that generates it on this token; undefined: it has none. */
  generator(token: Token): number | undefined;
  /** What else may be wrong with the arguments; null: nothing. */
  problem(token: Token, generator: number, args: Arguments): string | null;
  /** Length or curve, for the public half. */
  domain(args: Arguments): readonly Attribute[];
}

interface Problem {
  readonly code: 'argument-invalid' | 'capability-missing';
  readonly reason: string;
}

const isWrapping = (args: Arguments): boolean => readTextIfGiven(args, 'purpose') === 'wrapping';
const isExtractable = (args: Arguments): boolean => readBooleanIfGiven(args, 'extractable') ?? false;

export interface PairAttributes {
  readonly public: KeyAttributes;
  readonly private: KeyAttributes;
}

/** What the halves are to be able to do. */
export const pairAttributes = (purpose: 'wrapping' | 'signing', extractable: boolean): PairAttributes =>
  purpose === 'wrapping'
    ? { public: WRAPPING_PUBLIC, private: UNWRAPPING_PRIVATE }
    : { public: VERIFYING_PUBLIC, private: signingPrivate(extractable) };

const VERIFYING_PUBLIC: KeyAttributes = { verify: true, encrypt: false, wrap: false, derive: false };
const signingPrivate = (extractable: boolean): KeyAttributes => ({
  private: true,
  sensitive: true,
  extractable,
  sign: true,
  decrypt: false,
  unwrap: false,
  derive: false,
});

export function keyPairAction(kind: PairKind): Pkcs11Action {
  const { words } = kind;
  const wanted = (args: Arguments): Wanted => ({
    classes: ['public', 'private'],
    type: kind.type,
    label: labelHex(readText(args, 'label')),
    id: readIdIfGiven(args),
  });
  const problem = (token: Token, args: Arguments): Problem | null => {
    if (isWrapping(args) && isExtractable(args)) {
      return { code: 'argument-invalid', reason: 'the private half of a wrapping pair must not be extractable' };
    }
    const generator = kind.generator(token);
    const reason =
      generator === undefined ? `${token.name} cannot generate ${words} keys` : kind.problem(token, generator, args);
    return reason === null ? null : { code: 'capability-missing', reason };
  };
  return {
    spec: {
      ...kind.spec,
      effect: 'create',
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
      return await token.guard('reading', `check ${words} key generation`, async () => {
        const notes = await sameLabelNotes(token, calls, ['public', 'private']);
        return calls.map((args, index): Finding[] => {
          const found = problem(token, args);
          return found === null ? (notes[index] ?? []) : [{ level: 'block', reason: found.reason }];
        });
      });
    },
    async expect(token, { args }, source) {
      return await token.guard('reading', 'look for the pair to be made', () => forecast(token, wanted(args), source));
    },
    async perform(token, call) {
      const { args } = call;
      const found = await token.guard('reading', `check ${words} key generation`, () => problem(token, args));
      if (found !== null) throw token.fail(found.code, `${found.reason}.`);
      const type = kind.generator(token);
      if (type === undefined) throw new Error('a generator that was there is not there');
      const target = wanted(args);
      const id = idFor(call, target);
      const asked = templatesOf(token, kind, args, id);
      const halves = await token.guard('changing', `generate the ${words} key pair "${readText(args, 'label')}"`, () =>
        makeWith(token, [asked.public, asked.private], ([publicPart = [], privatePart = []]) =>
          token.pool.use((session) => token.module.C_GenerateKeyPair(session, { type }, publicPart, privatePart)),
        ),
      );
      const name = { type: kind.type, id, label: target.label } as const;
      token.index.add({ ...name, class: 'public' }, halves.publicKey);
      token.index.add({ ...name, class: 'private' }, halves.privateKey);
      return await token.guard('checking', 'read the new pair back', () =>
        result(token, kind, args, { id, ...halves }),
      );
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
            return result(token, kind, call.args, { id: publicKey.name.id, ...halves });
          },
        }),
      );
    },
  };
}

function templatesOf(
  token: Token,
  kind: PairKind,
  args: Arguments,
  id: string,
): { readonly public: Template; readonly private: Template } {
  const common = { type: kind.type, id, label: labelHex(readText(args, 'label')) } as const;
  const use = pairAttributes(isWrapping(args) ? 'wrapping' : 'signing', isExtractable(args));
  return {
    public: templateOf(token, { ...common, class: 'public', attributes: use.public, more: kind.domain(args) }),
    private: templateOf(token, { ...common, class: 'private', attributes: use.private }),
  };
}

interface Made {
  readonly id: string;
  readonly publicKey: Handle;
  readonly privateKey: Handle;
}

function result(token: Token, kind: PairKind, args: Arguments, made: Made): ActionResult {
  const asked = templatesOf(token, kind, args, made.id);
  const name = { type: kind.type, id: made.id, label: labelHex(readText(args, 'label')) } as const;
  const code = isWrapping(args) ? 'wrapping-key-widened' : 'attribute-mismatch';
  return done(
    {
      public_key: token.ref({ ...name, class: 'public' }),
      private_key: token.ref({ ...name, class: 'private' }),
      spki_sha256: spkiSha256(spkiAt(token, made.publicKey, 'public')),
    },
    [
      ...differences(token, made.publicKey, asked.public, code),
      ...differences(token, made.privateKey, asked.private, code),
      ...(isWrapping(args) ? notLocal(token, made.privateKey) : []),
    ],
  );
}
