/**
 * approve-quorum-token: puts the officers' signatures, made outside with their own tools, into the token file. Until enough of them are
 * there the run waits (exit 4) and says what is to be signed; a token that ended meanwhile is requested anew, and signatures over the
 * earlier one are refused. The cluster sees the file with the operation that it approves.
 */
import { KeyferryError } from '../../../../errors/keyferry-error.ts';
import { path, required } from '../../../../schema/shape.ts';
import { type Arguments, done } from '../../../actions/action.ts';
import { readText, shape } from '../../../actions/arguments.ts';
import type { Administration } from '../administration.ts';
import { isFields } from '../answers.ts';
import {
  approvedFile,
  type CollectedSignatures,
  collectSignatures,
  type Officers,
  readTokenFile,
  toSignFile,
  writeApproved,
} from '../quorum-tokens.ts';
import type { TokenFile } from '../token-file.ts';
import type { AdminAction } from './action.ts';
import { activeToken, readService, requestToken, service, tokenIn, tokenPath } from './quorum-arguments.ts';
import { USER_PATTERN } from './user-arguments.ts';

function readOfficers(args: Arguments): Officers {
  if (!isFields(args.officers)) throw new KeyferryError('argument-invalid', 'The argument "officers" must be a map.');
  return Object.fromEntries(Object.entries(args.officers).map(([name, file]) => [name.toLowerCase(), String(file)]));
}

interface Needed {
  readonly token: TokenFile;
  readonly approvals: number;
  readonly secondsLeft: number | null;
  readonly isRenewed: boolean;
}

/** A token for a registration is no HSM's: its own officer signs it, and it does not end. */
async function neededFor(admin: Administration, args: Arguments): Promise<Needed> {
  const file = readText(args, 'token');
  const name = readService(args);
  if (name === 'registration') {
    return { token: tokenIn(admin, file), approvals: 1, secondsLeft: null, isRenewed: false };
  }
  let listed = await activeToken(admin, name);
  const isRenewed = listed === undefined;
  const token = isRenewed ? await requestToken(admin, name, file) : tokenIn(admin, file);
  listed ??= await activeToken(admin, name);
  if (typeof listed?.required !== 'number') {
    throw admin.fail('out-of-sync', 'the HSMs of the cluster do not agree on how many approvals are wanted.');
  }
  return { token, approvals: listed.required, secondsLeft: listed.secondsLeft, isRenewed };
}

/** In whole minutes, rounded down: what is kept and read later must still be true, and the same each time the cluster is asked. */
function endText(secondsLeft: number): string {
  return `at ${new Date(Date.now() + secondsLeft * 1000).toISOString().slice(0, 16)}Z`;
}

function waiting(admin: Administration, file: string, needed: Needed, found: CollectedSignatures): KeyferryError {
  const { approvals, secondsLeft, isRenewed } = needed;
  const parts = [
    `${found.valid.length} of ${approvals} signatures over the quorum token are there`,
    ...(isRenewed ? ['the earlier token has ended, so a new one was requested'] : []),
    ...(secondsLeft === null ? [] : [`the token ends ${endText(secondsLeft)}`]),
    ...found.refused,
  ];
  const [next] = found.missing;
  const command =
    next === undefined
      ? `Replace the refused signatures, made over ${toSignFile(file)}`
      : `Each officer signs: openssl dgst -sha256 -sign KEY -out ${next.file} ${toSignFile(file)}`;
  const others = found.missing.slice(1).map((each) => each.file);
  return admin.fail('approval-waiting', `${parts.join('; ')}.`, {
    hint: `${command}${others.length === 0 ? '' : ` (others: ${others.join(', ')})`}`,
  });
}

export const approveQuorumToken: AdminAction = {
  spec: {
    name: 'approve-quorum-token',
    summary: 'Collect officers’ signatures over a quorum token; the run waits for them',
    effect: 'change',
    input: shape({
      token: tokenPath,
      service: service(['user', 'quorum', 'registration']),
      officers: required({
        kind: 'map',
        keyPattern: USER_PATTERN,
        of: path('PEM file of the officer’s public key'),
        description: 'Who may sign, with their public keys',
      }),
    }),
    outputs: {
      approval: {
        type: 'string',
        lifetime: 'perishable',
        description: 'The signed token file, for an approval: argument',
      },
    },
  },
  async perform(admin, { args }) {
    const file = readText(args, 'token');
    const officers = readOfficers(args);
    const needed = await neededFor(admin, args);
    const found = collectSignatures(file, needed.token, officers);
    if (found.valid.length < needed.approvals) throw waiting(admin, file, needed, found);
    return done({ approval: writeApproved(file, needed.token, found.valid.slice(0, needed.approvals)) });
  },
  async reconcile(_admin, { args }) {
    // Only a file is made, whole each time; what it says is the cluster's to check.
    const file = readText(args, 'token');
    return readTokenFile(approvedFile(file)) === null
      ? { state: 'absent' }
      : { state: 'done', ...done({ approval: approvedFile(file) }) };
  },
};
