/** Thrown through a sequence when the run, not the item, has to stop: the item stays pending and is taken up again on resume. */
import type { KeyferryError } from '../errors/keyferry-error.ts';

export class Suspension extends Error {
  /** null: the operator interrupted. */
  readonly error: KeyferryError | null;
  /** `refused`: the run cleans up and ends; `stopped`: it pauses; `approval`: it waits; `cancelled`: it was cancelled while it waited. */
  readonly kind: 'stopped' | 'refused' | 'approval' | 'cancelled';

  constructor(kind: Suspension['kind'], error: KeyferryError | null) {
    super(error?.message ?? 'interrupted');
    this.name = 'Suspension';
    this.kind = kind;
    this.error = error;
  }
}

const REFUSALS: ReadonlySet<string> = new Set([
  'wrapping-key-widened',
  'wrapping-key-swapped',
  'wrapping-key-not-local',
  'canary-failed',
]);

/** A run-scope error either cannot be mended by trying later (the run is refused) or can (it pauses). */
export function suspensionOf(error: KeyferryError): Suspension {
  return new Suspension(
    REFUSALS.has(error.code) ? 'refused' : error.code === 'approval-waiting' ? 'approval' : 'stopped',
    error,
  );
}
