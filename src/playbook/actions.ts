/** `cluster.unwrap-key` → the role and the action's spec, by the playbook's devices and the built-in namespaces. */
import type { ActionSpec, AdapterSpec } from '../adapters/adapter.ts';
import { suggestion } from '../source/nearest.ts';
import { entriesOf, fieldOf, type SourceNode, textOf } from '../source/node.ts';
import type { Problems } from '../source/problems.ts';
import { BUILT_INS } from './built-ins.ts';
import { RESERVED_ROLES } from './names.ts';
import { ACTION_PATTERN } from './shape.ts';

/** Role → adapter; null: declared with an error, reported there. */
export type Roles = ReadonlyMap<string, AdapterSpec | null>;

export interface ActionCallSite {
  readonly target: string;
  readonly action: string;
  readonly spec: ActionSpec;
}

export function readRoles(
  node: SourceNode | undefined,
  adapters: Readonly<Record<string, AdapterSpec>>,
  problems: Problems,
): Roles {
  const roles = new Map<string, AdapterSpec | null>();
  for (const { key, keyPlace, value } of entriesOf(node)) {
    if (RESERVED_ROLES.includes(key)) {
      problems.add(keyPlace, `${key} is a built-in namespace and no device's name`, 'choose another name');
    }
    const adapter = textOf(value);
    const spec = adapter !== undefined && Object.hasOwn(adapters, adapter) ? adapters[adapter] : undefined;
    if (adapter !== undefined && spec === undefined) {
      problems.add(value.place, `there is no adapter ${adapter}`, suggestion(adapter, Object.keys(adapters)));
    }
    roles.set(key, spec ?? null);
  }
  return roles;
}

/** undefined when the step's action is not known; reported, unless its device is what is broken. */
export function readAction(step: SourceNode, roles: Roles, problems: Problems): ActionCallSite | undefined {
  const node = fieldOf(step, 'do');
  const text = textOf(node);
  if (node?.kind !== 'scalar' || text === undefined || !new RegExp(ACTION_PATTERN).test(text)) return undefined;
  const dot = text.indexOf('.');
  const target = text.slice(0, dot);
  const action = text.slice(dot + 1);
  const builtIn = Object.hasOwn(BUILT_INS, target) ? BUILT_INS[target] : undefined;
  const role = roles.get(target);
  if (builtIn === undefined && role === null) return undefined;
  if (builtIn === undefined && role === undefined) {
    problems.add(
      node.place,
      `the playbook has no device ${target}`,
      suggestion(target, [...roles.keys(), ...Object.keys(BUILT_INS)]),
    );
    return undefined;
  }
  const actions = builtIn ?? role?.actions ?? {};
  const spec = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (spec === undefined) {
    const owner = builtIn === undefined ? `${target} (${role?.name ?? ''})` : target;
    problems.add(node.at(dot + 1), `${owner} has no action ${action}`, suggestion(action, Object.keys(actions)));
    return undefined;
  }
  return { target, action, spec };
}
