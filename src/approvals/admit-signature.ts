/**
 * May a signature be counted? Only one over the open request of this run and step, by the key that the plan pins for its approver, once,
 * and in time. Every other is refused with the most telling reason that can be found for it.
 */
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { ApprovalGround, ApprovalRecord } from './record.ts';
import { type ApprovalRequest, hasExpired } from './request.ts';
import { type ApproverKey, isSignatureOf, keyProblem } from './signature.ts';
import { expiryText, statementSha256, statementText } from './statement.ts';

export interface HandedIn {
  readonly approver: string;
  readonly key: ApproverKey;
  readonly signature: Uint8Array;
}

export interface AdmissionOptions {
  readonly ground: ApprovalGround;
  /** All approvals of the run, of earlier generations too. */
  readonly records: readonly ApprovalRecord[];
  /** The run's latest generation; requests of earlier ones are past. */
  readonly generation: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The other approvers' keys, to say whose a foreign signature is. */
  readonly others?: ReadonlyMap<string, ApproverKey>;
}

export interface Admitted {
  readonly record: ApprovalRecord;
  /** Hex, of what was signed. */
  readonly statementSha256: string;
}

/** Throws `approval-refused`; nothing has changed then. */
export function admitSignature(handed: HandedIn, options: AdmissionOptions): Admitted {
  requirePinnedKey(handed, options.ground);
  const signs = (request: ApprovalRequest, approver = handed.approver, key = handed.key): boolean =>
    isSignatureOf(textOf(request, approver, options.ground), handed.signature, key.key);
  const current = options.records.filter((record) => record.request.generation === options.generation);
  const record = current.find(({ request }) => signs(request));
  if (record !== undefined) {
    const { request } = record;
    requireOpen(handed, record, options);
    return { record, statementSha256: statementSha256(textOf(request, handed.approver, options.ground)) };
  }
  const past = options.records.flatMap((each) =>
    each.request.generation === options.generation ? each.earlier : [each.request, ...each.earlier],
  );
  const replaced = past.find((request) => signs(request));
  if (replaced !== undefined) {
    const why = hasExpired(replaced, options.now) ? `expired at ${expiryText(replaced.expiresAt)}` : 'is over';
    throw refused(
      handed,
      `it signs a request for step ${replaced.step} that ${why} and was replaced by another one`,
      renew(options.ground.run),
    );
  }
  throw refused(handed, foreignReason(handed, { ...options, records: current }, signs));
}

/** Rejects keys that the plan does not know, before anything is computed with them. */
export function requirePinnedKey({ approver, key }: Omit<HandedIn, 'signature'>, ground: ApprovalGround): void {
  const pinned = Object.hasOwn(ground.approvers, approver) ? ground.approvers[approver] : undefined;
  const handed = { approver };
  if (pinned === undefined) {
    const names = Object.keys(ground.approvers);
    throw refused(
      handed,
      `the plan knows no approver ${approver}`,
      `The plan's approvers are: ${names.length === 0 ? 'none' : names.join(', ')}.`,
    );
  }
  if (pinned !== key.sha256) {
    throw refused(
      handed,
      `the plan pins another public key for ${approver} (SHA-256 ${pinned}) than the one of the devices file (${key.sha256})`,
      'Find out who changed the key. A new approver needs a new plan.',
    );
  }
  const problem = keyProblem(key.key);
  if (problem !== null)
    throw refused(
      handed,
      `the key of ${approver} cannot sign approvals: ${problem}`,
      'Give the approver another key in the devices file and make a new plan.',
    );
}

function requireOpen(handed: HandedIn, record: ApprovalRecord, { ground, now }: AdmissionOptions): void {
  const { request, approvers, state } = record;
  if (approvers.includes(handed.approver))
    throw refused(
      handed,
      `${handed.approver} has approved step ${request.step} already; each approver counts once`,
      'Another approver has to sign.',
    );
  if (state === 'granted')
    throw refused(handed, `step ${request.step} was approved and has begun; it waits for nobody any more`);
  if (state === 'expired' || hasExpired(request, now))
    throw refused(
      handed,
      `the request for step ${request.step} expired at ${expiryText(request.expiresAt)}`,
      renew(ground.run),
    );
  if (state === 'approved')
    throw refused(
      handed,
      `step ${request.step} has all of its ${request.quorum} approvals`,
      `Go on with: keyferry resume ${ground.run}`,
    );
}

/** It is over nothing that this approver was ever asked in this run. */
function foreignReason(
  handed: HandedIn,
  { ground, records, others }: AdmissionOptions,
  signs: (request: ApprovalRequest, approver?: string, key?: ApproverKey) => boolean,
): string {
  const { approver } = handed;
  for (const { request } of records) {
    for (const name of Object.keys(ground.approvers)) {
      if (name !== approver && signs(request, name))
        return `it signs what ${name} was asked for step ${request.step}, not what ${approver} was`;
    }
    for (const [name, key] of others ?? []) {
      if (name === approver) continue;
      if (signs(request, name, key)) return `it is the signature of ${name}, not of ${approver}`;
      if (signs(request, approver, key)) return `it was made with the key of ${name}, not with that of ${approver}`;
    }
  }
  if (records.length === 0) return `run ${ground.run} has asked for no approval`;
  return `it is not a signature of ${approver} over any request of this run: the file or the signature was altered, or it belongs to another run or key`;
}

const textOf = (request: ApprovalRequest, approver: string, { run, digest }: ApprovalGround): string =>
  statementText({ run, digest, approver, request });

const renew = (run: string): string => `Ask anew and sign that: keyferry approval-request ${run}`;

export const refused = ({ approver }: { readonly approver: string }, why: string, hint?: string): KeyferryError =>
  new KeyferryError(
    'approval-refused',
    `The approval of ${approver} was refused: ${why}. Nothing was recorded.`,
    hint === undefined ? {} : { hint },
  );
