/** GetKeyPolicy, PutKeyPolicy, ListKeyPolicies. The one policy of a key is named `default`. */
import { POLICY_NAME, requirePolicy } from '../key-policy.ts';
import { findKey } from '../key-reference.ts';
import { flag, required } from '../members.ts';
import { acting, reading } from '../operation.ts';
import { refuse } from '../service-error.ts';
import { paging, policyName, policyText, requiredKeyId } from './request-members.ts';

function requireDefault(name: string | undefined): void {
  if (name !== undefined && name !== POLICY_NAME) refuse('NotFoundException', 'No such policy exists');
}

export const getKeyPolicy = reading(
  { KeyId: requiredKeyId, PolicyName: policyName },
  ({ view, place }, { KeyId, PolicyName }) => {
    const key = findKey(view, place, KeyId);
    requireDefault(PolicyName);
    return { Policy: key.policy, PolicyName: POLICY_NAME };
  },
);

export const putKeyPolicy = acting(
  {
    KeyId: requiredKeyId,
    PolicyName: policyName,
    Policy: required(policyText),
    BypassPolicyLockoutSafetyCheck: flag,
  },
  ({ place, callerArn, change }, { KeyId, PolicyName, Policy, BypassPolicyLockoutSafetyCheck }) =>
    change((state) => {
      const key = findKey(state, place, KeyId);
      requireDefault(PolicyName);
      requirePolicy(Policy, { place, callerArn, isBypassed: BypassPolicyLockoutSafetyCheck === true });
      return { entries: [{ kind: 'key', key: { ...key, policy: Policy } }], result: null };
    }),
);

export const listKeyPolicies = reading({ KeyId: requiredKeyId, ...paging }, ({ view, place }, { KeyId }) => {
  findKey(view, place, KeyId);
  return { PolicyNames: [POLICY_NAME], Truncated: false };
});
