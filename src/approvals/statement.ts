/**
 * The bytes that an approver signs: one line a field, in this order, nothing else. They name the run, the step, the plan's digest (which
 * covers playbook, inputs, devices, keys and approvers), the approver, and the request by its nonce and end.
 */
import { createHash } from 'node:crypto';
import type { ApprovalRequest } from './request.ts';

export const STATEMENT_FORMAT = 'keyferry-approval-v1';

export interface StatementFacts {
  readonly run: string;
  /** The plan's, hex. */
  readonly digest: string;
  readonly approver: string;
  readonly request: Pick<ApprovalRequest, 'step' | 'nonce' | 'expiresAt'>;
}

/** ASCII, lines ended by \n. Two different statements never have the same text: no value may hold a line break. */
export function statementText({ run, digest, approver, request }: StatementFacts): string {
  const fields: readonly (readonly [string, string])[] = [
    ['run', run],
    ['step', request.step],
    ['plan', digest],
    ['approver', approver],
    ['nonce', request.nonce],
    ['expires', expiryText(request.expiresAt)],
  ];
  for (const [name, value] of fields) {
    if (!/^[\x20-\x7e]+$/.test(value)) throw new Error(`the ${name} of an approval is not one line of ASCII`);
  }
  return `${[STATEMENT_FORMAT, ...fields.map(([name, value]) => `${name}: ${value}`)].join('\n')}\n`;
}

/** UTC, to the second. */
export const expiryText = (expiresAt: number): string => new Date(expiresAt).toISOString().replace('.000Z', 'Z');

/** Hex, of the very bytes that are signed. */
export const statementSha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
