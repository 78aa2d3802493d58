/** What create-key asks of KMS, read from its arguments, and everything that can be known to be wrong with it before KMS is asked. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { KeyRef } from '../../keys/key-record.ts';
import { labelText } from '../../keys/locator.ts';
import type { Arguments } from '../actions/action.ts';
import { readBooleanIfGiven, readKeyIfKnown, readTextIfGiven } from '../actions/arguments.ts';
import { isNotYet } from '../adapter.ts';
import { readAliasIfGiven, readMap, readTextMap, readTexts } from './actions/arguments.ts';
import type { KmsConnection } from './connection.ts';
import { type ImportableSpec, importableSpec, KEY_USAGES, type KeyUsage, SPEC_MODELS } from './key-model.ts';
import type { Input } from './operations.ts';
import { partitionOf } from './partitions.ts';
import { principalProblem, reviewPolicy, wizardPolicy } from './policy.ts';
import { type Derived, found, none, specForSource, specMismatch, usageFor } from './spec-for-source.ts';
import { type Tags, tagProblems } from './tags.ts';

export interface Creation {
  readonly spec: ImportableSpec;
  readonly usage: KeyUsage;
  readonly description: string;
  /** null: the default policy of KMS. */
  readonly policy: string | null;
  readonly tags: Tags;
  readonly isMultiRegion: boolean;
}

const LONGEST_DESCRIPTION = 8192;

function specOf(args: Arguments, source: KeyRef | null): Derived<ImportableSpec> {
  const given = readTextIfGiven(args, 'spec');
  if (given === undefined) {
    return source === null ? none('say with spec: or like: what kind of key to create') : specForSource(source);
  }
  const spec = importableSpec(given);
  if (spec === undefined) return none(`"${given}" is no key spec that AWS KMS documents for import`);
  const mismatch = source === null ? null : specMismatch(spec, source);
  return mismatch === null ? found(spec) : none(mismatch);
}

function usageOf(args: Arguments, spec: ImportableSpec, source: KeyRef | null): Derived<KeyUsage> {
  const given = readTextIfGiven(args, 'usage');
  if (given === undefined) return usageFor(spec, source);
  const usage = KEY_USAGES.find((known) => known === given);
  const isPossible = usage !== undefined && SPEC_MODELS[spec].usages.includes(usage);
  return isPossible ? found(usage) : none(`a ${spec} key cannot be for ${given}`);
}

function descriptionOf(args: Arguments, source: KeyRef | null): string {
  const label = readTextIfGiven(args, 'label') ?? (source === null ? '' : (labelText(source.locator.label) ?? ''));
  return readTextIfGiven(args, 'description') ?? label;
}

interface PolicyAsked {
  readonly text: string | null;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

function policyOf(kms: KmsConnection, args: Arguments, usage: KeyUsage): PolicyAsked {
  const given = readMap(args, 'policy');
  const administrators = readTexts(args, 'administrators');
  const users = readTexts(args, 'users');
  const isListed = administrators.length + users.length > 0;
  const refused = (problem: string): PolicyAsked => ({ text: null, problems: [problem], notes: [] });
  if (given !== undefined) {
    if (isListed) return refused('give a policy, or administrators and users, not both');
    const text = JSON.stringify(given);
    return { text, ...reviewPolicy(text, kms.account) };
  }
  if (!isListed) return { text: null, problems: [], notes: [] };
  if (kms.account === null) {
    return refused('the account number is not known, and the policy needs it; say account: in the devices file');
  }
  const problems = [...administrators, ...users].flatMap((arn) => principalProblem(arn, kms.region) ?? []);
  const { account } = kms;
  const text = wizardPolicy({ account, partition: partitionOf(kms.region).id, administrators, users, usage });
  return { text, problems, notes: [] };
}

interface Reading {
  readonly creation: Creation | null;
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

function read(kms: KmsConnection, args: Arguments): Reading {
  const problems: string[] = [];
  const notes: string[] = [];
  const source = readKeyIfKnown(args, 'like');
  const taken = <T>(derived: Derived<T>): T | null => {
    if (derived.problem !== null) problems.push(derived.problem);
    if (derived.note !== null) notes.push(derived.note);
    return derived.value;
  };
  const spec = taken(specOf(args, source));
  const usage = spec === null ? null : taken(usageOf(args, spec, source));
  const description = descriptionOf(args, source);
  if (description.length > LONGEST_DESCRIPTION)
    problems.push(`the description is longer than ${LONGEST_DESCRIPTION} characters`);
  const tags = readTextMap(args, 'tags');
  problems.push(...tagProblems(tags));
  readAliasIfGiven(args);
  const policy = policyOf(kms, args, usage ?? 'ENCRYPT_DECRYPT');
  problems.push(...policy.problems);
  notes.push(...policy.notes);
  const isMultiRegion = readBooleanIfGiven(args, 'multi-region') ?? false;
  const creation =
    spec === null || usage === null ? null : { spec, usage, description, policy: policy.text, tags, isMultiRegion };
  return { creation: problems.length === 0 ? creation : null, problems, notes };
}

/** For the plan: arguments that are known only in the run are not judged. */
export function creationProblems(
  kms: KmsConnection,
  args: Arguments,
): { readonly problems: readonly string[]; readonly notes: readonly string[] } {
  if (isNotYet(args.like) || isNotYet(args.spec) || isNotYet(args.usage)) return { problems: [], notes: [] };
  try {
    return read(kms, args);
  } catch (error) {
    if (error instanceof KeyferryError) return { problems: [error.message], notes: [] };
    throw error;
  }
}

/** Rejects with `argument-invalid`: nothing was asked of KMS. */
export function readCreation(kms: KmsConnection, args: Arguments): Creation {
  const { creation, problems } = read(kms, args);
  if (creation === null) throw kms.fail('argument-invalid', `the key was not created: ${problems.join('; ')}.`);
  return creation;
}

export function keyPlan(creation: Creation): Input<'CreateKey'> {
  const { spec, usage, description, policy, isMultiRegion } = creation;
  return {
    Origin: 'EXTERNAL',
    KeySpec: spec,
    KeyUsage: usage,
    Description: description,
    ...(policy === null ? {} : { Policy: policy }),
    ...(isMultiRegion ? { MultiRegion: true } : {}),
  };
}
