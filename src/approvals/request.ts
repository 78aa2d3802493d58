/**
 * A request for approval of one step of a run, as the journal holds it: how many must sign, a nonce that makes each request another, and
 * when it ends. What an approver signs is made from it in statement.ts.
 */
import { randomBytes } from 'node:crypto';

export interface ApprovalRequest {
  readonly generation: number;
  readonly step: string;
  readonly quorum: number;
  /** Hex. */
  readonly nonce: string;
  /** Milliseconds since the epoch, a whole second: signatures are taken, and the step may begin, before it. */
  readonly expiresAt: number;
}

/** Without `valid-for:` of the step: long enough for people in other time zones, short enough to be remembered. */
export const DEFAULT_VALID_FOR_MS = 24 * 60 * 60 * 1000;
const NONCE_BYTES = 16;

export interface RequestWish {
  readonly generation: number;
  readonly step: string;
  readonly quorum: number;
  readonly validForMs: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function newRequest(wish: RequestWish): ApprovalRequest {
  const { generation, step, quorum } = wish;
  return {
    generation,
    step,
    quorum,
    nonce: randomBytes(NONCE_BYTES).toString('hex'),
    // Up: a request that ends in the second in which it was made could never be signed.
    expiresAt: Math.ceil((wish.now + wish.validForMs) / 1000) * 1000,
  };
}

export const hasExpired = (request: Pick<ApprovalRequest, 'expiresAt'>, now: number): boolean =>
  now >= request.expiresAt;
