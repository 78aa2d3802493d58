/**
 * Which account answers, and whether it is AWS at all. The account stands in every ARN, and the predefined aliases of AWS have one in
 * every account; what customers made is not asked, so that a device has the same serial number before its first key and after it.
 */
import type { AliasListEntry } from '@aws-sdk/client-kms';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { Trust } from '../adapter.ts';
import type { KmsTransport } from './client.ts';
import { asKmsError } from './errors.ts';
import type { OperationName, Output } from './operations.ts';
import { isEndpointOf } from './partitions.ts';

const NOBODYS_KEY = '00000000-0000-4000-8000-000000000000';
const ALIASES = 100;
const ARN = /arn:[a-z-]+:kms:([a-z0-9-]+):([0-9]{12}):/;

export function trustOf(asked: KmsTransport['asked']): Trust {
  const host = asked?.host.replace(/:443$/, '') ?? '';
  return asked?.isEncrypted === true && isEndpointOf(host) ? 'hardware' : 'software';
}

/** Throws `devices-invalid` for what is no address, or one of another region, which would sign for the wrong one. */
export function checkEndpoint(device: string, endpoint: string | undefined, region: string): void {
  if (endpoint === undefined) return;
  if (!URL.canParse(endpoint)) {
    throw new KeyferryError('devices-invalid', `${device}: the endpoint "${endpoint}" is no address.`, {
      device,
      hint: 'Write it as https://HOST or https://HOST:PORT, or leave the endpoint out.',
    });
  }
  const [, named] = /(?:^|[./-])kms(?:-fips)?\.([a-z]{2,4}(?:-[a-z]+)+-[0-9])\./.exec(endpoint) ?? [];
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

export interface Asked {
  /** Name in the devices file. */
  readonly device: string;
  readonly region: string;
  /** What the devices file says; null: nothing. */
  readonly account: string | null;
  readonly transport: KmsTransport;
}

/**
 * The first calls of all: they also show whether the endpoint is KMS and takes the credentials. null: nothing tells the account. Rejects
 * with `devices-invalid` when another region or account answers.
 */
export async function findAccount(asked: Asked): Promise<string | null> {
  const found = await foundAccount(asked);
  if (asked.account === null || found === null || asked.account === found) return found ?? asked.account;
  throw other(asked, `the account ${found} answers, and the devices file says ${asked.account}`);
}

const other = ({ device }: Asked, message: string): KeyferryError =>
  new KeyferryError('devices-invalid', `${device}: ${message}.`, {
    device,
    hint: 'Correct the account, the region, the endpoint or the credentials.',
  });

async function foundAccount(asked: Asked): Promise<string | null> {
  let marker: string | undefined;
  let refused: unknown = null;
  try {
    const page = await asked.transport.call('ListAliases', { Limit: ALIASES });
    const account = accountOf(asked, page.Aliases ?? []);
    if (account !== null) return account;
    if (page.Truncated === true) marker = page.NextMarker;
  } catch (error) {
    refused = inWords(asked, 'ListAliases', error);
    // Whether that is all, the next call shows; what lacks, a plan says.
    if (!isLack(refused)) throw refused;
  }
  const account = await accountFromRefusal(asked, refused);
  if (account !== null) return account;
  return marker === undefined ? null : await accountFromAliases(asked, marker);
}

/** Of an account with many aliases, on the pages after the first. */
async function accountFromAliases(asked: Asked, from: string): Promise<string | null> {
  try {
    for (let marker: string | undefined = from; marker !== undefined; ) {
      const page: Output<'ListAliases'> = await asked.transport.call('ListAliases', { Limit: ALIASES, Marker: marker });
      const account = accountOf(asked, page.Aliases ?? []);
      if (account !== null) return account;
      marker = page.Truncated === true && page.NextMarker !== marker ? page.NextMarker : undefined;
    }
    return null;
  } catch (error) {
    throw inWords(asked, 'ListAliases', error);
  }
}

/** A predefined alias of AWS tells; of every ARN the region is looked at. */
function accountOf(asked: Asked, aliases: readonly AliasListEntry[]): string | null {
  for (const { AliasArn: arn = '', AliasName: name = '' } of aliases) {
    const account = accountIn(asked, arn);
    if (account !== null && name.startsWith('alias/aws/')) return account;
  }
  return null;
}

function accountIn(asked: Asked, text: string): string | null {
  const [, answering, account] = ARN.exec(text) ?? [];
  if (answering !== undefined && answering !== asked.region) {
    throw other(asked, `keys of ${answering} answer, and the region is ${asked.region}`);
  }
  return account ?? null;
}

/** Services without predefined aliases name the account when they say that there is no such key. null: this one does not. */
async function accountFromRefusal(asked: Asked, earlier: unknown): Promise<string | null> {
  let why = 'it says that a key is there which nobody has';
  try {
    await asked.transport.call('DescribeKey', { KeyId: NOBODYS_KEY });
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error();
    if (name === 'NotFoundException') return accountIn(asked, message);
    const said = inWords(asked, 'DescribeKey', error);
    if (name !== 'UnknownOperationException') {
      if (earlier !== null) throw earlier;
      if (isLack(said)) return accountIn(asked, message);
      throw said;
    }
    why = 'it does not know DescribeKey';
  }
  const host = asked.transport.asked?.host ?? asked.region;
  throw new KeyferryError('device-unreachable', `${asked.device}: what answers at ${host} is not AWS KMS: ${why}.`, {
    device: asked.device,
    outcome: 'not-applied',
    hint: 'Check the endpoint in the devices file and proxies on the way.',
  });
}

const inWords = ({ device, region, transport }: Asked, operation: OperationName, error: unknown): unknown =>
  asKmsError(error, {
    device,
    operation,
    what: 'find out the account',
    endpoint: transport.asked?.host ?? region,
    region,
    ...(transport.profile === undefined ? {} : { profile: transport.profile }),
  });

/** May not or cannot, where everything else may be well. */
const isLack = (error: unknown): boolean =>
  error instanceof KeyferryError && (error.code === 'permission-missing' || error.code === 'capability-missing');

const NOT_DONE = ['UnknownOperationException', 'UnsupportedOperationException'];

/** Which of these a service that is not AWS does not do at all. What AWS itself does is documented. */
export async function missingOperations(transport: KmsTransport): Promise<ReadonlySet<'GenerateMac' | 'GetPublicKey'>> {
  const asks = {
    GenerateMac: () =>
      transport.call('GenerateMac', { KeyId: NOBODYS_KEY, MacAlgorithm: 'HMAC_SHA_256', Message: new Uint8Array(1) }),
    GetPublicKey: () => transport.call('GetPublicKey', { KeyId: NOBODYS_KEY }),
  } as const;
  const missing = new Set<keyof typeof asks>();
  for (const name of ['GenerateMac', 'GetPublicKey'] as const) {
    try {
      await asks[name]();
    } catch (error) {
      // Any other refusal is one of the key, and comes again where it matters.
      if (error instanceof Error && NOT_DONE.includes(error.name)) missing.add(name);
    }
  }
  return missing;
}
