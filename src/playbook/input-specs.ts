/** Declarations of a playbook's inputs: names, types, enums and defaults that agree with each other. */
import { isIntegerWithin } from '../schema/check-value.ts';
import { entriesOf, entryOf, fieldOf, itemsOf, type ScalarNode, type SourceNode, textOf } from '../source/node.ts';
import type { Problems } from '../source/problems.ts';
import type { InputSpec } from './model.ts';
import { identifierProblem } from './names.ts';

const TYPES: readonly InputSpec['type'][] = ['string', 'integer', 'number', 'boolean', 'secret', 'path'];

/** Name → declaration; null where it is broken, so that expressions naming it are not blamed. */
export function readInputs(node: SourceNode | undefined, problems: Problems): Map<string, InputSpec | null> {
  const inputs = new Map<string, InputSpec | null>();
  for (const { key, keyPlace, value } of entriesOf(node)) {
    const before = problems.count;
    const wrong = identifierProblem(key);
    if (wrong !== undefined) problems.add(keyPlace, wrong.message, wrong.hint);
    const spec = readInput(value, problems);
    inputs.set(key, problems.count > before ? null : (spec ?? null));
  }
  return inputs;
}

function readInput(node: SourceNode, problems: Problems): InputSpec | undefined {
  // Kinds of values were checked by the shape; what is missing or broken here was reported there.
  const type = TYPES.find((known) => known === textOf(fieldOf(node, 'type')));
  if (type === undefined) return undefined;
  const enumEntry = entryOf(node, 'enum');
  const defaultNode = fieldOf(node, 'default');
  const description = textOf(fieldOf(node, 'description'));
  if (type === 'secret' && defaultNode !== undefined) {
    problems.add(
      defaultNode.place,
      'a secret has no default: it never stands in a playbook',
      'give it with -i NAME=env:VAR | file:PATH | prompt',
    );
  }
  if (enumEntry !== undefined && type !== 'string' && type !== 'integer' && type !== 'number') {
    problems.add(enumEntry.keyPlace, `an input of type ${type} has no enum`);
  }
  const values = itemsOf(enumEntry?.value).map((item) => readValue(item, type, problems));
  const known = values.filter((value) => typeof value === 'string' || typeof value === 'number');
  if (enumEntry?.value.kind === 'list' && values.length === 0) problems.add(enumEntry.value.place, 'the enum is empty');
  const fallback = defaultNode === undefined || type === 'secret' ? undefined : readValue(defaultNode, type, problems);
  if (fallback !== undefined && enumEntry !== undefined && !known.some((value) => value === fallback)) {
    problems.add(defaultNode?.place ?? node.place, `the default ${JSON.stringify(fallback)} is not in the enum`);
  }
  return {
    type,
    ...(enumEntry === undefined ? {} : { enum: known }),
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(description === undefined ? {} : { description }),
  };
}

function readValue(
  node: SourceNode,
  type: InputSpec['type'],
  problems: Problems,
): string | number | boolean | undefined {
  if (node.kind !== 'scalar' || node.value === null) return undefined;
  if (isOfType(node.value, type)) return node.value;
  problems.add(node.place, `must be of the input's type, ${type}`, quoteHint(node, type));
  return undefined;
}

function isOfType(value: string | number | boolean, type: InputSpec['type']): boolean {
  switch (type) {
    case 'integer':
      return isIntegerWithin(value);
    case 'number':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    default:
      return typeof value === 'string';
  }
}

function quoteHint(node: ScalarNode, type: InputSpec['type']): string | undefined {
  if (type === 'string' || type === 'path') return 'put it in quotes';
  return typeof node.value === 'string' && !node.isPlain ? 'take the quotes away' : undefined;
}
