/** How a request names a key: id, key ARN, and where the operation takes them, alias name and alias ARN. */
import { partitionOf } from '../partitions.ts';
import { aliasArn, type KeyRecord, keyArn, type Place } from './key-record.ts';
import type { StateView } from './key-store.ts';
import { refuse } from './service-error.ts';

const KEY_ID = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/;
const ARN = /^arn:([a-z-]+):kms:([^:]*):([^:]*):(key\/.+|alias\/.+)$/;

export type References = 'keys' | 'keys-and-aliases';

/**
 * Throws ServiceError `NotFoundException` or `AccessDeniedException`; `InvalidArnException` for ARNs of nothing of KMS, but where aliases
 * are accepted: most of those operations do not have that error.
 */
export function findKey(state: StateView, place: Place, reference: string, accepted: References = 'keys'): KeyRecord {
  const id = keyIdOf(state, place, reference, accepted);
  return state.key(id) ?? refuse('NotFoundException', `Key '${keyArn(place, id)}' does not exist`);
}

function keyIdOf(state: StateView, place: Place, reference: string, accepted: References): string {
  const name = reference.startsWith('arn:') ? resourceOf(place, reference, accepted) : reference;
  if (name.startsWith('alias/')) {
    if (accepted === 'keys') return refuse('NotFoundException', `Invalid keyId '${reference}'`);
    const alias = state.alias(name);
    return alias?.keyId ?? refuse('NotFoundException', `Alias ${aliasArn(place, name)} is not found.`);
  }
  if (!KEY_ID.test(name)) return refuse('NotFoundException', `Invalid keyId '${reference}'`);
  return name;
}

/** A key id, or `alias/…`. */
function resourceOf(place: Place, arn: string, accepted: References): string {
  const [, partition, region, account, resource = ''] = ARN.exec(arn) ?? [];
  if (partition !== partitionOf(place.region).id)
    return refuse(accepted === 'keys' ? 'InvalidArnException' : 'NotFoundException', `Invalid arn ${arn}`);
  if (region !== place.region) return refuse('NotFoundException', `Invalid arn ${region}`);
  if (account !== place.account)
    return refuse(
      'AccessDeniedException',
      `User is not authorized to perform this operation on the resource ${arn} because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
    );
  return resource.startsWith('key/') ? resource.slice('key/'.length) : resource;
}
