/** TagResource, UntagResource, ListResourceTags, UpdateKeyDescription. */
import { findKey } from '../key-reference.ts';
import { refusePendingDeletion } from '../key-state.ts';
import { withTags } from '../key-tags.ts';
import { listOf, required, text } from '../members.ts';
import { acting, reading } from '../operation.ts';
import { pageOf } from '../pages.ts';
import { description, paging, requiredKeyId, tag } from './request-members.ts';

export const tagResource = acting(
  { KeyId: requiredKeyId, Tags: required(listOf(tag)) },
  ({ place, change }, { KeyId, Tags }) =>
    change((state) => {
      const key = findKey(state, place, KeyId);
      refusePendingDeletion(key, place);
      return { entries: [{ kind: 'key', key: { ...key, tags: withTags(key.tags, Tags) } }], result: null };
    }),
);

export const untagResource = acting(
  { KeyId: requiredKeyId, TagKeys: required(listOf(text({ min: 1, max: 128 }))) },
  ({ place, change }, { KeyId, TagKeys }) =>
    change((state) => {
      const key = findKey(state, place, KeyId);
      refusePendingDeletion(key, place);
      const tags = key.tags.filter(([name]) => !TagKeys.includes(name));
      return { entries: [{ kind: 'key', key: { ...key, tags } }], result: null };
    }),
);

export const listResourceTags = reading(
  { KeyId: requiredKeyId, ...paging },
  ({ view, place }, { KeyId, Limit, Marker }) => {
    const tags = [...findKey(view, place, KeyId).tags].sort(([a], [b]) => (a < b ? -1 : 1));
    const { items, rest } = pageOf(tags, ([name]) => name, {
      ...{ limit: Limit, marker: Marker, defaultLimit: 50, maxLimit: 50 },
    });
    return { Tags: items.map(([TagKey, TagValue]) => ({ TagKey, TagValue })), ...rest };
  },
);

export const updateKeyDescription = acting(
  { KeyId: requiredKeyId, Description: required(description) },
  ({ place, change }, { KeyId, Description }) =>
    change((state) => {
      const key = findKey(state, place, KeyId);
      refusePendingDeletion(key, place);
      return { entries: [{ kind: 'key', key: { ...key, description: Description } }], result: null };
    }),
);
