/**
 * point-alias: the cut-over. From here on applications that use the alias use the new key; what the alias pointed to before is journalled
 * before the call, so that restore-alias can move it back. It leaves only a key that the playbook names or that came from the same source.
 */
import type { KeyMetadata } from '@aws-sdk/client-kms';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { isKeyRef } from '../../../keys/key-record.ts';
import { optional, required } from '../../../schema/shape.ts';
import { type Arguments, ambiguous, block, done, markerOf, note } from '../../actions/action.ts';
import { key, readBooleanIfGiven, readKey, readKeyIfKnown, readTextIfGiven, shape } from '../../actions/arguments.ts';
import { type ActionCall, type ActionResult, type Finding, isNotYet } from '../../adapter.ts';
import { aliasTarget, awaitTarget, createAlias, settledTarget } from '../aliases.ts';
import { inParallel } from '../bounded.ts';
import type { KmsConnection } from '../connection.ts';
import { CUT_OVER, cutOverOf } from '../cut-over.ts';
import { inWords, keyIdOf } from '../locate.ts';
import { SOURCE_TAG, sourceDigest } from '../tags.ts';
import { ABSENT, type KmsAction, settledAs } from './action.ts';
import { aliasShape, likeField, readAlias, readAliasIfGiven, text } from './arguments.ts';

const NONE = 'none';

function previousOf(args: Arguments): string | undefined {
  const given = args['previous-key'];
  return isKeyRef(given) ? given.locator.id : readTextIfGiven(args, 'previous-key');
}

/** null: it may be moved away from there. */
async function objection(kms: KmsConnection, args: Arguments, target: KeyMetadata): Promise<string | null> {
  const { KeyId: id = '' } = target;
  if (readBooleanIfGiven(args, 'replace') === true || previousOf(args) === id) return null;
  const like = readKeyIfKnown(args, 'like');
  const ref = readKeyIfKnown(args, 'key');
  const theirs = (await kms.catalog.tagsOf(id))[SOURCE_TAG];
  const ours =
    like === null
      ? ref === null
        ? undefined
        : (await kms.catalog.tagsOf(keyIdOf(kms, ref)))[SOURCE_TAG]
      : sourceDigest(like);
  if (theirs !== undefined && theirs === ours) return null;
  if (ours === undefined) {
    return `it points to the key ${id}, which the playbook does not name as previous-key; like: would tell whether it has the same source`;
  }
  return `it points to the key ${id}, which neither the playbook names as previous-key nor keyferry made of the same source`;
}

const result = (args: Arguments, previous: string | null): ActionResult => {
  const alias = readAlias(args);
  return done({
    alias,
    previous: previous ?? '',
    cut_over: cutOverOf(alias, readKey(args, 'key').locator.id, previous),
  });
};

async function previewOne(kms: KmsConnection, args: Arguments): Promise<readonly Finding[]> {
  try {
    return await findings(kms, args);
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'permission-missing') return [block(error.message)];
    throw error;
  }
}

async function findings(kms: KmsConnection, args: Arguments): Promise<readonly Finding[]> {
  const alias = readAliasIfGiven(args);
  const target = alias === undefined ? null : await aliasTarget(kms, alias);
  if (target === null || readKeyIfKnown(args, 'key')?.locator.id === target.KeyId) return [];
  const isOpen = isNotYet(args['previous-key']) || isNotYet(args.replace);
  const why = isOpen ? null : await objection(kms, args, target);
  if (why === null) return [note(`${alias} will leave the key ${target.KeyId}`)];
  return [block(`${alias} will not be moved: ${why}`)];
}

/** Points it there; an alias that is there already is left as it is. */
async function move(
  kms: KmsConnection,
  alias: string,
  keyId: string,
  from: KeyMetadata | null,
  args: Arguments,
): Promise<void> {
  if (from?.KeyId === keyId) return;
  if (from === null) {
    const { heldBy } = await createAlias(kms, alias, keyId);
    if (heldBy === null) return;
    throw kms.fail(
      'device-refused',
      `${alias} was made by somebody else meanwhile and points to ${heldBy}; it was left there.`,
    );
  }
  const why = await objection(kms, args, from);
  if (why !== null) {
    throw kms.fail('device-refused', `${alias} was not moved: ${why}.`, {
      hint: 'Say previous-key: with the key that the alias may leave, or replace: true.',
    });
  }
  await kms.callSeen('UpdateAlias', { AliasName: alias, TargetKeyId: keyId }, `point ${alias} to the key ${keyId}`);
}

export const pointAlias: KmsAction = {
  spec: {
    name: 'point-alias',
    summary: 'Point an alias to a KMS key, so that applications use it',
    effect: 'create',
    input: shape({
      alias: required(aliasShape),
      key: key('The KMS key that it is to point to'),
      like: likeField,
      'previous-key': optional({
        kind: 'union',
        of: [{ kind: 'opaque', type: 'key' }, text('Key id')],
        description: 'The key that it may leave',
      }),
      replace: optional({ kind: 'boolean', description: 'It may leave any key' }),
    }),
    outputs: {
      alias: { type: 'string', lifetime: 'permanent', description: 'The alias' },
      previous: { type: 'string', lifetime: 'permanent', description: 'Key id that it pointed to; empty: it is new' },
      cut_over: CUT_OVER,
    },
    quotas: { UpdateAlias: 1, DescribeKey: 1 },
    undo: [{ action: 'restore-alias', argument: 'cut-over', output: 'cut_over' }],
  },
  async preview(kms, calls) {
    return await inParallel(calls, kms.parallel, (args) => previewOne(kms, args));
  },
  async expect(kms, { args }) {
    const target = await settledTarget(kms, readAlias(args));
    return { expectation: { kind: 'marker', id: target?.KeyId ?? NONE }, already: null };
  },
  async perform(kms, call: ActionCall) {
    const { args } = call;
    const alias = readAlias(args);
    const keyId = keyIdOf(kms, readKey(args, 'key'));
    const marked = markerOf(call.expectation);
    // What `expect` settled on is looked at once more; that nothing is there, CreateAlias checks for itself.
    const from = marked === undefined ? await settledTarget(kms, alias) : await aliasTarget(kms, alias);
    if (marked !== undefined && from !== null && marked !== from.KeyId) {
      throw kms.fail('device-busy', `${alias} points to ${from.KeyId} and did not a moment ago; it was not moved.`);
    }
    if (marked !== undefined && marked !== NONE && from === null) {
      throw kms.fail(
        'device-busy',
        `${alias} pointed to ${marked} a moment ago and is not seen now; it was not moved.`,
      );
    }
    await move(kms, alias, keyId, from, args);
    const { isAsWanted, target } = await awaitTarget(kms, alias, keyId);
    const made = result(args, from?.KeyId ?? null);
    return isAsWanted
      ? made
      : done(made.outputs, [
          {
            code: 'attribute-mismatch',
            message: `${kms.name}: ${alias} still shows ${target ?? 'no key'}, not ${keyId}.`,
          },
        ]);
  },
  async reconcile(kms, call) {
    const { args } = call;
    const alias = readAlias(args);
    const marked = markerOf(call.expectation);
    if (marked === undefined) return ambiguous(`the intent does not say where ${alias} pointed`);
    const { locator } = readKey(args, 'key');
    const moved = await kms.settled(async () =>
      (await aliasTarget(kms, alias))?.KeyId === locator.id ? true : undefined,
    );
    if (moved === true) return settledAs(result(args, marked === NONE ? null : marked));
    const target = (await aliasTarget(kms, alias))?.KeyId ?? NONE;
    if (target === marked) return ABSENT;
    return ambiguous(`${alias} points to ${target}, neither to where it was nor to the ${inWords(locator)}`);
  },
};
