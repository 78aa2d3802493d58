/** How far the approval of one step has come: what the journal's entries add up to. Made by src/workflows/approval-records.ts. */
import type { ApprovalRequest } from './request.ts';

/** `approved`: enough have signed, and the step has not begun · `granted`: it has, so nothing is asked any more. */
export type ApprovalState = 'waiting' | 'approved' | 'expired' | 'granted';

export interface ApprovalRecord {
  readonly state: ApprovalState;
  /** The latest one. */
  readonly request: ApprovalRequest;
  /** Who signed it, in order; each signature was checked again when the journal was read. */
  readonly approvers: readonly string[];
  /** Requests for this step that this one replaced. */
  readonly earlier: readonly ApprovalRequest[];
}

/** What the signatures of a run's approvals are checked against. */
export interface ApprovalGround {
  readonly run: string;
  /** The plan's, hex. */
  readonly digest: string;
  /** Approver → SHA-256 of the public key (hex), as the plan pins them. */
  readonly approvers: Readonly<Record<string, string>>;
}
