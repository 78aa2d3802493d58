/**
 * Whether the caller may read what tells keys apart after a lost reply. Without these reads an unknown outcome could never be settled, so
 * a plan that cannot prove them does not go ahead. A key that nobody has answers NotFound to those who may, AccessDenied to others.
 */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { KmsConnection } from './connection.ts';
import { isNamed } from './errors.ts';
import type { Input, OperationName } from './operations.ts';

const NOBODYS_KEY = '00000000-0000-4000-8000-000000000000';

/** null: it is there and allowed. */
async function objection<N extends OperationName>(
  kms: KmsConnection,
  operation: N,
  input: Input<N>,
): Promise<string | null> {
  try {
    await kms.call(operation, input, `find out whether kms:${operation} is allowed`);
    return null;
  } catch (error) {
    if (isNamed(error, 'NotFoundException')) return null;
    if (!(error instanceof KeyferryError)) throw error;
    if (error.code === 'permission-missing') return `the caller lacks kms:${operation}`;
    if (error.code === 'capability-missing') return `the endpoint does not do ${operation}`;
    throw error;
  }
}

/** Reasons to block; empty: the caller may list keys and aliases, describe keys and read tags. */
export async function missingPermissions(kms: KmsConnection): Promise<readonly string[]> {
  const objections = [
    await objection(kms, 'ListKeys', { Limit: 1 }),
    await objection(kms, 'ListAliases', { Limit: 1 }),
    await objection(kms, 'DescribeKey', { KeyId: NOBODYS_KEY }),
    await objection(kms, 'ListResourceTags', { KeyId: NOBODYS_KEY }),
  ];
  return objections.flatMap((why) =>
    why === null ? [] : [`the plan cannot prove that a lost reply could be settled on ${kms.name}: ${why}`],
  );
}
