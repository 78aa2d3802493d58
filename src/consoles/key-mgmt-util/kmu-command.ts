/** A command of key_mgmt_util: a table of flags and what it does. */
import type { ConsoleCommand } from '../command.ts';
import { type Flags, type FlagTable, flagUsage, parseFlags } from './flags.ts';
import { Ended, type KmuSession, refusalOf } from './kmu-session.ts';

export interface KmuCommand extends ConsoleCommand<KmuSession> {
  readonly flags: FlagTable;
}

export interface KmuCommandParts {
  readonly name: string;
  readonly summary: string;
  readonly flags: FlagTable;
  run(k: KmuSession, flags: Flags): Promise<void> | void;
}

export function kmuCommand({ name, summary, flags, run }: KmuCommandParts): KmuCommand {
  const usage = flagUsage(flags);
  return {
    name,
    summary,
    flags,
    usage,
    async run(k, words) {
      const parsed = parseFlags(flags, words);
      if (parsed === null) {
        k.paragraph(`${name}: ${summary}`, `${name} ${usage}`.trimEnd());
        return;
      }
      try {
        await run(k, parsed);
      } catch (error) {
        if (error instanceof Ended) return;
        // Between two calls an HSM can go away, too.
        const refusal = refusalOf(error);
        if (refusal === null) throw error;
        k.refused(name, refusal);
      }
    },
  };
}
