/** find-keys on a token: by its index, made anew, so that a million keys are looked through without reading them. */
import { id, readIdIfGiven } from '../../actions/arguments.ts';
import { findKeysBy } from '../../actions/find-keys.ts';
import { parseName } from '../object-index.ts';
import type { Token } from '../token.ts';

export const findKeys = findKeysBy<Token>({
  order: 'names',
  id,
  readId: readIdIfGiven,
  find: (token, isWanted) =>
    token.guard('reading', 'find keys', async () => {
      await token.refresh();
      const names: string[] = [];
      for (const [name] of token.index.entries()) if (isWanted(parseName(name))) names.push(name);
      return names.sort().map((name) => token.ref(parseName(name)));
    }),
});
