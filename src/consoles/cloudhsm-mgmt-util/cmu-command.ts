/** A command of cloudhsm_mgmt_util: words by position, so many and no more. */
import { type ConsoleCommand, Misuse } from '../command.ts';
import type { CmuSession } from './cmu-session.ts';

export interface CmuCommand extends ConsoleCommand<CmuSession> {
  /** Places of passwords among the words after the name. */
  readonly secrets: readonly number[];
  /** In which editions the tool has it. */
  readonly isThere: (cmu: CmuSession) => boolean;
}

export interface CmuCommandParts {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  /** Least and most words after the name. */
  readonly words: readonly [number, number];
  readonly secrets?: readonly number[];
  readonly isThere?: (cmu: CmuSession) => boolean;
  run(cmu: CmuSession, words: readonly string[]): Promise<void> | void;
}

export function cmuCommand(parts: CmuCommandParts): CmuCommand {
  const { name, usage, summary, run } = parts;
  const [least, most] = parts.words;
  return {
    name,
    usage,
    summary,
    secrets: parts.secrets ?? [],
    isThere: parts.isThere ?? (() => true),
    async run(cmu, words) {
      if (words.length < least || words.length > most) {
        throw new Misuse(
          `${name} takes ${least === most ? least : `${least} to ${most}`} words: ${name} ${usage}`.trimEnd(),
        );
      }
      await run(cmu, words);
    },
  };
}

/** A word that the caller's arity guarantees. */
export function wordAt(words: readonly string[], place: number): string {
  const word = words[place];
  if (word === undefined) throw new Error(`word ${place} behind a checked number of words`);
  return word;
}
