/** A condition on keys outside any playbook: `keyferry keys DEVICE --where CEL`. */
import { KeyferryError } from '../errors/keyferry-error.ts';
import { fromJson } from '../source/node.ts';
import { Problems } from '../source/problems.ts';
import { compileCondition } from './bare-expression.ts';
import { createWorld } from './cel-environment.ts';
import type { KeyScope } from './model.ts';

/** Rejects with `usage`; the predicate throws `argument-invalid`. */
export function compileKeyCondition(source: string): (key: KeyScope) => boolean {
  const problems = new Problems();
  const symbols = { inputs: new Map(), steps: new Map() };
  const node = fromJson(source, '--where');
  const view = { inputs: false, key: true, item: false, counts: false };
  const expression = compileCondition(node, { symbols, world: createWorld(symbols), problems, view });
  if (expression === undefined || expression === null) {
    const said = problems.list().map(({ message, hint }) => (hint === undefined ? message : `${message} (${hint})`));
    throw new KeyferryError('usage', `The expression of --where has a problem: ${said.join('; ')}.`, {
      hint: 'An example: --where \'key.type == "aes" && key.bits == 256\'',
    });
  }
  return (key) => expression.evaluate({ inputs: {}, steps: {}, key }) === true;
}
