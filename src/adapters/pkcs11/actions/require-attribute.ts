/** require-attribute: a check that a key has an attribute as wanted. In a plan it finds out beforehand which keys do not. */
import { ATTRIBUTE_NAMES, type AttributeName, attributeFromKebab, kebabName } from '../../../keys/attributes.ts';
import { required, withDefault } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import { key, readBooleanIfGiven, readKey, readKeyIfKnown, readText, shape } from '../../actions/arguments.ts';
import { inWords, locate, locateNow } from '../locate.ts';
import type { Token } from '../token.ts';
import type { Pkcs11Action } from './action.ts';

/** null: the key is as wanted. */
async function shortcoming(token: Token, args: Arguments): Promise<{ reason: string; name: AttributeName } | null> {
  const ref = readKey(args, 'key');
  const kebab = readText(args, 'name');
  const name = attributeFromKebab(kebab);
  if (name === undefined) throw token.fail('argument-invalid', `there is no attribute "${kebab}".`);
  const wanted = readBooleanIfGiven(args, 'value') ?? true;
  const handle = locateNow(token, ref) ?? (await locate(token, ref));
  const got = token.recentFacts(handle, ref.locator.class).attributes[name];
  if (got === wanted) return null;
  return { name, reason: got === undefined ? `the device does not say whether it is ${kebab}` : phrase(name, got) };
}

/** `not extractable`, `wrap-with-trusted`. */
const phrase = (name: AttributeName, value: boolean): string => `${value ? '' : 'not '}${kebabName(name)}`;

export const requireAttribute: Pkcs11Action = {
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
  },
  async preview(token, calls) {
    return await token.guard('reading', 'check an attribute', async () => {
      const findings = [];
      for (const args of calls) {
        const found = readKeyIfKnown(args, 'key') === null ? null : await shortcoming(token, args);
        findings.push(found === null ? [] : [{ level: 'skip' as const, reason: found.reason }]);
      }
      return findings;
    });
  },
  async perform(token, { args }) {
    const ref = readKey(args, 'key');
    const found = await token.guard('reading', `check the ${inWords(ref.locator)}`, () => shortcoming(token, args));
    if (found === null) return done({});
    const code = found.name === 'extractable' ? 'key-not-extractable' : 'key-not-permitted';
    throw token.fail(code, `the ${inWords(ref.locator)} is ${found.reason}.`);
  },
};
