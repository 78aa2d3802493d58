/** Tags of a key: at most 50, keys unique, `aws:` reserved. The texts are the real service's. */
import { refuse } from './service-error.ts';

export type Tag = readonly [string, string];

interface GivenTag {
  readonly TagKey: string;
  readonly TagValue: string;
}

const MAX_TAGS = 50;
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Adds to what is there, replacing values. Throws ServiceError `TagException`. */
export function withTags(present: readonly Tag[], given: readonly GivenTag[]): readonly Tag[] {
  const keys = new Set(given.map((tag) => tag.TagKey));
  if (keys.size !== given.length) refuse('TagException', 'Duplicate tag keys');
  for (const { TagKey, TagValue } of given) {
    if (TagKey.toLowerCase().startsWith('aws:')) refuse('TagException', 'Tags beginning with aws: are reserved');
    if (!ALLOWED.test(TagKey) || !ALLOWED.test(TagValue))
      refuse('TagException', 'Tag has characters that are not allowed');
  }
  const all = new Map([...present, ...given.map((tag): Tag => [tag.TagKey, tag.TagValue])]);
  if (all.size > MAX_TAGS) refuse('TagException', 'Too many tags');
  return [...all];
}
