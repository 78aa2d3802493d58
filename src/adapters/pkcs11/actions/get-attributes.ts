/** get-attributes on a token. */
import { getAttributesBy } from '../../actions/get-attributes.ts';
import { checkValue } from '../fingerprints.ts';
import { recordOf } from '../key-record.ts';
import { inWords, locate } from '../locate.ts';
import type { Token } from '../token.ts';

export const getAttributes = getAttributesBy<Token>({
  read: (token, ref) =>
    token.guard('reading', `read the ${inWords(ref.locator)}`, async () => {
      const facts = token.facts(await locate(token, ref), ref.locator.class);
      return recordOf(token, facts, await checkValue(token, facts), null);
    }),
});
