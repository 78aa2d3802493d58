/** delete-key: destroys one object. It is looked at once more right before, so that a stale handle never destroys another one. */
import { done } from '../../actions/action.ts';
import { key, readKey, shape } from '../../actions/arguments.ts';
import { findByName, inWords, locate, withFingerprint } from '../locate.ts';
import { settled } from '../settle.ts';
import type { Pkcs11Action } from './action.ts';

export const deleteKey: Pkcs11Action = {
  spec: {
    name: 'delete-key',
    summary: 'Destroy a key on the device',
    effect: 'destroy',
    input: shape({ key: key('The key to destroy') }),
    outputs: {},
    pointOfNoReturn: true,
  },
  async perform(token, { args }) {
    const ref = readKey(args, 'key');
    const what = inWords(ref.locator);
    const handle = await token.guard('reading', `find the ${what}`, () => locate(token, ref, 'change'));
    await token.guard('changing', `delete the ${what}`, () => token.module.C_DestroyObject(token.lookups, handle));
    token.forget(handle);
    token.index.remove(ref.locator, handle);
    return done({});
  },
  async reconcile(token, { args }) {
    const { locator } = readKey(args, 'key');
    const { fingerprint } = locator;
    return await token.guard('reading', `look for the ${inWords(locator)}`, async () => {
      const look = async () => {
        const named = findByName(token, locator);
        const left =
          fingerprint === null || token.salt === null || named.length < 2
            ? named
            : await withFingerprint(token, locator, named, fingerprint, token.salt);
        return left.length === 0 ? undefined : left;
      };
      const left = await settled(token, look);
      if (left === undefined) return { state: 'done', ...done({}) };
      if (left.length === 1) return { state: 'absent' };
      return { state: 'ambiguous', reason: `${left.length} objects on ${token.name} are a ${inWords(locator)}` };
    });
  },
};
