/** DescribeKey, ListKeys, GetPublicKey. */
import { publicKeyOf } from '../key-material.ts';
import { isSymmetric, keyArn, metadataOf } from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import { algorithmsOf, rulesOf } from '../key-specs.ts';
import { requireState } from '../key-state.ts';
import { reading } from '../operation.ts';
import { pageOf } from '../pages.ts';
import { refuse } from '../service-error.ts';
import { cryptographic, paging, requiredKeyId } from './request-members.ts';

export const describeKey = reading(
  { KeyId: requiredKeyId, GrantTokens: cryptographic.GrantTokens },
  ({ view, place }, { KeyId }) => ({
    KeyMetadata: metadataOf(findKey(view, place, KeyId, 'keys-and-aliases'), place),
  }),
);

export const listKeys = reading(paging, ({ view, place }, { Limit, Marker }) => {
  const { items, rest } = pageOf(view.keys(), ({ id }) => id, {
    ...{ limit: Limit, marker: Marker, defaultLimit: 100, maxLimit: 1000 },
  });
  return { Keys: items.map(({ id }) => ({ KeyId: id, KeyArn: keyArn(place, id) })), ...rest };
});

export const getPublicKey = reading(
  { KeyId: requiredKeyId, GrantTokens: cryptographic.GrantTokens },
  ({ view, place }, { KeyId }) => {
    const key = findKey(view, place, KeyId, 'keys-and-aliases');
    if (isSymmetric(key) || rulesOf(key.spec)?.kind === 'hmac')
      return refuse(
        'UnsupportedOperationException',
        `${keyArn(place, key.id)} keySpec is ${key.spec} which is not valid for GetPublicKey.`,
      );
    requireState(key, place, 'Enabled');
    return {
      KeyId: keyArn(place, key.id),
      PublicKey: publicKeyOf(key).toString('base64'),
      CustomerMasterKeySpec: key.spec,
      KeySpec: key.spec,
      KeyUsage: key.usage,
      ...algorithmsOf(key.spec, key.usage),
    };
  },
);
