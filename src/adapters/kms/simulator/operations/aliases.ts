/** CreateAlias, UpdateAlias, DeleteAlias, ListAliases. A name is unique in account and region; 50 names for one key. */
import { type AliasRecord, aliasArn, type KeyRecord, type Place, seconds } from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import { refusePendingDeletion } from '../key-state.ts';
import type { StateView } from '../key-store.ts';
import { required, text } from '../members.ts';
import { acting, reading } from '../operation.ts';
import { pageOf } from '../pages.ts';
import { refuse } from '../service-error.ts';
import { keyId, paging, requiredKeyId } from './request-members.ts';

const MAX_ALIASES_OF_KEY = 50;
const aliasName = required(text({ min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ }));
const members = { AliasName: aliasName, TargetKeyId: requiredKeyId };

/** Aliases that every account has, of keys that AWS has not made yet: they have no target. */
const PREDEFINED = ['alias/aws/dynamodb', 'alias/aws/ebs', 'alias/aws/rds', 'alias/aws/s3'];

function requireName(name: string): void {
  if (!name.startsWith('alias/') || name === 'alias/')
    refuse(
      'ValidationException',
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    );
  if (name.startsWith('alias/aws/')) refuse('NotAuthorizedException');
}

function aliasOf(state: StateView, place: Place, name: string): AliasRecord {
  return state.alias(name) ?? refuse('NotFoundException', `Alias ${aliasArn(place, name)} is not found.`);
}

function targetOf(state: StateView, place: Place, reference: string): KeyRecord {
  if (reference.includes('alias/')) refuse('ValidationException', 'Aliases must refer to keys. Not aliases');
  const key = findKey(state, place, reference, 'keys-and-aliases');
  refusePendingDeletion(key, place);
  return key;
}

function requireRoom(state: StateView, key: KeyRecord): void {
  if (state.aliasesOf(key.id).length >= MAX_ALIASES_OF_KEY)
    refuse('LimitExceededException', `The key has ${MAX_ALIASES_OF_KEY} aliases already.`);
}

export const createAlias = acting(members, ({ place, nowMs, change }, { AliasName: name, TargetKeyId }) => {
  requireName(name);
  return change((state) => {
    if (state.alias(name) !== undefined)
      refuse('AlreadyExistsException', `An alias with the name ${aliasArn(place, name)} already exists`);
    const key = targetOf(state, place, TargetKeyId);
    requireRoom(state, key);
    const alias: AliasRecord = { name, keyId: key.id, createdMs: nowMs, updatedMs: nowMs };
    return { entries: [{ kind: 'alias', alias }], result: null };
  });
});

export const updateAlias = acting(members, ({ place, nowMs, change }, { AliasName: name, TargetKeyId }) => {
  requireName(name);
  return change((state) => {
    const alias = aliasOf(state, place, name);
    const key = targetOf(state, place, TargetKeyId);
    const present = state.key(alias.keyId);
    if (present !== undefined && (present.usage !== key.usage || isSymmetricSpec(present) !== isSymmetricSpec(key)))
      refuse(
        'ValidationException',
        'The current and the new key must be of the same type and have the same key usage.',
      );
    if (alias.keyId !== key.id) requireRoom(state, key);
    return { entries: [{ kind: 'alias', alias: { ...alias, keyId: key.id, updatedMs: nowMs } }], result: null };
  });
});

const isSymmetricSpec = ({ spec }: KeyRecord): boolean => spec === 'SYMMETRIC_DEFAULT' || spec.startsWith('HMAC_');

export const deleteAlias = acting({ AliasName: aliasName }, ({ place, change }, { AliasName: name }) => {
  requireName(name);
  return change((state) => ({
    entries: [{ kind: 'no-alias', name: aliasOf(state, place, name).name }],
    result: null,
  }));
});

export const listAliases = reading({ KeyId: keyId, ...paging }, ({ view, place }, { KeyId, Limit, Marker }) => {
  const key = KeyId === undefined ? null : findKey(view, place, KeyId);
  const own = key === null ? view.aliases() : view.aliasesOf(key.id);
  const listed: readonly Pick<AliasRecord, 'name'>[] =
    key === null ? [...PREDEFINED.map((name) => ({ name })), ...own].sort((a, b) => (a.name < b.name ? -1 : 1)) : own;
  const { items, rest } = pageOf(listed, ({ name }) => name, {
    ...{ limit: Limit, marker: Marker, defaultLimit: 50, maxLimit: 100 },
  });
  return { Aliases: items.map((alias) => shown(alias, place)), ...rest };
});

function shown(
  alias: Pick<AliasRecord, 'name'> & Partial<AliasRecord>,
  place: Place,
): Readonly<Record<string, unknown>> {
  const { name, keyId: target, createdMs, updatedMs } = alias;
  return {
    AliasName: name,
    AliasArn: aliasArn(place, name),
    ...(target === undefined ? {} : { TargetKeyId: target }),
    ...(createdMs === undefined ? {} : { CreationDate: seconds(createdMs) }),
    ...(updatedMs === undefined ? {} : { LastUpdatedDate: seconds(updatedMs) }),
  };
}
