/** Names and passwords of HSM users: what is allowed, and how passwords are kept. */
import { scryptSync } from 'node:crypto';
import { HsmRefusal } from './cluster.ts';

/** A simulator logs in thousands of times in a test: a tenth of the usual cost. */
const COST = { N: 2048, r: 8, p: 1 } as const;

/** The salt is the user's in that cluster, so that two nodes hold the same hash exactly when they hold the same password. */
export const passwordHash = (clusterId: string, userName: string, password: string): string =>
  scryptSync(password, `${clusterId}/${userName.toLowerCase()}`, 32, COST).toString('hex');

/** Quotas page of the user guide: 8 to 32 characters on both HSM types. */
export function checkPassword(password: string): void {
  if (password.length >= 8 && password.length <= 32) return;
  throw new HsmRefusal('password-length', null, 'a password has 8 to 32 characters');
}

/** At most 31 characters; the underscore is the only special one. */
export function checkUserName(name: string): void {
  if (/^[A-Za-z0-9_]{1,31}$/.test(name)) return;
  throw new HsmRefusal('user-name', null, 'a user name has 1 to 31 letters, digits and underscores');
}
