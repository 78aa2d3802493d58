/** What a step of the role `prove` says of the key that arrived, for the item's verification. */
import type { Outputs } from '../adapters/adapter.ts';
import type { SequenceContext } from './sequence-context.ts';

/** One that shows less than is known already changes nothing. */
export function noteProof(
  role: { readonly method: string; readonly strength: string },
  outputs: Outputs,
  context: SequenceContext,
): void {
  const isStrong = outputs[role.strength] === 'strong';
  if (!isStrong && context.verification !== null) return;
  context.verification = {
    method: String(outputs[role.method]),
    strength: isStrong ? 'strong' : 'none',
    result: isStrong ? 'same' : 'not-compared',
  };
}
