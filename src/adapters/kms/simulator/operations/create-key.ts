/** CreateKey, and the refusals of ReplicateKey and UpdatePrimaryRegion. Tags given here come into being with the key. */
import { randomBytes, randomUUID } from 'node:crypto';
import { generateMaterial, materialId, newMaterial } from '../key-material.ts';
import { defaultPolicy, requirePolicy } from '../key-policy.ts';
import { type KeyRecord, keyArn, metadataOf, type Place } from '../key-record.ts';
import { findKey } from '../key-reference.ts';
import {
  CUSTOMER_MASTER_KEY_SPECS,
  KEY_SPECS,
  KEY_USAGES,
  type KeySpec,
  type KeyUsage,
  rulesOf,
} from '../key-specs.ts';
import type { StateView } from '../key-store.ts';
import { withTags } from '../key-tags.ts';
import { flag, listOf, oneOf, required, text } from '../members.ts';
import { acting } from '../operation.ts';
import { refuse } from '../service-error.ts';
import { description, policyText, region, requiredKeyId, tag } from './request-members.ts';

const NO_USAGE = 'You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.';

const TWO_SPECS =
  'You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.';

export const createKey = acting(
  {
    Policy: policyText,
    Description: description,
    KeyUsage: oneOf(KEY_USAGES),
    CustomerMasterKeySpec: oneOf(CUSTOMER_MASTER_KEY_SPECS),
    KeySpec: oneOf(KEY_SPECS),
    Origin: oneOf(['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']),
    CustomKeyStoreId: text({ min: 1, max: 64 }),
    BypassPolicyLockoutSafetyCheck: flag,
    Tags: listOf(tag),
    MultiRegion: flag,
    XksKeyId: text({ min: 1, max: 128, pattern: /^[a-zA-Z0-9-_.]+$/ }),
  },
  async (context, input) => {
    const { place, callerArn, nowMs } = context;
    const spec = specOf(input.KeySpec, input.CustomerMasterKeySpec);
    const usage = usageOf(spec, input.KeyUsage);
    const origin = input.Origin ?? 'AWS_KMS';
    if (origin === 'AWS_CLOUDHSM' || origin === 'EXTERNAL_KEY_STORE' || input.CustomKeyStoreId !== undefined)
      return refuse('UnsupportedOperationException', 'Custom key stores are not simulated.');
    if (input.Policy !== undefined)
      requirePolicy(input.Policy, { place, callerArn, isBypassed: input.BypassPolicyLockoutSafetyCheck === true });
    const tags = withTags([], input.Tags ?? []);
    const isMultiRegion = input.MultiRegion === true;
    const id = isMultiRegion ? `mrk-${randomBytes(16).toString('hex')}` : randomUUID();
    const bytes = origin === 'AWS_KMS' ? await generateMaterial(spec) : null;
    const key: KeyRecord = {
      ...{ id, spec, usage, origin, isMultiRegion, createdMs: nowMs, isEnabled: true, deletion: null, tags },
      description: input.Description ?? '',
      policy: input.Policy ?? defaultPolicy(place),
      materials: bytes === null ? [] : [newMaterial(materialId(context.secret, id, bytes), bytes)],
      token: { newest: null },
      rotation: null,
      onDemandRotations: 0,
    };
    return context.change(() => ({
      entries: [{ kind: 'key', key }],
      result: { KeyMetadata: metadataOf(key, place) },
    }));
  },
);

function specOf(spec: KeySpec | undefined, older: KeySpec | undefined): KeySpec {
  if (spec !== undefined && older !== undefined) return refuse('ValidationException', TWO_SPECS);
  const chosen = spec ?? older ?? 'SYMMETRIC_DEFAULT';
  if (rulesOf(chosen) === undefined) refuse('UnsupportedOperationException', `KeySpec ${chosen} is not simulated.`);
  return chosen;
}

function usageOf(spec: KeySpec, given: KeyUsage | undefined): KeyUsage {
  const usages = rulesOf(spec)?.usages ?? [];
  if (given === undefined)
    return spec === 'SYMMETRIC_DEFAULT' ? 'ENCRYPT_DECRYPT' : refuse('ValidationException', NO_USAGE);
  if (!usages.includes(given))
    return refuse('ValidationException', `KeyUsage ${given} is not compatible with KeySpec ${spec}`);
  return given;
}

/** Where a key is multi-Region, that it goes nowhere is the simulator's word; else the service would refuse it too. */
function stayingKey(view: StateView, place: Place, reference: string): never {
  const key = findKey(view, place, reference);
  const arn = keyArn(place, key.id);
  const why = key.isMultiRegion ? 'Replicas are not simulated.' : 'It is not a multi-Region key.';
  return refuse('UnsupportedOperationException', `${arn} stays in its Region. ${why}`);
}

export const replicateKey = acting(
  {
    KeyId: requiredKeyId,
    ReplicaRegion: required(region),
    Policy: policyText,
    BypassPolicyLockoutSafetyCheck: flag,
    Description: description,
    Tags: listOf(tag),
  },
  ({ view, place }, { KeyId }) => stayingKey(view, place, KeyId),
);

export const updatePrimaryRegion = acting(
  { KeyId: requiredKeyId, PrimaryRegion: required(region) },
  ({ view, place }, { KeyId }) => stayingKey(view, place, KeyId),
);
