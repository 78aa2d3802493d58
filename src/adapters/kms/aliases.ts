/**
 * Aliases: the only unique names that KMS has, and what applications use. A lost reply of a change is settled here, by looking where the
 * alias points; no alias that points to another key is ever moved or removed unasked.
 */
import type { KeyMetadata } from '@aws-sdk/client-kms';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { KmsConnection } from './connection.ts';
import { isNamed } from './errors.ts';

/** null: no such alias. One read. */
export async function aliasTarget(kms: KmsConnection, alias: string): Promise<KeyMetadata | null> {
  return await kms.describe(alias, `look where ${alias} points`);
}

/** As many agreeing reads as the settle rule says until an alias is believed not to be there. */
export async function settledTarget(kms: KmsConnection, alias: string): Promise<KeyMetadata | null> {
  return (await kms.settled(async () => (await aliasTarget(kms, alias)) ?? undefined)) ?? null;
}

/** Waits until the alias shows the key, or no alias for null. What it showed last: another key, or null. */
export async function awaitTarget(
  kms: KmsConnection,
  alias: string,
  wanted: string | null,
): Promise<{ readonly isAsWanted: boolean; readonly target: string | null }> {
  let target: string | null = null;
  const seen = await kms.awaited(async () => {
    target = (await aliasTarget(kms, alias))?.KeyId ?? null;
    return target === wanted ? true : undefined;
  });
  return { isAsWanted: seen === true, target };
}

const TRIES = 5;

/** `points to KEY` when the alias is another's. Rejects with `unknown` when KMS does not say what became of it. */
export async function createAlias(
  kms: KmsConnection,
  alias: string,
  keyId: string,
): Promise<{ readonly heldBy: string | null }> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await kms.callSeen(
        'CreateAlias',
        { AliasName: alias, TargetKeyId: keyId },
        `create ${alias} for the key ${keyId}`,
      );
      return { heldBy: null };
    } catch (error) {
      if (isNamed(error, 'AlreadyExistsException')) {
        // Perhaps by our own call, whose reply was lost. It exists, so it will be seen.
        const target = await kms.awaited(async () => (await aliasTarget(kms, alias)) ?? undefined);
        return { heldBy: target?.KeyId === keyId ? null : (target?.KeyId ?? 'a key that cannot be seen') };
      }
      const isAgain = isUnanswered(error) || (error instanceof KeyferryError && error.code === 'device-busy');
      if (!isAgain || attempt >= TRIES) throw error;
      if (isUnanswered(error) && (await settledTarget(kms, alias))?.KeyId === keyId) return { heldBy: null };
      await kms.pause();
    }
  }
}

const isUnanswered = (error: unknown): boolean => error instanceof KeyferryError && error.outcome === 'unknown';
