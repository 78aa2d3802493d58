/**
 * create-key: an empty KMS key for material from elsewhere (origin EXTERNAL). CreateKey has no idempotency token, so each call bears a
 * mark of its own in its tags, journalled before it, and goes out once: two keys with one mark can only come from outside keyferry.
 */
import { randomBytes } from 'node:crypto';
import type { KeyMetadata } from '@aws-sdk/client-kms';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { KeyRef } from '../../../keys/key-record.ts';
import { labelHex } from '../../../keys/locator.ts';
import { ANYTHING, optional } from '../../../schema/shape.ts';
import { type Arguments, ambiguous, block, done, markerOf, note } from '../../actions/action.ts';
import { readKeyIfKnown, readTextIfGiven, shape } from '../../actions/arguments.ts';
import type { ActionCall, ActionResult, Finding, Reconciliation, Violation } from '../../adapter.ts';
import { aliasTarget, createAlias } from '../aliases.ts';
import { inParallel } from '../bounded.ts';
import type { KmsConnection } from '../connection.ts';
import { type Creation, creationProblems, keyPlan, readCreation } from '../creation.ts';
import { CUT_OVER, cutOverOf } from '../cut-over.ts';
import { isPendingDeletion, KEY_SPECS, KEY_USAGES, withSpec } from '../key-model.ts';
import { inWords, refOf } from '../locate.ts';
import { missingPermissions } from '../permissions.ts';
import { asTagList, ownTags, SOURCE_TAG, sourceDigest } from '../tags.ts';
import { ABSENT, type KmsAction, settledAs } from './action.ts';
import { aliasShape, likeField, readAliasIfGiven, text } from './arguments.ts';

const SHORTEST_WINDOW_DAYS = 7;

const digestOf = (args: Arguments): string | null => {
  const like = readKeyIfKnown(args, 'like');
  return like === null ? null : sourceDigest(like);
};

const labelFor = (args: Arguments): string => {
  const given = readTextIfGiven(args, 'label');
  return given === undefined ? (readKeyIfKnown(args, 'like')?.locator.label ?? '') : labelHex(given);
};

/** The key that this source has here already: enabled, so its material is in place. */
async function already(kms: KmsConnection, args: Arguments): Promise<KeyRef | null> {
  const digest = digestOf(args);
  if (digest === null) return null;
  for (const { metadata } of await kms.catalog.ofSource(digest)) {
    const now = await kms.describe(metadata.KeyId ?? '');
    if (now?.KeyState === 'Enabled' && now.Origin === 'EXTERNAL') return refOf(kms, now, labelFor(args));
  }
  return null;
}

function result(
  kms: KmsConnection,
  args: Arguments,
  made: KeyMetadata,
  violations: readonly Violation[] = [],
): ActionResult {
  const alias = readAliasIfGiven(args);
  const key = refOf(kms, made, labelFor(args));
  const cutOver = alias === undefined ? {} : { cut_over: cutOverOf(alias, key.locator.id, null) };
  return done({ key, arn: made.Arn ?? '', ...cutOver }, violations);
}

const mismatch = (message: string): Violation => ({ code: 'attribute-mismatch', message });

/** What the answer itself shows to be otherwise than asked; what it leaves out is not judged. */
function differencesOf(made: KeyMetadata, { spec, usage }: Creation): string[] {
  const wanted = { Origin: 'EXTERNAL', KeySpec: spec, KeyUsage: usage } as const;
  const names = ['Origin', 'KeySpec', 'KeyUsage'] as const;
  return names
    .filter((name) => made[name] !== undefined && made[name] !== wanted[name])
    .map((name) => `has ${name} ${made[name]}, not ${wanted[name]}`);
}

/**
 * A service that drops tags would make a second key after every lost reply, and again in the next run. What it does with the first key, it
 * does with all: one look for each process. The look itself may fail without harm: the key is there.
 */
async function lostMarks(kms: KmsConnection, keyId: string, attempt: string): Promise<string[]> {
  try {
    const isKept = await kms.catalog.keepsMarks(keyId, attempt);
    return isKept
      ? []
      : ['does not show the tags that it was made with, so keyferry could not find it again after a lost reply'];
  } catch (error) {
    if (error instanceof KeyferryError) return [];
    throw error;
  }
}

/** The alias is another's: the new key is of no use. Rejects in any case; `unknown` when the new key is still there. */
async function abandon(kms: KmsConnection, made: KeyMetadata, why: string): Promise<never> {
  const id = made.KeyId ?? '';
  try {
    const input = { KeyId: id, PendingWindowInDays: SHORTEST_WINDOW_DAYS };
    await kms.callSeen('ScheduleKeyDeletion', input, `schedule the deletion of the new key ${id}`);
  } catch (cause) {
    const left = `${why}; the new key ${id} is left over, for its deletion could not be scheduled.`;
    throw kms.fail('device-refused', left, { outcome: 'unknown', cause });
  }
  throw kms.fail('device-refused', `${why}; the new key ${id} was scheduled for deletion.`, {
    hint: 'Choose another alias, or cut it over with point-alias, which names the key that it may leave.',
  });
}

/** After the key exists, nothing but its own removal makes the call `not-applied`. */
async function nameIt(kms: KmsConnection, alias: string, made: KeyMetadata): Promise<void> {
  let heldBy: string | null;
  try {
    ({ heldBy } = await createAlias(kms, alias, made.KeyId ?? ''));
  } catch (cause) {
    if (!(cause instanceof KeyferryError)) throw cause;
    throw new KeyferryError(cause.code, `${cause.message} The new key ${made.KeyId} has no alias.`, {
      ...cause.toRecord(),
      outcome: 'unknown',
      scope: 'item',
      cause,
    });
  }
  if (heldBy !== null) await abandon(kms, made, `${alias} exists and points to ${heldBy}`);
}

async function previewOne(kms: KmsConnection, args: Arguments): Promise<readonly Finding[]> {
  const { problems, notes } = creationProblems(kms, args);
  const findings: Finding[] = [...problems.map(block), ...notes.map(note)];
  const digest = digestOf(args);
  const there = problems.length === 0 ? await already(kms, args) : null;
  if (there !== null) {
    findings.push({ level: 'duplicate', reason: `${kms.name} has it already: the ${inWords(there.locator)}` });
  } else if (digest !== null && kms.catalog.closed > 0) {
    findings.push(
      note(
        `${kms.catalog.closed} keys of ${kms.name} are closed to the caller: whether one of them is this key already is not known`,
      ),
    );
  }
  const alias = problems.length === 0 ? readAliasIfGiven(args) : undefined;
  const target = alias === undefined ? null : await aliasTarget(kms, alias);
  if (target !== null && there?.locator.id !== target.KeyId) {
    const tags = await kms.catalog.tagsOf(target.KeyId ?? '');
    const isSame = digest !== null && tags[SOURCE_TAG] === digest && target.KeyState === 'Enabled';
    findings.push(
      isSame
        ? { level: 'duplicate', reason: `${alias} points to the KMS key of this source already` }
        : block(`${alias} exists and points to the key ${target.KeyId}`),
    );
  }
  return findings;
}

export const createKey: KmsAction = {
  spec: {
    name: 'create-key',
    summary: 'Create an empty KMS key for imported material',
    effect: 'create',
    input: shape({
      like: likeField,
      spec: optional({ kind: 'enum', values: KEY_SPECS, description: 'Key spec; absent: what the source key needs' }),
      usage: optional({ kind: 'enum', values: KEY_USAGES, description: 'Key usage; absent: what the source key does' }),
      label: optional(text('Label; absent: that of the source key')),
      description: optional(text('Description; absent: the label')),
      policy: optional({
        kind: 'map',
        of: ANYTHING,
        description: 'Key policy, as YAML; absent and no administrators or users: the default of AWS KMS',
      }),
      administrators: optional({ kind: 'list', of: text('ARN'), description: 'ARNs that may administer the key' }),
      users: optional({ kind: 'list', of: text('ARN'), description: 'ARNs that may use the key' }),
      tags: optional({ kind: 'map', of: text('Value'), description: 'Further tags' }),
      'multi-region': optional({ kind: 'boolean', description: 'A multi-Region primary key' }),
      alias: optional(aliasShape),
    }),
    outputs: {
      key: { type: 'key', lifetime: 'permanent', description: 'The new KMS key, pending import' },
      arn: { type: 'string', lifetime: 'permanent', description: 'Its ARN' },
      cut_over: CUT_OVER,
    },
    quotas: { CreateKey: 1 },
    undo: [
      { action: 'restore-alias', argument: 'cut-over', output: 'cut_over' },
      { action: 'schedule-deletion', argument: 'key', output: 'key' },
    ],
  },
  async preview(kms, calls) {
    const denied = await missingPermissions(kms);
    if (denied.length > 0) return calls.map(() => denied.map(block));
    return await inParallel(calls, kms.parallel, (args) => previewOne(kms, args));
  },
  async expect(kms, { args }) {
    return {
      expectation: { kind: 'marker', id: randomBytes(16).toString('hex') },
      already: await already(kms, args),
    };
  },
  async perform(kms, call: ActionCall) {
    const { args } = call;
    const creation = readCreation(kms, args);
    const attempt = markerOf(call.expectation) ?? randomBytes(16).toString('hex');
    const own = ownTags({ attempt, source: digestOf(args), label: labelFor(args) });
    const tags = { ...creation.tags, ...own };
    const what = `create a KMS key${creation.description === '' ? '' : ` "${creation.description.slice(0, 60)}"`}`;
    const answer = await kms.call('CreateKey', { ...keyPlan(creation), Tags: asTagList(tags) }, what);
    const made = withSpec(answer.KeyMetadata ?? { KeyId: undefined });
    if (made.KeyId === undefined) {
      throw kms.fail('outcome-unknown', `could not ${what}: the answer names no key.`, { outcome: 'unknown' });
    }
    kms.catalog.add(made, tags);
    const differences = [...differencesOf(made, creation), ...(await lostMarks(kms, made.KeyId, attempt))];
    const alias = readAliasIfGiven(args);
    if (alias !== undefined && differences.length === 0) await nameIt(kms, alias, made);
    const violations = differences.map((what) => mismatch(`${kms.name}: the new KMS key ${made.KeyId} ${what}.`));
    return result(kms, args, made, violations);
  },
  async reconcile(kms, call): Promise<Reconciliation> {
    const { args } = call;
    const attempt = markerOf(call.expectation);
    if (attempt === undefined) return ambiguous('the intent has no mark that the key would bear');
    const found = await kms.settled(async () => {
      const marked = await kms.catalog.ofAttempt(attempt);
      return marked.length === 0 ? undefined : marked;
    });
    const alive: KeyMetadata[] = [];
    for (const { KeyId: id = '' } of found ?? []) {
      const now = await kms.describe(id);
      if (now === null) alive.push({ KeyId: id });
      else if (!isPendingDeletion(now)) alive.push(now);
    }
    const [made, ...others] = alive;
    if (made === undefined) {
      // A policy of the playbook's own may close the key to whoever made it.
      const mayBeClosed = kms.catalog.closed > 0 && args.policy !== undefined;
      return mayBeClosed
        ? ambiguous(`${kms.catalog.closed} keys are closed to the caller; it may be one of them`)
        : ABSENT;
    }
    if (others.length > 0) {
      return ambiguous(
        `${alive.length} keys bear the mark of this one call: ${alive.map(({ KeyId }) => KeyId).join(', ')}; ` +
          'keyferry sends CreateKey once, so another program or the network repeated it; delete those that are pending import and unused',
      );
    }
    const described =
      made.Arn === undefined
        ? await kms.awaited(async () => (await kms.describe(made.KeyId ?? '')) ?? undefined)
        : made;
    if (described === undefined) return ambiguous(`the key ${made.KeyId} bears the mark and cannot be described`);
    const alias = readAliasIfGiven(args);
    const target =
      alias === undefined ? null : await kms.settled(async () => (await aliasTarget(kms, alias)) ?? undefined);
    const isNamedSo = alias === undefined || target?.KeyId === described.KeyId;
    return settledAs(
      result(
        kms,
        args,
        described,
        isNamedSo ? [] : [mismatch(`${kms.name}: the new key ${described.KeyId} was made without ${alias}.`)],
      ),
    );
  },
};
