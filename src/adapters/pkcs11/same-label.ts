/**
 * For a plan: labels of new keys that the token has already. It is allowed, but applications that look a key up by its label find two, and
 * most often a run is repeated or an earlier one left something behind.
 */
import type { KeyClass } from '../../keys/key-spec.ts';
import { labelHex } from '../../keys/locator.ts';
import type { Arguments } from '../actions/action.ts';
import { readTextIfGiven } from '../actions/arguments.ts';
import type { Finding } from '../adapter.ts';
import { inWords } from './locate.ts';
import { parseName } from './object-index.ts';
import type { Token } from './token.ts';

/** One list per call; a call whose label is not known yet, or not said, has none. Reads the token once. */
export async function sameLabelNotes(
  token: Token,
  calls: readonly Arguments[],
  classes: readonly KeyClass[],
): Promise<Finding[][]> {
  const wanted = calls.map((args) => {
    const text = readTextIfGiven(args, 'label');
    return text === undefined || text === '' ? null : labelHex(text);
  });
  const labels = new Set(wanted);
  const there = new Map<string, { readonly words: string; count: number }>();
  if (wanted.some((label) => label !== null)) {
    await token.ensureIndexed();
    for (const [name] of token.index.entries()) {
      const object = parseName(name);
      if (!labels.has(object.label) || !classes.includes(object.class)) continue;
      const known = there.get(object.label);
      if (known === undefined) there.set(object.label, { words: inWords(object), count: 1 });
      else known.count += 1;
    }
  }
  return wanted.map((label) => {
    const found = label === null ? undefined : there.get(label);
    if (found === undefined) return [];
    const others = found.count > 1 ? ` and ${found.count - 1} more of that label` : '';
    return [
      {
        level: 'note',
        reason: `${token.name} has the ${found.words}${others} already; the new one will bear the same label`,
      },
    ];
  });
}
