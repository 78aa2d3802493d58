/**
 * A grant for a while. CreateGrant with a name may be repeated: the same name, principal, operations and constraints give the grant that
 * is there. So one whose reply was lost, or that an interrupted check left, is found again by asking for it once more, and revoked.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html
 */
import type { GrantOperation } from '@aws-sdk/client-kms';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { KmsConnection } from './connection.ts';
import { isNamed } from './errors.ts';

export interface GrantRequest {
  readonly keyId: string;
  /** ARN. It may retire the grant too. */
  readonly grantee: string;
  readonly name: string;
  readonly operations: readonly GrantOperation[];
  /** The encryption context that its use must bring. */
  readonly context: Readonly<Record<string, string>>;
}

export interface Grant {
  readonly id: string;
  /** With it the grant holds at once; without it only minutes later. */
  readonly token: string;
}

const TRIES = 3;

/** What may be asked again: nobody answered, or there was too much to do. */
const isPassing = (error: unknown): boolean =>
  error instanceof KeyferryError && (error.outcome === 'unknown' || error.code === 'device-busy');

async function patiently<T>(kms: KmsConnection, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || attempt >= TRIES) throw error;
      await kms.pause();
    }
  }
}

/** Rejects with outcome `unknown` when nobody ever answered: the grant may be there. `what` is the key in words. */
export async function makeGrant(kms: KmsConnection, request: GrantRequest, what: string): Promise<Grant> {
  const { keyId, grantee, name, operations, context } = request;
  const doing = `grant the use of the ${what}`;
  const input = {
    KeyId: keyId,
    GranteePrincipal: grantee,
    RetiringPrincipal: grantee,
    Name: name,
    Operations: [...operations],
    Constraints: { EncryptionContextSubset: { ...context } },
  };
  const { GrantId: id, GrantToken: token } = await patiently(kms, () => kms.callSeen('CreateGrant', input, doing));
  if (id !== undefined && token !== undefined) return { id, token };
  throw kms.fail('device-refused', `could not ${doing}: the answer is not complete.`, { outcome: 'unknown' });
}

const GONE = ['NotFoundException', 'InvalidGrantIdException'] as const;

/** One that is gone already, by somebody else or by a call whose reply was lost, is as good. Rejects when it may still be there. */
export async function revokeGrant(kms: KmsConnection, keyId: string, { id }: Grant): Promise<void> {
  try {
    const input = { KeyId: keyId, GrantId: id };
    // A new grant may not be seen everywhere yet.
    await patiently(kms, () => kms.callSeen('RevokeGrant', input, `revoke the grant ${id}`, GONE));
  } catch (error) {
    if (!isNamed(error, ...GONE)) throw error;
  }
}
