/**
 * Which account answers, and whether it is AWS at all. The account stands in every ARN, and the predefined aliases of AWS have one in
 * every account; what customers made is not asked, so that a device has the same serial number before its first key and after it.
 */
import type { AliasListEntry } from '@aws-sdk/client-kms';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { Trust } from '../adapter.ts';
import type { KmsTransport } from './client.ts';

const NOBODYS_KEY = '00000000-0000-4000-8000-000000000000';
const ARN = /arn:[a-z-]+:kms:([a-z0-9-]+):([0-9]{12}):/;

/** Of the domains that AWS serves KMS under, in its partitions. */
const AWS_DOMAINS = [
  '.amazonaws.com',
  '.amazonaws.com.cn',
  '.api.aws',
  '.amazonaws.eu',
  '.api.amazonwebservices.com.cn',
];

export function trustOf(asked: KmsTransport['asked']): Trust {
  const host = asked?.host.replace(/:443$/, '') ?? '';
  const isAws = asked?.isEncrypted === true && AWS_DOMAINS.some((domain) => host.endsWith(domain));
  return isAws ? 'hardware' : 'software';
}

/** An endpoint that names another region would sign for the wrong one. Throws `devices-invalid`. */
export function checkEndpoint(device: string, endpoint: string | undefined, region: string): void {
  const [, named] = /(?:^|[./-])kms(?:-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-[0-9])\./.exec(endpoint ?? '') ?? [];
  if (named === undefined || named === region) return;
  throw new KeyferryError(
    'devices-invalid',
    `${device}: the endpoint is that of ${named}, and the region is ${region}.`,
    {
      device,
      hint: 'Name the same region in both, or leave the endpoint out.',
    },
  );
}

/** The first ARN of these that tells. */
export function accountOf(device: string, aliases: readonly AliasListEntry[], region: string): string | null {
  for (const { AliasArn: arn = '', AliasName: name = '' } of aliases) {
    const [, answering, account] = ARN.exec(arn) ?? [];
    if (answering !== undefined && answering !== region) {
      throw new KeyferryError(
        'devices-invalid',
        `${device}: keys of ${answering} answer, and the region is ${region}.`,
        {
          device,
          hint: 'Correct the region or the endpoint.',
        },
      );
    }
    if (account !== undefined && name.startsWith('alias/aws/')) return account;
  }
  return null;
}

/** Services without predefined aliases name the account when they say that there is no such key. null: this one does not. */
export async function accountFromRefusal(transport: KmsTransport): Promise<string | null> {
  try {
    await transport.call('DescribeKey', { KeyId: NOBODYS_KEY });
    return null;
  } catch (error) {
    return error instanceof Error && error.name === 'NotFoundException' ? (ARN.exec(error.message)?.[2] ?? null) : null;
  }
}
