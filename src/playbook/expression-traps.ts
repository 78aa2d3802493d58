/**
 * Where YAML read an unquoted expression as something else without complaining: a comment that cuts it off, a conditional that became
 * a map, `true` that became a boolean. Each gets its own words; what YAML itself refuses is in source/yaml-traps.ts.
 */
import type { ScalarNode, SourceNode } from '../source/node.ts';

export interface Trap {
  readonly message: string;
  readonly hint: string;
}

/** For a text that does not scan or parse: was the rest of it taken for a comment? */
export function explainScalar(node: ScalarNode): Trap | undefined {
  if (!node.isPlain || !node.hasCommentBehind) return undefined;
  return {
    message: 'YAML reads the ` #` as the start of a comment and cuts the expression off',
    hint: 'quote this expression',
  };
}

/** For a node that is no text where an expression stands. */
export function explainNode(node: SourceNode): Trap {
  if (node.kind === 'map') {
    const isConditional = node.entries.some((entry) => entry.key.includes('?'));
    return isConditional
      ? { message: 'YAML reads the ` : ` of a conditional as a key', hint: 'quote this expression: "a ? b : c"' }
      : { message: 'an expression stands here, and YAML reads this as a map', hint: 'quote this expression' };
  }
  if (node.kind === 'list')
    return { message: 'an expression stands here, and YAML reads this as a list', hint: 'quote this expression' };
  if (node.kind === 'scalar' && node.value === null)
    return { message: 'the expression is empty', hint: 'write one, or leave the line out' };
  const value = node.kind === 'scalar' ? String(node.value) : '';
  return {
    message: `an expression stands here, and YAML reads ${value} as ${kind(node)}`,
    hint: `quote this expression: "${value}"`,
  };
}

const kind = (node: SourceNode): string =>
  node.kind === 'scalar' && typeof node.value === 'number' ? 'a number' : 'true or false';
