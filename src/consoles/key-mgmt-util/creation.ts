/** What the creating commands have in common: the flags, and what follows a key's creation: sharing, the number of HSMs, the status lines. */
import { CKA } from '../../adapters/pkcs11/constants.ts';
import type { Handle } from '../../adapters/pkcs11/cryptoki.ts';
import { Misuse } from '../command.ts';
import { attest } from './attest.ts';
import { type Flags, type FlagTable, flag } from './flags.ts';
import type { KmuSession } from './kmu-session.ts';

export const CREATION_FLAGS: FlagTable = {
  id: flag.text.optional('key ID'),
  sess: flag.switch,
  min_srv: flag.number.optional('number of servers'),
  timeout: flag.number.optional('seconds'),
};

export const OWNED_FLAGS: FlagTable = {
  ...CREATION_FLAGS,
  u: flag.numbers.optional('user ids'),
  m_value: flag.number.optional('0..8'),
  attest: flag.switch,
};

/** Throws Misuse for combinations that make no sense, before anything is made. */
export function checkCreation(k: KmuSession, flags: Flags): void {
  const login = k.loggedIn;
  if (flags.number('timeout') !== undefined && flags.number('min_srv') === undefined) {
    throw new Misuse('-timeout goes with -min_srv only.');
  }
  if (flags.numbers('u').includes(login.userId)) throw new Misuse('-u names the users to share with, not yourself.');
  if ((flags.number('m_value') ?? 0) !== 0) {
    throw new Misuse('This console makes no keys whose use needs approvals (-m_value).');
  }
  const wanted = flags.number('min_srv') ?? 1;
  if (wanted > k.cluster.nodes.length) {
    throw new Misuse(
      `-min_srv ${wanted}: the cluster has ${k.cluster.nodes.length} HSMs, so the key could never be made.`,
    );
  }
  for (const user of flags.numbers('u')) {
    const isThere = k.upNodes.some((node) => node.users().some(({ id, type }) => id === user && type === 'CU'));
    if (!isThere) throw new Misuse(`-u ${user}: there is no crypto user with that id.`);
  }
}

/** Makes keys: on as many HSMs as -min_srv says, or not at all. */
export async function create<T>(k: KmuSession, flags: Flags, call: string, make: () => Promise<T>): Promise<T> {
  const minServers = flags.number('min_srv');
  if (minServers === undefined) return await k.call(call, make);
  const seconds = flags.number('timeout');
  const timeoutMs = seconds === undefined ? null : seconds * 1000;
  return await k.call(call, () => k.cluster.createOnAtLeast(k.loggedIn.session, { minServers, timeoutMs }, make));
}

/** What follows a key's creation: it is shared, and attested. */
export async function settleCreation(
  k: KmuSession,
  flags: Flags,
  call: string,
  objects: readonly Handle[],
): Promise<void> {
  for (const user of flags.numbers('u')) {
    for (const object of objects) {
      const handle = k.handleOf(object);
      for (const { id } of k.upNodes) {
        await k.call(call, () => k.loggedIn.nodes.get(id)?.share(handle, user, true));
      }
    }
  }
  if (flags.has('attest')) for (const object of objects) await attest(k, object);
}

/** The status lines after a key came into being. */
export function creationStatus(k: KmuSession, object: Handle): void {
  const isToken = k.module.C_GetAttributeValue(k.loggedIn.session, object, [CKA.TOKEN])[0]?.value?.[0] === 1;
  const holder = k.upNodes[0];
  k.status(isToken || k.edition.sessionKeyStatus === 'every-node' || holder === undefined ? 'all' : holder.id);
}
