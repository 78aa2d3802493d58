/** What the creating commands have in common: the flags, whom a key is shared with and how many must approve its use, and what follows. */
import { CKA } from '../../adapters/pkcs11/constants.ts';
import type { Handle } from '../../adapters/pkcs11/cryptoki.ts';
import { Misuse } from '../command.ts';
import { attest } from './attest.ts';
import { type Flags, type FlagTable, flag } from './flags.ts';
import type { KmuSession, RefusalText } from './kmu-session.ts';

export const CREATION_FLAGS: FlagTable = {
  id: flag.text.optional('key ID'),
  sess: flag.switch,
  min_srv: flag.number.optional('number of servers'),
  timeout: flag.number.optional('seconds'),
};

export const SHARED_FLAGS: FlagTable = {
  ...CREATION_FLAGS,
  u: flag.numbers.optional('user ids'),
  attest: flag.switch,
};

export const OWNED_FLAGS: FlagTable = { ...SHARED_FLAGS, m_value: flag.number.optional('0..8') };

/** More can never approve. */
const MOST_APPROVALS = 8;

/** Throws Misuse for combinations that make no sense, before anything is made. */
export function checkCreation(k: KmuSession, flags: Flags): void {
  const login = k.loggedIn;
  checkServers(k, flags);
  const users = flags.numbers('u');
  const approvals = flags.number('m_value') ?? 0;
  if (users.includes(login.userId)) throw new Misuse('-u names the users to share with, not yourself.');
  for (const user of users) {
    const isThere = k.upNodes.some((node) => node.users().some(({ id, type }) => id === user && type === 'CU'));
    if (!isThere) throw new Misuse(`-u ${user}: there is no crypto user with that id.`);
  }
  if (flags.has('sess') && (users.length > 0 || approvals > 0)) {
    throw new Misuse('-u and -m_value go with keys that stay (no -sess): session keys are shared with nobody here.');
  }
  if (approvals > MOST_APPROVALS) throw new Misuse(`-m_value ${approvals}: 0 to ${MOST_APPROVALS}.`);
  const most = new Set(users).size + 1;
  if (approvals > most) {
    throw new Misuse(`-m_value ${approvals}: with you and those of -u, ${most} can approve; share it with more (-u).`);
  }
}

/** Throws Misuse. */
export function checkServers(k: KmuSession, flags: Flags): void {
  if (flags.number('timeout') !== undefined && flags.number('min_srv') === undefined) {
    throw new Misuse('-timeout goes with -min_srv only.');
  }
  const wanted = flags.number('min_srv') ?? 1;
  if (wanted > k.cluster.nodes.length) {
    throw new Misuse(
      `-min_srv ${wanted}: the cluster has ${k.cluster.nodes.length} HSMs, so the key could never be made.`,
    );
  }
}

export interface Making<T> {
  /** Name of the call of the client library. */
  readonly call: string;
  make(): Promise<T>;
  readonly explain?: (error: unknown) => RefusalText | null;
}

/** Makes keys: shared and guarded from the start, and on as many HSMs as -min_srv says or not at all. */
export async function create<T>(k: KmuSession, flags: Flags, { call, make, explain }: Making<T>): Promise<T> {
  const { session } = k.loggedIn;
  const users = flags.numbers('u');
  const approvals = flags.number('m_value') ?? 0;
  const guard = { users, quorum: { manage: approvals, use: approvals } };
  const guarded = users.length === 0 && approvals === 0 ? make : () => k.cluster.createGuarded(session, guard, make);
  return await k.call(call, () => onEnoughServers(k, flags, guarded), explain);
}

export async function onEnoughServers<T>(k: KmuSession, flags: Flags, make: () => Promise<T>): Promise<T> {
  const minServers = flags.number('min_srv');
  if (minServers === undefined) return await make();
  const seconds = flags.number('timeout');
  const timeoutMs = seconds === undefined ? null : seconds * 1000;
  return await k.cluster.createOnAtLeast(k.loggedIn.session, { minServers, timeoutMs }, make);
}

/** What follows a key's creation: it is attested, and the status of the HSMs shown. */
export async function settleCreation(k: KmuSession, flags: Flags, object: Handle): Promise<void> {
  if (flags.has('attest')) await attest(k, object);
  if ((flags.number('m_value') ?? 0) > 0) {
    k.terminal.note(
      'What is done with this key wants approved tokens, which this tool cannot hand in; cloudhsm-cli can.',
    );
  }
  const isToken = k.module.C_GetAttributeValue(k.loggedIn.session, object, [CKA.TOKEN])[0]?.value?.[0] === 1;
  const holder = k.upNodes[0];
  k.status(isToken || k.edition.sessionKeyStatus === 'every-node' || holder === undefined ? 'all' : holder.id);
}
