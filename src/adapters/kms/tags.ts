/**
 * Tags that keyferry puts on a key inside CreateKey, the only mark that comes with the key itself: there is no idempotency token. Others
 * may tag keys too, within seconds: foreign tags are ignored. Limits: https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html
 */
import { createHash } from 'node:crypto';
import type { Tag } from '@aws-sdk/client-kms';
import type { KeyRef } from '../../keys/key-record.ts';
import { labelText, locatorName } from '../../keys/locator.ts';

/** One per CreateKey, journalled before it. */
export const ATTEMPT_TAG = 'keyferry:attempt';
/** Which key it is to be a copy of. */
export const SOURCE_TAG = 'keyferry:source';
export const LABEL_TAG = 'keyferry:label';
const OWN_PREFIX = 'keyferry:';
const MOST_TAGS = 50;

export type Tags = Readonly<Record<string, string>>;

/** Tells source keys apart without saying anything of their material: name and check value, 32 hex digits. */
export function sourceDigest(source: KeyRef): string {
  const { locator, record } = source;
  return createHash('sha256')
    .update(`keyferry-source-v1|${locatorName(locator)}|${record?.kcv ?? ''}`)
    .digest('hex')
    .slice(0, 32);
}

const VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Labels that no tag can hold are left out; the key's description has them. */
const labelTag = (labelHex: string): Tags => {
  const text = labelText(labelHex);
  return text === undefined || text === '' || text.length > 256 || !VALUE.test(text) ? {} : { [LABEL_TAG]: text };
};

export interface OwnTags {
  readonly attempt: string;
  readonly source: string | null;
  /** Hex. */
  readonly label: string;
}

export const ownTags = ({ attempt, source, label }: OwnTags): Tags => ({
  [ATTEMPT_TAG]: attempt,
  ...(source === null ? {} : { [SOURCE_TAG]: source }),
  ...labelTag(label),
});

/** What is wrong with tags that a playbook asks for. */
export function tagProblems(tags: Tags): string[] {
  const names = Object.keys(tags);
  const own = 3;
  const problems: string[] = [];
  if (names.length + own > MOST_TAGS) {
    problems.push(`${names.length} tags are too many: ${MOST_TAGS} fit, and keyferry needs ${own}`);
  }
  for (const [name, value] of Object.entries(tags)) {
    if (name.length < 1 || name.length > 128 || !VALUE.test(name)) problems.push(`"${name}" is no name for a tag`);
    else if (/^aws:/i.test(name)) problems.push(`the tag "${name}" is not allowed: aws: is reserved`);
    else if (name.startsWith(OWN_PREFIX)) problems.push(`the tag "${name}" is not allowed: keyferry: is its own`);
    if (value.length > 256 || !VALUE.test(value)) problems.push(`the tag "${name}" has a value that no tag can hold`);
  }
  return problems;
}

export const asTagList = (tags: Tags): Tag[] =>
  Object.entries(tags).map(([TagKey, TagValue]) => ({ TagKey, TagValue }));

export const fromTagList = (list: readonly Tag[] | undefined): Tags =>
  Object.fromEntries((list ?? []).map(({ TagKey, TagValue }) => [TagKey ?? '', TagValue ?? '']));
