/** export-public-key on a token. */
import { exportPublicKeyBy } from '../../actions/export-public-key.ts';
import { inWords, locate } from '../locate.ts';
import { spkiOf } from '../public-half.ts';
import type { Token } from '../token.ts';

export const exportPublicKey = exportPublicKeyBy<Token>((token, ref) =>
  token.guard('reading', `read the ${inWords(ref.locator)}`, async () =>
    spkiOf(token, token.facts(await locate(token, ref), ref.locator.class)),
  ),
);
