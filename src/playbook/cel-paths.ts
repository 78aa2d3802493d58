/** Names in a parsed CEL expression: `a.b.c` taken apart, with the offset of each name. */
import type { ASTNode } from '@marcbachmann/cel-js';

export interface PathPart {
  readonly name: string;
  readonly offset: number;
}

/** The names of `a.b.c`, or undefined when something else is at its root. */
export function pathOf(node: ASTNode): PathPart[] | undefined {
  if (node.op === 'id') return [{ name: node.args, offset: node.start }];
  if (node.op !== '.') return undefined;
  const before = pathOf(node.args[0]);
  return before === undefined ? undefined : [...before, { name: node.args[1], offset: node.end - node.args[1].length }];
}

/** The name that an operand begins with. */
export function firstName(node: ASTNode): string | undefined {
  switch (node.op) {
    case 'id':
      return node.args;
    case '.':
    case '[]':
      return firstName(node.args[0]);
    case 'rcall':
      return firstName(node.args[1]);
    default:
      return undefined;
  }
}
