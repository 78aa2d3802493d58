/**
 * expect-refusal: proves that the device refuses what an attribute of a key forbids, by trying it with a throw-away session key. Wrapping
 * must be refused for the throw-away key; so must the unwrapping of what the key itself wrapped. Only a refusal for that reason counts:
 * another error proves nothing. Nothing is left behind, whatever the device does.
 */
import { required } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import { key, mechanism, readKey, readText, readTextIfGiven, shape } from '../../actions/arguments.ts';
import { boolAttribute, CKA_OF, CKO_OF, ulongAttribute } from '../attribute-codec.ts';
import { CKA, CKK, CKM, CKR, ckrName } from '../constants.ts';
import { type Attribute, CryptokiError, type Handle } from '../cryptoki.ts';
import { inWords, locate } from '../locate.ts';
import type { Token } from '../token.ts';
import type { ResolvedWrap } from '../wrap-probe.ts';
import type { Pkcs11Action } from './action.ts';

/** Refusals that speak of the key's permission (pkcs11-base v2.40 §5.1.6). */
const BY_PERMISSION: ReadonlySet<number> = new Set([CKR.KEY_FUNCTION_NOT_PERMITTED, CKR.ACTION_PROHIBITED]);

const SESSION_KEY: readonly Attribute[] = [
  ulongAttribute(CKA.CLASS, CKO_OF.secret),
  ulongAttribute(CKA.KEY_TYPE, CKK.AES),
  boolAttribute(CKA.TOKEN, false),
];

function mechanisms(token: Token, args: Arguments): { readonly wrap: ResolvedWrap; readonly unwrap: ResolvedWrap } {
  const name = readText(args, 'mechanism');
  const wrap = token.wrap.get(name);
  const unwrap = token.unwrap.get(name);
  if (wrap !== undefined && unwrap !== undefined) return { wrap, unwrap };
  throw token.fail('capability-missing', `the device cannot wrap and unwrap with ${name}.`);
}

/** Runs `attempt` with a throw-away key that may be wrapped, and destroys that key. */
async function withThrowAwayKey<T>(token: Token, session: Handle, attempt: (key: Handle) => Promise<T>): Promise<T> {
  const { module } = token;
  const template = [
    ...SESSION_KEY,
    ulongAttribute(CKA.VALUE_LEN, 32),
    boolAttribute(CKA_OF.extractable, true),
    boolAttribute(CKA_OF.sensitive, true),
  ];
  const made = await module.C_GenerateKey(session, { type: CKM.AES_KEY_GEN }, template);
  try {
    return await attempt(made);
  } finally {
    module.C_DestroyObject(session, made);
  }
}

/** What the device said, null: it did it. A key that comes out of it is destroyed. */
async function refusalOf(token: Token, args: Arguments, tested: Handle): Promise<CryptokiError | null> {
  const { module } = token;
  const { wrap, unwrap } = mechanisms(token, args);
  return await token.pool.use((session) =>
    withThrowAwayKey(token, session, async (payload) => {
      if (readText(args, 'operation') === 'wrap') {
        return await refused(() => module.C_WrapKey(session, wrap.mechanism, tested, payload));
      }
      const wrapped = await module.C_WrapKey(session, wrap.mechanism, tested, payload);
      return await refused(async () => {
        const opened = await module.C_UnwrapKey(session, unwrap.mechanism, tested, wrapped, SESSION_KEY);
        module.C_DestroyObject(session, opened);
      });
    }),
  );
}

async function refused(call: () => Promise<unknown>): Promise<CryptokiError | null> {
  try {
    await call();
    return null;
  } catch (error) {
    if (error instanceof CryptokiError) return error;
    throw error;
  }
}

export const expectRefusal: Pkcs11Action = {
  spec: {
    name: 'expect-refusal',
    summary: 'Prove with a throw-away key that the device refuses to wrap or unwrap with a key',
    effect: 'read',
    input: shape({
      key: key('The key that must be refused'),
      operation: required({
        kind: 'enum',
        values: ['wrap', 'unwrap'],
        description: 'What must be refused; for unwrap the key must be able to wrap',
      }),
      mechanism: required(mechanism),
    }),
    outputs: { code: { type: 'string', lifetime: 'run', description: 'What the device refused it with' } },
    role: { kind: 'check' },
  },
  async preview(token, calls) {
    return calls.map((args) => {
      const name = readTextIfGiven(args, 'mechanism');
      const isKnown = name === undefined || (token.wrap.has(name) && token.unwrap.has(name));
      return isKnown ? [] : [{ level: 'block', reason: `${token.name} cannot wrap and unwrap with ${name}` }];
    });
  },
  async perform(token, { args }) {
    const ref = readKey(args, 'key');
    const operation = readText(args, 'operation');
    const what = `${operation} with the ${inWords(ref.locator)}`;
    const said = await token.guard('reading', `try to ${what}`, async () =>
      refusalOf(token, args, await locate(token, ref)),
    );
    if (said === null) {
      throw token.fail(
        'attribute-mismatch',
        `the device did ${what}, which it must refuse.`,
        'Look at the key’s attributes, and at what the device makes of them; do not hand this key out.',
      );
    }
    if (BY_PERMISSION.has(said.value)) return done({ code: ckrName(said.value) });
    throw token.fail(
      'device-refused',
      `the device refused to ${what}, but with ${ckrName(said.value)}, which does not prove that the key may not.`,
    );
  },
};
