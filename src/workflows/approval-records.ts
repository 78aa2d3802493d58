/**
 * The approvals of a run, from its journal: every entry is an event of the approval's machine. Signatures are checked again each time,
 * against the keys that the plan pins, so that a line in the journal is not enough to pass for an approver.
 */
import { getInitialSnapshot, transition } from 'xstate';
import type { ApprovalGround, ApprovalRecord } from '../approvals/record.ts';
import { type ApprovalRequest, hasExpired } from '../approvals/request.ts';
import { isSignatureOf, readApproverKey } from '../approvals/signature.ts';
import { statementText } from '../approvals/statement.ts';
import type { Entry, Journal } from '../journal/journal.ts';
import type { PlanHead } from '../plan/model.ts';
import { type ApprovalMachineEvent, approvalMachine } from './approval.machine.ts';

type ApprovalEntry = Extract<Entry, { kind: 'approval' }>;
type Reader = Pick<Journal, 'run' | 'entries' | 'head'>;

export interface Approvals {
  readonly ground: ApprovalGround;
  /** The run's latest. */
  readonly generation: number;
  /** Of every generation, in the order in which they were asked for. */
  readonly records: readonly ApprovalRecord[];
}

/** `now`: milliseconds since the epoch. */
export function readApprovals(journal: Reader, now: number): Approvals {
  const plan = journal.head().plan as PlanHead;
  const ground = { run: journal.run, digest: plan.digest, approvers: plan.approvers };
  const initial = getInitialSnapshot(approvalMachine);
  const snapshots = new Map<string, typeof initial>();
  let generation = 1;
  for (const { entry } of journal.entries({ kinds: ['approval', 'phase', 'reset'] })) {
    if (entry.kind !== 'approval' && entry.kind !== 'phase' && entry.kind !== 'reset') continue;
    generation = Math.max(generation, entry.generation);
    if (entry.kind !== 'approval') continue;
    const name = `${entry.generation}/${entry.step}`;
    const before = snapshots.get(name) ?? initial;
    if (entry.event === 'signed' && !isValid(entry, before.context.request, ground)) continue;
    const [after] = transition(approvalMachine, before, eventOf(entry));
    snapshots.set(name, after);
  }
  const records = [...snapshots.values()].flatMap((snapshot) => {
    const { request } = snapshot.context;
    if (request === null) return [];
    const [last] = hasExpired(request, now) ? transition(approvalMachine, snapshot, { type: 'expired' }) : [snapshot];
    return [recordOf(String(last.value), request, last.context)];
  });
  return { ground, generation, records };
}

/** Those of the run's latest generation. */
export const currentApprovals = ({ records, generation }: Approvals): readonly ApprovalRecord[] =>
  records.filter(({ request }) => request.generation === generation);

function recordOf(
  state: string,
  request: ApprovalRequest,
  { approvers, earlier }: Pick<ApprovalRecord, 'approvers' | 'earlier'>,
): ApprovalRecord {
  if (state !== 'waiting' && state !== 'approved' && state !== 'expired' && state !== 'granted')
    throw new Error(`an approval that was asked for is ${state}`);
  return { state, request, approvers, earlier };
}

function eventOf(entry: ApprovalEntry): ApprovalMachineEvent {
  const { generation, step, nonce } = entry;
  switch (entry.event) {
    case 'requested':
      return {
        type: 'requested',
        request: { generation, step, nonce, quorum: entry.quorum, expiresAt: entry.expiresAt },
      };
    case 'signed':
      return { type: 'signed', nonce, approver: entry.approver, keySha256: entry.keySha256 };
    case 'granted':
      return { type: 'granted', nonce };
  }
}

function isValid(
  entry: Extract<ApprovalEntry, { event: 'signed' }>,
  request: ApprovalRequest | null,
  ground: ApprovalGround,
): boolean {
  const { approver, nonce } = entry;
  if (request === null || nonce !== request.nonce || !Object.hasOwn(ground.approvers, approver)) return false;
  const key = readApproverKey(Buffer.from(entry.publicKey, 'base64'));
  if (key === null || key.sha256 !== ground.approvers[approver] || key.sha256 !== entry.keySha256) return false;
  const text = statementText({ run: ground.run, digest: ground.digest, approver, request });
  return isSignatureOf(text, Buffer.from(entry.signature, 'base64'), key.key);
}
