/**
 * M of N on single keys: values at creation, tokens of crypto users, and the one use that an approved token allows. User guide,
 * `quorum-auth-chsm-cli-service-names` and `key-generate-*`; that both values are 2 or more is measured there by others only. Approvers are
 * the key's owner and the users it is shared with. Left out: tokens of the old tools for keys, whose commands no source describes.
 */
import type { SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import { HsmRefusal, type KeyGuard, type KeyQuorum, type KeyService, type TokenApproval } from './cluster.ts';
import { handleOf, ownerOf, quorumOf, sharedWith } from './cluster-keys.ts';
import type { NodeRecord, TokenRecord, UserRecord } from './cluster-record.ts';
import { keptTokens } from './quorum.ts';

const LEAST = 2;
const MOST = 8;

/** The tool's own sentence, as it was met with. */
const BOTH_VALUES = 'The manage key and use key quorum values must be set to a value greater than 1';

const wanted = ({ manage, use }: KeyQuorum, service: KeyService): number =>
  service === 'key-management' ? manage : use;

export const missingApproval = (handle: number): HsmRefusal =>
  new HsmRefusal('RET_MXN_AUTH_FAILED', null, `using the key ${handle} needs an approved quorum token`);

/** Throws HsmRefusal `quorum-value`, `no-such-user`, `user-owns-key`. */
export function checkGuard(nodes: readonly NodeRecord[], owner: number, { quorum, users }: KeyGuard): void {
  for (const user of users) {
    if (user === owner) throw new HsmRefusal('user-owns-key', null, 'the owner needs no share of its own key');
    if (!nodes.every((node) => node.users.some(({ id, type }) => id === user && type === 'CU'))) {
      throw new HsmRefusal('no-such-user', 0xce, `there is no crypto user with id ${user} on every HSM`);
    }
  }
  const { manage, use } = quorum;
  if (manage === 0 && use === 0) return;
  if (manage < LEAST || use < LEAST) throw new HsmRefusal('quorum-value', null, BOTH_VALUES);
  const associated = new Set(users).size + 1;
  const most = Math.max(manage, use);
  if (most > MOST || most > associated) {
    throw new HsmRefusal(
      'quorum-value',
      null,
      `a key's quorum is at most ${MOST} and no more than its owner and the users it is shared with (${associated})`,
    );
  }
}

/** How many approvals a token for this key wants. Throws HsmRefusal `quorum-not-set`. */
export function approvalsFor(key: SimulatedObject, service: KeyService): number {
  const needed = wanted(quorumOf(key), service);
  if (needed >= LEAST) return needed;
  throw new HsmRefusal('quorum-not-set', null, `the key ${handleOf(key)} wants no approval`);
}

/** Throws HsmRefusal `approver-type`, `approver-unknown`: whoever may not use the key cannot approve its use. */
export function keyApprover(node: NodeRecord, key: SimulatedObject, { user, type }: TokenApproval): UserRecord {
  if (type !== 'CU') throw new HsmRefusal('approver-type', null, 'only crypto users approve the use of a key');
  const name = user.toLowerCase();
  const found = node.users.find((each) => each.type === 'CU' && each.name.toLowerCase() === name);
  const isAssociated =
    found !== undefined && (ownerOf(key) === found.id || sharedWith(node, handleOf(key)).includes(found.id));
  if (isAssociated && found.quorumKey !== null) return found;
  throw new HsmRefusal(
    'approver-unknown',
    null,
    `${user} is no crypto user with a quorum key who owns the key or shares in it on this HSM`,
  );
}

export interface KeySpending {
  readonly user: UserRecord;
  readonly service: KeyService;
  readonly nowMs: number;
}

/** Uses up the oldest approved token for the key; nothing to do where the key wants none. Throws HsmRefusal RET_MXN_AUTH_FAILED. */
export function spendKeyApproval(node: NodeRecord, key: SimulatedObject, { user, service, nowMs }: KeySpending): void {
  const needed = wanted(quorumOf(key), service);
  if (needed < LEAST) return;
  const handle = handleOf(key);
  const isFit = (token: TokenRecord): boolean =>
    token.service === service &&
    token.keyHandle === handle &&
    token.user === user.name &&
    token.approvers.length >= needed;
  const kept = keptTokens(node, nowMs);
  const spent = kept.find(isFit);
  if (spent === undefined) throw missingApproval(handle);
  node.tokens = kept.filter((token) => token !== spent);
}
