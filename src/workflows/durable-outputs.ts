/** What of a step's outputs the journal keeps: what lasts, or is as good as it was until the device says otherwise. Public keys and wrapped keys are read again after a crash, so none lies on disk. */
import type { ActionResult, ActionSpec, Outputs } from '../adapters/adapter.ts';
import { isKeyRef } from '../keys/key-record.ts';

export function durableOutputs(spec: ActionSpec, outputs: Outputs): Outputs {
  const kept: Record<string, unknown> = {};
  for (const name in spec.outputs) {
    const lifetime = spec.outputs[name]?.lifetime;
    if ((lifetime !== 'permanent' && lifetime !== 'perishable') || outputs[name] === undefined) continue;
    const value = outputs[name];
    kept[name] = isKeyRef(value) ? { kind: 'key', device: value.device, locator: value.locator } : value;
  }
  return kept;
}

/** A device calls itself what the devices file calls it; in a run it bears the playbook's name for it. */
export function adoptResult(result: Pick<ActionResult, 'outputs' | 'violations'>, role: string): ActionResult {
  const outputs: Record<string, unknown> = {};
  for (const name in result.outputs) {
    const value = result.outputs[name];
    outputs[name] = isKeyRef(value) ? { ...value, device: role } : value;
  }
  return { outputs, violations: result.violations };
}
