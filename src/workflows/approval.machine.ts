/**
 * The approval of one step: asked for, signed by one after another, begun. Deadlines live in the journal, so `expired` is an event that
 * whoever reads the clock sends; nothing here waits. Whether a signature is valid is decided before it becomes an event.
 *
 *   unrequested ──requested──▶ waiting ──signed, enough──▶ approved ──granted──▶ granted
 *                                 │ expired                   │ expired
 *                                 ▼                           ▼
 *                              expired ──requested──▶ waiting, where nobody has signed yet
 */
import { assign, setup } from 'xstate';
import type { ApprovalRequest } from '../approvals/request.ts';

export interface ApprovalContext {
  readonly request: ApprovalRequest | null;
  readonly approvers: readonly string[];
  /** SHA-256 of the keys that signed: distinct approvers means distinct keys. */
  readonly keys: readonly string[];
  readonly earlier: readonly ApprovalRequest[];
}

export type ApprovalMachineEvent =
  | { readonly type: 'requested'; readonly request: ApprovalRequest }
  | { readonly type: 'signed'; readonly nonce: string; readonly approver: string; readonly keySha256: string }
  | { readonly type: 'expired' }
  | { readonly type: 'granted'; readonly nonce: string };

type Signed = Extract<ApprovalMachineEvent, { type: 'signed' }>;

function counts({ request, approvers, keys }: ApprovalContext, event: Signed): boolean {
  return event.nonce === request?.nonce && !approvers.includes(event.approver) && !keys.includes(event.keySha256);
}

export const approvalMachine = setup({
  types: { context: {} as ApprovalContext, events: {} as ApprovalMachineEvent },
  guards: {
    counts: ({ context, event }) => event.type === 'signed' && counts(context, event),
    suffices: ({ context, event }) =>
      event.type === 'signed' &&
      counts(context, event) &&
      context.approvers.length + 1 >= (context.request?.quorum ?? Number.POSITIVE_INFINITY),
    isThisRequest: ({ context, event }) => event.type === 'granted' && event.nonce === context.request?.nonce,
  },
  actions: {
    ask: assign(({ context, event }) =>
      event.type === 'requested'
        ? {
            request: event.request,
            approvers: [],
            keys: [],
            earlier: context.request === null ? context.earlier : [...context.earlier, context.request],
          }
        : context,
    ),
    count: assign(({ context, event }) =>
      event.type === 'signed'
        ? { ...context, approvers: [...context.approvers, event.approver], keys: [...context.keys, event.keySha256] }
        : context,
    ),
  },
}).createMachine({
  id: 'approval',
  context: { request: null, approvers: [], keys: [], earlier: [] },
  initial: 'unrequested',
  states: {
    unrequested: { on: { requested: { target: 'waiting', actions: 'ask' } } },
    waiting: {
      on: {
        signed: [
          { guard: 'suffices', target: 'approved', actions: 'count' },
          { guard: 'counts', actions: 'count' },
        ],
        expired: 'expired',
        requested: { target: 'waiting', actions: 'ask' },
      },
    },
    approved: {
      on: {
        granted: { guard: 'isThisRequest', target: 'granted' },
        expired: 'expired',
        requested: { target: 'waiting', actions: 'ask' },
      },
    },
    expired: { on: { requested: { target: 'waiting', actions: 'ask' } } },
    granted: { type: 'final' },
  },
});
