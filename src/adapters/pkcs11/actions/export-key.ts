/**
 * export-key: an extractable symmetric key in clear on this computer, as the old tools' exSymKey does it. The device wraps it under a key
 * pair that is made here for this one call; what comes out is compared with the key on the device.
 */
import { type AttributeName, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import { fingerprintClearKey, isClearMethod } from '../../../keys/clear-fingerprint.ts';
import { CLEAR_KEY_TYPES, ClearKey, type ClearKeyType } from '../../../keys/clear-key.ts';
import { type Arguments, done } from '../../actions/action.ts';
import { key, readKey, readKeyIfKnown, shape } from '../../actions/arguments.ts';
import type { Finding } from '../../adapter.ts';
import { fingerprintKey, fingerprintMethods } from '../fingerprints.ts';
import type { KeyFacts } from '../key-facts.ts';
import { whyNotExportable } from '../key-record.ts';
import { inWords, locate } from '../locate.ts';
import { takeOut, transportOut } from '../plaintext/clear-transport.ts';
import type { Token } from '../token.ts';
import type { Pkcs11Action } from './action.ts';

const clearType = (facts: KeyFacts): ClearKeyType | undefined =>
  facts.class === 'secret' ? CLEAR_KEY_TYPES.find((type) => type === facts.type) : undefined;

const NO_TRANSPORT = 'gives no key in clear: it cannot wrap with RSA-OAEP';

async function factsOf(token: Token, args: Arguments): Promise<KeyFacts> {
  const ref = readKey(args, 'key');
  return token.facts(await locate(token, ref), ref.locator.class);
}

async function findings(token: Token, args: Arguments): Promise<readonly Finding[]> {
  if (transportOut(token) === undefined) return [{ level: 'block', reason: `${token.name} ${NO_TRANSPORT}` }];
  if (readKeyIfKnown(args, 'key') === null) return [];
  const facts = await factsOf(token, args);
  const reason =
    clearType(facts) === undefined
      ? `only ${CLEAR_KEY_TYPES.join(' and ')} keys are exported in clear`
      : whyNotExportable(token, facts);
  return reason === null ? [] : [{ level: 'block', reason }];
}

/** Throws `verification-failed` when the bytes are not the key; a key that can make no fingerprint is taken as it came. */
async function requireSame(token: Token, facts: KeyFacts, clear: ClearKey): Promise<void> {
  const salt = new Uint8Array(16);
  const methods = fingerprintMethods(token).filter(isClearMethod);
  const there = await fingerprintKey(token, facts, salt, methods);
  if (there === null || !isClearMethod(there.method)) return;
  if (fingerprintClearKey(clear, salt, there.method)?.value === there.value) return;
  throw token.fail('verification-failed', `what came out is not the ${inWords(facts)} (${there.method}).`);
}

export const exportKey: Pkcs11Action = {
  spec: {
    name: 'export-key',
    summary: 'Bring an extractable symmetric key in clear to this computer',
    effect: 'read',
    exposes: 'plaintext',
    input: shape({ key: key('The key to export') }),
    outputs: { material: { type: 'artifact', lifetime: 'run', description: 'The key in clear' } },
  },
  async preview(token, calls) {
    return await token.guard('reading', 'check whether keys can be exported', async () => {
      const all: (readonly Finding[])[] = [];
      for (const args of calls) all.push(await findings(token, args));
      return all;
    });
  },
  async perform(token, { args }) {
    const transport = transportOut(token);
    if (transport === undefined) throw token.fail('capability-missing', `it ${NO_TRANSPORT}.`);
    const ref = readKey(args, 'key');
    return await token.guard(
      'reading',
      () => `export the ${inWords(ref.locator)}`,
      async () => {
        const facts = await factsOf(token, args);
        const type = clearType(facts);
        if (type === undefined)
          throw token.fail('argument-invalid', `the ${inWords(facts)} is not of a type that is exported in clear.`);
        const reason = whyNotExportable(token, facts);
        if (reason !== null) {
          throw token.fail('key-not-extractable', `the ${inWords(facts)} cannot be exported: ${reason}.`);
        }
        const clear = new ClearKey(type, await takeOut(token, transport, facts), usageOf(facts));
        try {
          await requireSame(token, facts, clear);
        } catch (error) {
          clear.wipe();
          throw error;
        }
        return done({ material: clear });
      },
    );
  },
};

function usageOf(facts: KeyFacts): { readonly [name in AttributeName]?: boolean } {
  const usage: { [name in AttributeName]?: boolean } = {};
  for (const name of USAGE_ATTRIBUTES) {
    const value = facts.attributes[name];
    if (value !== undefined) usage[name] = value;
  }
  return usage;
}
