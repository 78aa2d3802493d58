/** Steps of a playbook: first every id and action (so that expressions know all names), then arguments and settings of each. */
import { parseDuration } from '../schema/duration.ts';
import { entryOf, fieldOf, itemsOf, type SourceNode, textOf } from '../source/node.ts';
import type { Problems } from '../source/problems.ts';
import { type ActionCallSite, type Roles, readAction } from './actions.ts';
import { compileCondition } from './bare-expression.ts';
import type { Block, Retry, RollbackCall, Step, Template } from './model.ts';
import { stepIdProblem } from './names.ts';
import type { StepSymbol } from './symbols.ts';
import { compileFields, type TemplateTools } from './template.ts';

export interface StepDraft {
  readonly id: string;
  readonly block: Block;
  readonly node: SourceNode;
  readonly call: ActionCallSite | undefined;
}

export const BLOCKS = ['prepare', 'each', 'after-each', 'finally'] as const satisfies readonly Block[];

/** Reads ids and actions of a block; `symbols` gets the steps that have an id. */
export function draftBlock(
  root: SourceNode,
  block: Block,
  read: { roles: Roles; problems: Problems; symbols: Map<string, StepSymbol> },
): StepDraft[] {
  return itemsOf(fieldOf(root, block)).map((node, index) => {
    const call = readAction(node, read.roles, read.problems);
    const idNode = fieldOf(node, 'id');
    const given = textOf(idNode);
    if (given === undefined || idNode === undefined) return { id: madeId(block, index), block, node, call };
    const wrong = stepIdProblem(given);
    if (wrong !== undefined) read.problems.add(idNode.place, wrong.message, wrong.hint);
    if (read.symbols.has(given)) read.problems.add(idNode.place, `there are two steps with the id ${given}`);
    else read.symbols.set(given, { block, index, outputs: wrong === undefined ? (call?.spec.outputs ?? null) : null });
    return { id: given, block, node, call };
  });
}

export const madeId = (block: Block, index: number): string => `${block.replace('-', '_')}_${index + 1}`;

/** undefined when the step has problems, reported here or in its draft. */
export function compileStep(draft: StepDraft, tools: TemplateTools, roles: Roles): Step | undefined {
  const { node, call, block, id } = draft;
  const before = tools.problems.count;
  const when = compileCondition(fieldOf(node, 'when'), tools);
  if (call === undefined) return undefined;
  const args = compileArguments(node, call, tools);
  const rollback = compileRollback(node, tools, roles);
  checkSettings(node, call, tools.problems);
  if (tools.problems.count > before || when === undefined || args === undefined || rollback === undefined)
    return undefined;
  const approval = fieldOf(node, 'approval');
  const quorum = numberOf(fieldOf(approval, 'quorum'));
  const validForMs = parseDuration(textOf(fieldOf(approval, 'valid-for')) ?? '');
  return {
    id,
    block,
    ...call,
    with: args,
    when,
    otherwise: textOf(fieldOf(node, 'otherwise')) === 'skip' ? 'skip' : 'fail',
    retry: readRetry(fieldOf(node, 'retry')),
    timeoutMs: parseDuration(textOf(fieldOf(node, 'timeout')) ?? '') ?? null,
    approval: quorum === undefined ? null : { quorum, ...(validForMs === undefined ? {} : { validForMs }) },
    rollback,
    exposesPlaintext: call.spec.exposes === 'plaintext',
    place: node.place,
  };
}

function compileArguments(
  node: SourceNode,
  call: ActionCallSite,
  tools: TemplateTools,
): Readonly<Record<string, Template>> | undefined {
  const given = fieldOf(node, 'with');
  if (given?.kind === 'broken') return undefined;
  if (given !== undefined && given.kind !== 'map') return undefined;
  const place = entryOf(node, 'do')?.value.place ?? node.place;
  return compileFields(given ?? { kind: 'map', place, entries: [] }, call.spec.input, tools)?.entries;
}

function compileRollback(node: SourceNode, tools: TemplateTools, roles: Roles): RollbackCall | null | undefined {
  const rollback = fieldOf(node, 'rollback');
  if (rollback === undefined) return null;
  const call = readAction(rollback, roles, tools.problems);
  if (call === undefined) return undefined;
  // It undoes what the step made, so it sees the step's own outputs too.
  const { steps } = tools.view;
  const view = steps === undefined ? tools.view : { ...tools.view, steps: { ...steps, index: steps.index + 1 } };
  const args = compileArguments(rollback, call, { ...tools, view });
  return args === undefined ? undefined : { ...call, with: args };
}

function checkSettings(node: SourceNode, { target, action, spec }: ActionCallSite, problems: Problems): void {
  const otherwise = entryOf(node, 'otherwise');
  if (otherwise !== undefined && spec.role?.kind !== 'check') {
    problems.add(otherwise.keyPlace, `${target}.${action} is no check, so it has no otherwise`);
  } else if (otherwise !== undefined && target === 'verify' && textOf(otherwise.value) === 'skip') {
    problems.add(
      otherwise.value.place,
      'a key that arrived and is not the same is never skipped',
      'leave otherwise out: the item fails',
    );
  }
  const exposes = entryOf(node, 'exposes');
  if (spec.exposes === 'plaintext' && exposes === undefined) {
    problems.add(
      entryOf(node, 'do')?.value.place ?? node.place,
      `${target}.${action} shows key bytes to the host`,
      'if that is meant, add: exposes: plaintext',
    );
  } else if (spec.exposes === undefined && exposes !== undefined) {
    problems.add(exposes.keyPlace, `${target}.${action} exposes nothing`, 'take the line away');
  }
}

function readRetry(node: SourceNode | undefined): Retry {
  return {
    attempts: numberOf(fieldOf(node, 'attempts')) ?? null,
    backoff: textOf(fieldOf(node, 'backoff')) === 'fixed' ? 'fixed' : 'exponential',
    delayMs: parseDuration(textOf(fieldOf(node, 'delay')) ?? '') ?? 1000,
  };
}

export function numberOf(node: SourceNode | undefined): number | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'number' ? node.value : undefined;
}
