/** What an alias was moved from and to, journalled so that it can be moved back. Plain data: it crosses the journal. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { OutputSpec } from '../adapter.ts';

export interface CutOver {
  readonly alias: string;
  /** Key id that it points to since. */
  readonly key: string;
  /** Key id that it pointed to before; empty: there was no such alias. */
  readonly previous: string;
}

export const CUT_OVER: OutputSpec = {
  type: 'map',
  lifetime: 'permanent',
  description: 'Alias, key and previous key, for restore-alias',
};

export const cutOverOf = (alias: string, key: string, previous: string | null): CutOver => ({
  alias,
  key,
  previous: previous ?? '',
});

/** Throws `argument-invalid`. */
export function readCutOver(value: unknown): CutOver {
  const { alias, key, previous } = (typeof value === 'object' && value !== null ? value : {}) as Partial<CutOver>;
  if (typeof alias === 'string' && typeof key === 'string' && typeof previous === 'string')
    return { alias, key, previous };
  throw new KeyferryError('argument-invalid', 'The argument "cut-over" must be what point-alias gave.');
}
