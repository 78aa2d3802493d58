/** Expressions of `where`, `when` and `stop-when`: CEL without `${{ }}`, and its value true or false. */
import type { SourceNode } from '../source/node.ts';
import { Problems } from '../source/problems.ts';
import { compileExpression } from './expression.ts';
import { explainNode, explainScalar } from './expression-traps.ts';
import type { Expression } from './model.ts';
import { nameType, type TemplateTools } from './template.ts';
import { hasExpression } from './template-scanner.ts';

/** null: there is none. undefined: a problem was reported. */
export function compileCondition(node: SourceNode | undefined, tools: TemplateTools): Expression | null | undefined {
  if (node === undefined) return null;
  if (node.kind === 'broken') return undefined;
  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    const trap = explainNode(node);
    tools.problems.add(node.place, trap.message, trap.hint);
    return undefined;
  }
  const source = node.value;
  if (hasExpression(source)) {
    tools.problems.add(node.at(source.indexOf('${{')), 'this is an expression already', 'write it without ${{ }}');
    return undefined;
  }
  const problems = new Problems();
  const expression = compileExpression(
    { source, at: (offset) => node.at(offset), view: tools.view },
    { ...tools, problems },
  );
  if (expression === undefined) {
    const trap = explainScalar(node);
    if (problems.count > 0 && trap !== undefined) tools.problems.add(node.place, trap.message, trap.hint);
    else tools.problems.addAll(problems);
    return undefined;
  }
  if (expression.type !== 'bool') {
    tools.problems.add(expression.place, `must be true or false; the expression is ${nameType(expression.type)}`);
    return undefined;
  }
  return expression;
}
