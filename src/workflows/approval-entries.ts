/** Writes approvals into the journal that this process owns: a request, and a signature once it was found to be good. */
import { type Admitted, admitSignature, type HandedIn } from '../approvals/admit-signature.ts';
import type { ApprovalRecord } from '../approvals/record.ts';
import { DEFAULT_VALID_FOR_MS, newRequest } from '../approvals/request.ts';
import type { ApproverKey } from '../approvals/signature.ts';
import type { Journal } from '../journal/journal.ts';
import type { Step } from '../playbook/model.ts';
import { readApprovals } from './approval-records.ts';

export interface AskingOptions {
  readonly journal: Journal;
  readonly generation: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Asks for the approval of a step, in place of any earlier request. */
export async function requestApproval(step: Step, { journal, generation, now }: AskingOptions): Promise<void> {
  if (step.approval === null) throw new Error(`step ${step.id} needs no approval`);
  const { quorum, validForMs = DEFAULT_VALID_FOR_MS } = step.approval;
  const request = newRequest({ generation, step: step.id, quorum, validForMs, now });
  await journal.append({ kind: 'approval', event: 'requested', ...request });
}

export interface HandInOptions {
  readonly journal: Journal;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly others?: ReadonlyMap<string, ApproverKey>;
}

/** Throws `approval-refused`; writes nothing. The journal need not be owned. */
export function checkApproval(handed: HandedIn, { journal, now, others }: HandInOptions): Admitted {
  const { ground, records, generation } = readApprovals(journal, now);
  return admitSignature(handed, { ground, records, generation, now, ...(others === undefined ? {} : { others }) });
}

/** Resolves, once it is durable, with what the step's approval is now. Rejects with `approval-refused` and records nothing. */
export async function recordApproval(handed: HandedIn, options: HandInOptions): Promise<ApprovalRecord> {
  const { journal, now } = options;
  const { record, statementSha256 } = checkApproval(handed, options);
  const { generation, step, nonce } = record.request;
  await journal.append({
    kind: 'approval',
    generation,
    step,
    event: 'signed',
    nonce,
    approver: handed.approver,
    publicKey: Buffer.from(handed.key.spki).toString('base64'),
    keySha256: handed.key.sha256,
    signature: Buffer.from(handed.signature).toString('base64'),
    statementSha256,
  });
  const after = readApprovals(journal, now).records.find(({ request }) => request.nonce === nonce);
  if (after === undefined) throw new Error('the request is gone from the journal');
  return after;
}
