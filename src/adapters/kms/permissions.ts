/**
 * Whether the caller may read what tells keys apart after a lost reply. Without these reads an unknown outcome could never be settled, so
 * a plan that cannot prove them does not go ahead. A key that nobody has answers NotFound to those who may, AccessDenied to others.
 */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { KmsConnection } from './connection.ts';
import { isNamed } from './errors.ts';
import type { Input, OperationName } from './operations.ts';

const NOBODYS_KEY = '00000000-0000-4000-8000-000000000000';

async function isDenied<N extends OperationName>(kms: KmsConnection, operation: N, input: Input<N>): Promise<boolean> {
  try {
    await kms.call(operation, input, `find out whether kms:${operation} is allowed`);
    return false;
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'permission-missing') return true;
    if (isNamed(error, 'NotFoundException')) return false;
    throw error;
  }
}

/** Reasons to block; empty: the caller may list keys and aliases, describe keys and read tags. */
export async function missingPermissions(kms: KmsConnection): Promise<readonly string[]> {
  const denied: readonly (readonly [OperationName, boolean])[] = [
    ['ListKeys', await isDenied(kms, 'ListKeys', { Limit: 1 })],
    ['ListAliases', await isDenied(kms, 'ListAliases', { Limit: 1 })],
    ['DescribeKey', await isDenied(kms, 'DescribeKey', { KeyId: NOBODYS_KEY })],
    ['ListResourceTags', await isDenied(kms, 'ListResourceTags', { KeyId: NOBODYS_KEY })],
  ];
  return denied
    .filter(([, isMissing]) => isMissing)
    .map(
      ([operation]) =>
        `the plan cannot prove that a lost reply could be settled on ${kms.name}: the caller lacks kms:${operation}`,
    );
}
