/**
 * find-key: the one KMS key that an alias points to, for playbooks that use keys which are there already. Aliases are the only unique
 * names that KMS has; labels and tags are not.
 */
import type { KeyMetadata } from '@aws-sdk/client-kms';
import type { KeyRef } from '../../../keys/key-record.ts';
import { required } from '../../../schema/shape.ts';
import { type Arguments, block, done, note } from '../../actions/action.ts';
import { readKeyIfKnown, shape } from '../../actions/arguments.ts';
import type { Finding } from '../../adapter.ts';
import { settledTarget } from '../aliases.ts';
import { inParallel } from '../bounded.ts';
import type { KmsConnection } from '../connection.ts';
import { importableSpec, isPendingDeletion, labelOf } from '../key-model.ts';
import { refOf } from '../locate.ts';
import { specMismatch } from '../spec-for-source.ts';
import { SOURCE_TAG, sourceDigest } from '../tags.ts';
import type { KmsAction } from './action.ts';
import { aliasShape, likeField, readAlias, readAliasIfGiven } from './arguments.ts';

/** null: it is a key that can be given material. */
function objection(found: KeyMetadata, alias: string): string | null {
  const which = `${alias} points to the key ${found.KeyId}`;
  if (found.KeyManager === 'AWS') return `${which}, which AWS manages`;
  if (found.Origin !== 'EXTERNAL') {
    return `${which}, whose material does not come from outside (origin ${found.Origin})`;
  }
  if (isPendingDeletion(found)) {
    return `${which}, which is pending deletion`;
  }
  return null;
}

/** null: material of this source fits, as far as kind and size tell. */
function mismatch(found: KeyMetadata, like: KeyRef, alias: string): string | null {
  const spec = importableSpec(found.KeySpec);
  const which = `${alias} points to the key ${found.KeyId}`;
  if (spec === undefined) return `${which}, a ${found.KeySpec} key, which is not documented for import`;
  const problem = specMismatch(spec, like);
  return problem === null ? null : `${which}: ${problem}`;
}

async function previewOne(kms: KmsConnection, args: Arguments): Promise<readonly Finding[]> {
  const alias = readAliasIfGiven(args);
  if (alias === undefined) return [];
  const found = await settledTarget(kms, alias);
  if (found === null) return [block(`there is no ${alias} in ${kms.region}`)];
  const like = readKeyIfKnown(args, 'like');
  const problem = objection(found, alias) ?? (like === null ? null : mismatch(found, like, alias));
  if (problem !== null) return [block(problem)];
  if (like === null) return [];
  const made = (await kms.catalog.tagsOf(found.KeyId ?? ''))[SOURCE_TAG];
  return made === undefined || made === sourceDigest(like)
    ? []
    : [note(`the key ${found.KeyId} was made from a source key of another name, place or check value`)];
}

export const findKey: KmsAction = {
  spec: {
    name: 'find-key',
    summary: 'Find the one key that an alias points to',
    effect: 'read',
    input: shape({ alias: required(aliasShape), like: likeField }),
    outputs: { key: { type: 'key', lifetime: 'permanent', description: 'The KMS key' } },
    quotas: { DescribeKey: 1, ListResourceTags: 1 },
  },
  async preview(kms, calls) {
    return await inParallel(calls, kms.parallel, (args) => previewOne(kms, args));
  },
  async perform(kms, { args }) {
    const alias = readAlias(args);
    const found = await settledTarget(kms, alias);
    if (found === null) throw kms.fail('key-not-found', `there is no ${alias} in ${kms.region}.`);
    const like = readKeyIfKnown(args, 'like');
    const problem = objection(found, alias) ?? (like === null ? null : mismatch(found, like, alias));
    if (problem !== null) throw kms.fail('capability-missing', `${problem}; it was left alone.`);
    return done({ key: refOf(kms, found, labelOf(found, await kms.catalog.tagsOf(found.KeyId ?? ''))) });
  },
};
