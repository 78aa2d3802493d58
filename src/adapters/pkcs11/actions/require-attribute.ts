/** require-attribute on a token: by what was read of the key a moment ago, where that is known. */
import type { KeyRef } from '../../../keys/key-record.ts';
import { requireAttributeBy } from '../../actions/require-attribute.ts';
import type { Handle } from '../cryptoki.ts';
import { inWords, locate, locateNow } from '../locate.ts';
import type { Token } from '../token.ts';

export const requireAttribute = requireAttributeBy<Token>({
  inWords,
  look(token, ref, name) {
    const seen = (handle: Handle) => ({ value: attributesAt(token, handle, ref)[name] });
    const handle = locateNow(token, ref);
    return handle === undefined ? locate(token, ref).then(seen) : seen(handle);
  },
  guard: (token, words, work) => token.guard('reading', words, work),
});

const attributesAt = (token: Token, handle: Handle, { locator }: KeyRef) =>
  token.recentFacts(handle, locator.class).attributes;
