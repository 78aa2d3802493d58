/** A playbook's policy: how many items at once, how the batch ramps up, and when the run stops itself. */
import { fieldOf, itemsOf, type SourceNode } from '../source/node.ts';
import { compileCondition } from './bare-expression.ts';
import type { Policy } from './model.ts';
import { numberOf } from './steps.ts';
import type { TemplateTools } from './template.ts';

const DEFAULT_CONCURRENCY = 16;

/** Kinds of values were checked by the shape. undefined when stop-when has problems. */
export function readPolicy(node: SourceNode | undefined, tools: TemplateTools): Policy | undefined {
  const stopWhen = compileCondition(fieldOf(node, 'stop-when'), {
    ...tools,
    view: { inputs: true, key: false, item: false, counts: true },
  });
  if (stopWhen === undefined) return undefined;
  const ramp = itemsOf(fieldOf(node, 'ramp')).map(readStage);
  return {
    concurrency: numberOf(fieldOf(node, 'concurrency')) ?? DEFAULT_CONCURRENCY,
    ramp: ramp.length === 0 ? [{ share: 1 }] : ramp,
    stopWhen,
  };
}

function readStage(node: SourceNode): { readonly count: number } | { readonly share: number } {
  const value = node.kind === 'scalar' ? node.value : null;
  return typeof value === 'number' ? { count: value } : { share: Number.parseInt(String(value), 10) / 100 };
}
