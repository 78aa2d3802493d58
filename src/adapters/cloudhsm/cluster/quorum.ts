/**
 * M of N on one node: values, tokens, approvals (user guide, quorum authentication pages; facts 2.9). A token is good for one operation.
 * In the old tools it dies with its session, and may still be used at 0 s of validity as long as nothing needed its place; in SDK 5 it
 * outlives its session and ends with its validity.
 */
import { randomBytes } from 'node:crypto';
import { isAlive } from '../../processes/process-mark.ts';
import {
  HsmRefusal,
  type KeyService,
  type QuorumService,
  type QuorumTokenView,
  type TokenApproval,
} from './cluster.ts';
import type { NodeRecord, TokenRecord, UserRecord } from './cluster-record.ts';
import { isSigned } from './quorum-keys.ts';
import { tokenInFile } from './token-entry.ts';

const VALIDITY_MS = 600_000;
const STORE_SIZE = 1024;
const M_RANGE = { least: 2, most: 8 } as const;

/** The name in the documents' own output; no source gives its number. */
const missing = (): HsmRefusal =>
  new HsmRefusal('RET_MXN_AUTH_FAILED', null, 'the operation needs an approved quorum token');

export function validityMs(token: TokenRecord, nowMs: number): number {
  return Math.max(0, token.requestedAtMs + VALIDITY_MS - nowMs);
}

/** Still on the node: SDK 5's by their validity, those of the old tools by their session. */
export function keptTokens(node: NodeRecord, nowMs: number): TokenRecord[] {
  const open = new Set(node.sessions.filter((session) => isAlive(session.process)).map(({ id }) => id));
  return node.tokens.filter((token) =>
    token.session === null ? validityMs(token, nowMs) > 0 : open.has(token.session),
  );
}

export function tokenView(node: NodeRecord, token: TokenRecord, nowMs: number): QuorumTokenView {
  const { id, service, user, required, approvers, keyHandle = 0 } = token;
  const validitySeconds = Math.ceil(validityMs(token, nowMs) / 1000);
  return { id, service, node: node.id, keyHandle, user, validitySeconds, required, approvers };
}

export interface TokenRequest {
  readonly user: UserRecord;
  readonly service: QuorumService;
  /** null: the token outlives its session. */
  readonly session: string | null;
  readonly nowMs: number;
}

/**
 * Throws HsmRefusal `quorum-not-set` while one officer is enough, `token-active` when an SDK 5 user has one for that service already,
 * `token-store-full`.
 */
export function requestToken(node: NodeRecord, { user, service, session, nowMs }: TokenRequest): TokenRecord {
  if (node.mValues[service] < M_RANGE.least) {
    throw new HsmRefusal('quorum-not-set', null, `service ${service} needs no approval on this HSM`);
  }
  node.tokens = keptTokens(node, nowMs);
  if (
    session === null &&
    node.tokens.some((each) => each.session === null && each.user === user.name && each.service === service)
  ) {
    throw new HsmRefusal('token-active', null, `${user.name} has a token for service ${service} already`);
  }
  return addToken(node, { user, service, session, nowMs, required: node.mValues[service] });
}

interface NewToken extends Omit<TokenRequest, 'service'> {
  readonly service: QuorumService | KeyService;
  readonly required: number;
  readonly keyHandle?: number;
}

/** Of several for one key each is good for one use: the tool's limit of one token per service is not for keys. Throws `token-store-full`. */
export function addToken(node: NodeRecord, { user, nowMs, ...token }: NewToken): TokenRecord {
  node.tokens = keptTokens(node, nowMs);
  makeRoom(node, nowMs);
  const added: TokenRecord = {
    ...token,
    id: node.nextTokenId,
    nonce: randomBytes(16).toString('hex'),
    user: user.name,
    requestedAtMs: nowMs,
    approvers: [],
  };
  node.nextTokenId += 1;
  node.tokens.push(added);
  return added;
}

/** The oldest that has no validity left gives way. */
function makeRoom(node: NodeRecord, nowMs: number): void {
  if (node.tokens.length < STORE_SIZE) return;
  const oldest = node.tokens.findIndex((token) => validityMs(token, nowMs) === 0);
  if (oldest < 0) throw new HsmRefusal('token-store-full', null, `the HSM keeps ${STORE_SIZE} tokens already`);
  node.tokens.splice(oldest, 1);
}

export interface Approving {
  readonly nowMs: number;
  readonly requester: UserRecord;
  /** Who approves what officers do not; undefined: it is theirs. */
  readonly approverOf?: (token: TokenRecord, approval: TokenApproval) => UserRecord | undefined;
}

/**
 * All of the approvals or none. Throws HsmRefusal `token-unknown` (also one that is used up, or of another HSM), `token-expired`,
 * `approver-type`, `approver-unknown`, `approver-twice`, `signature-invalid`.
 */
export function approveToken(
  node: NodeRecord,
  signed: Uint8Array,
  approvals: readonly TokenApproval[],
  { nowMs, requester, approverOf }: Approving,
): void {
  const token = tokenInFile(signed, node.tokens);
  // A crypto user has no say in the officers' tokens, nor in those of others.
  const isOthers = isOfficer(requester) ? token?.keyHandle !== undefined : token?.user !== requester.name;
  if (token === undefined || isOthers) {
    throw new HsmRefusal('token-unknown', null, 'the HSM has no token of this token file');
  }
  if (!keptTokens(node, nowMs).includes(token))
    throw new HsmRefusal('token-expired', null, 'the token is no longer valid');
  const approvers = [...token.approvers];
  for (const approval of approvals) {
    const officer = approverOf?.(token, approval) ?? approver(node, approval);
    if (approvers.includes(officer.name)) {
      throw new HsmRefusal('approver-twice', null, `${officer.name} has approved this token already`);
    }
    if (officer.quorumKey === null || !isSigned(signed, approval.signature, officer.quorumKey)) {
      throw new HsmRefusal(
        'signature-invalid',
        null,
        `the signature is not one of ${officer.name} over this token file`,
      );
    }
    approvers.push(officer.name);
  }
  token.approvers = approvers;
}

function approver(node: NodeRecord, { user, type }: TokenApproval): UserRecord {
  if (type !== 'CO') throw new HsmRefusal('approver-type', null, 'only officers approve user management');
  const name = user.toLowerCase();
  const officer = node.users.find((each) => each.name.toLowerCase() === name && isOfficer(each));
  if (officer !== undefined && officer.quorumKey !== null) return officer;
  throw new HsmRefusal('approver-unknown', null, `${user} is no officer with a quorum key on this HSM`);
}

export const isOfficer = (user: UserRecord): boolean => user.type === 'CO' || user.type === 'PCO';

export interface Spending {
  readonly user: UserRecord;
  readonly service: QuorumService;
  /** The session that acts; SDK 5's tokens belong to no session. */
  readonly session: string;
  readonly outlivesSession: boolean;
  readonly nowMs: number;
}

/** Uses up the oldest token that is approved by enough. Throws HsmRefusal RET_MXN_AUTH_FAILED; nothing to do while one is enough. */
export function spendApproval(node: NodeRecord, spending: Spending): void {
  const { user, service, session, outlivesSession, nowMs } = spending;
  const needed = node.mValues[service];
  if (needed < M_RANGE.least) return;
  const kept = keptTokens(node, nowMs);
  const spent = kept.find(
    (token) =>
      token.service === service &&
      token.user === user.name &&
      token.session === (outlivesSession ? null : session) &&
      token.approvers.length >= needed,
  );
  if (spent === undefined) throw missing();
  node.tokens = kept.filter((token) => token !== spent);
}

/**
 * The first value of a service is free. Afterwards a change needs a token of service 4, which there is only once service 4 has a value
 * itself. Throws HsmRefusal `m-value`, RET_MXN_AUTH_FAILED.
 */
export function setMValue(node: NodeRecord, m: number, spending: Spending & { readonly target: QuorumService }): void {
  const officers = node.users.filter(isOfficer).length;
  if (!Number.isInteger(m) || m < M_RANGE.least || m > Math.min(M_RANGE.most, officers)) {
    throw new HsmRefusal('m-value', null, `a quorum is 2 to 8 officers and no more than there are (${officers})`);
  }
  if (node.mValues[4] >= M_RANGE.least) spendApproval(node, { ...spending, service: 4 });
  else if (node.mValues[spending.target] >= M_RANGE.least) throw missing();
  node.mValues[spending.target] = m;
}
