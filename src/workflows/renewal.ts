/** When what a step takes can be used once only: has it expired, is it there at all, and what has to be made anew for it. */
import type { Step } from '../playbook/model.ts';
import type { Created, SequenceContext } from './sequence-context.ts';

/** So long before its end nothing is used any more: a call may wait for its turn. */
const MARGIN_MS = 10 * 60_000;
/** An expiry is a matter of hours; who meets a third one has another problem. */
const RENEWALS = 3;

/** An argument says that it is good no longer, or not much longer. */
export function hasExpired(args: Readonly<Record<string, unknown>>, nowMs: number): boolean {
  return Object.values(args).some((value) => {
    const until = (value as { readonly validUntilMs?: unknown } | null)?.validUntilMs;
    return typeof until === 'number' && nowMs > until - MARGIN_MS;
  });
}

/** Marks everything of the chain under this step as to be made anew. False: it has been tried often enough. */
export function renew(step: Step, context: SequenceContext): boolean {
  const under = context.chain.under(step.id);
  const hasWayBack = step.block === 'each' || step.block === 'prepare';
  if (!hasWayBack || under.size === 0 || context.renewals >= RENEWALS) return false;
  context.renewals += 1;
  for (const name of under) {
    context.done.delete(name);
    context.unneeded.delete(name);
  }
  return true;
}

/** What takes something of the chain that an earlier process made and that was not asked for again here. */
export function isPassedOver(step: Step, context: SequenceContext): boolean {
  return context.chain.takenBy(step.id).some((name) => context.unneeded.has(name));
}

/** An object made from what is gone: it has to go before the step makes it anew. */
export function outdated(step: Step, context: SequenceContext): Created | undefined {
  if (step.spec.effect !== 'create' || !context.chain.has(step.id)) return undefined;
  return context.created.find((created) => created.step === step);
}

/** Of an object that an earlier process made: is there something here that it was not made from? */
export function isOutlived(step: Step, context: SequenceContext): boolean {
  if (step.spec.effect !== 'create' || !context.chain.has(step.id)) return false;
  return [...context.chain.under(step.id)].some((name) => context.done.has(name));
}
