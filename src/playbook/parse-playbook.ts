/**
 * YAML text, or the document pinned in a journal, → a checked Playbook. All problems are reported at once as KeyferryError
 * `playbook-invalid`; nothing else is thrown. This file is the order of the checks; each check has a file of its own.
 */
import type { AdapterSpec } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { checkShape } from '../source/check-shape.ts';
import { suggestion } from '../source/nearest.ts';
import { entryOf, fieldOf, fromJson, type SourceNode, textOf, toJson } from '../source/node.ts';
import { Problems, summarise } from '../source/problems.ts';
import { parseYaml } from '../source/yaml.ts';
import { type Roles, readAction, readRoles } from './actions.ts';
import { compileCondition } from './bare-expression.ts';
import { createWorld } from './cel-environment.ts';
import { readInputs } from './input-specs.ts';
import type { InputSpec, Json, Over, Playbook, Step } from './model.ts';
import { readPolicy } from './policy.ts';
import { ARGUMENT, CONDITION, FILE_PATTERN, PLAYBOOK } from './shape.ts';
import { BLOCKS, compileStep, draftBlock, madeId, type StepDraft } from './steps.ts';
import { INPUTS_ONLY, type StepSymbol, type View } from './symbols.ts';
import { compileTemplate, type TemplateTools } from './template.ts';

export type AdapterSpecs = Readonly<Record<string, AdapterSpec>>;

const EXPRESSION_KEYS = ['when', 'where', 'stop-when'];
const PINNED = 'pinned playbook';

export function parsePlaybook(options: { file: string; text: string; adapters: AdapterSpecs }): Playbook {
  const problems = new Problems();
  const root = parseYaml(options.text, { file: options.file, expressionKeys: EXPRESSION_KEYS }, problems);
  return compile(root, options.adapters, problems, `The playbook ${options.file}`);
}

/** The document of a run's journal or plan: the same playbook, whose places say `pinned playbook`. */
export function parsePlaybookDocument(document: Json, adapters: AdapterSpecs): Playbook {
  return compile(fromJson(document, PINNED), adapters, new Problems(), 'The pinned playbook');
}

function compile(root: SourceNode | undefined, adapters: AdapterSpecs, problems: Problems, what: string): Playbook {
  const playbook = root === undefined ? undefined : compileRoot(root, adapters, problems);
  if (playbook === undefined || problems.count > 0) throw invalidPlaybook(problems, what);
  return playbook;
}

export function invalidPlaybook(problems: Problems, what: string): KeyferryError {
  const diagnostics = problems.list();
  return new KeyferryError('playbook-invalid', summarise(what, diagnostics), { diagnostics });
}

function compileRoot(root: SourceNode, adapters: AdapterSpecs, problems: Problems): Playbook | undefined {
  checkShape(root, PLAYBOOK, { problems, elsewhere: new Set([ARGUMENT, CONDITION, FILE_PATTERN]) });
  if (root.kind !== 'map') return undefined;
  const roles = readRoles(fieldOf(root, 'devices'), adapters, problems);
  const inputs = readInputs(fieldOf(root, 'inputs'), problems);
  const steps = new Map<string, StepSymbol>();
  const drafts = BLOCKS.map((block) => draftBlock(root, block, { roles, problems, symbols: steps }));
  const symbols = { inputs, steps };
  const tools: TemplateTools = { symbols, world: createWorld(symbols), problems, view: INPUTS_ONLY };
  const over = readOver(root, roles, tools);
  const compiled = drafts.map((block) => compileBlock(block, root, tools, roles));
  const canary = readCanary(root, roles, tools);
  const policy = readPolicy(fieldOf(root, 'policy'), tools);
  checkBlocks(root, problems);
  const [prepare, each, afterEach, last] = compiled;
  if (!prepare || !each || !afterEach || !last || policy === undefined || over === undefined || canary === undefined)
    return undefined;
  const name = textOf(fieldOf(root, 'playbook')) ?? '';
  return {
    name,
    title: textOf(fieldOf(root, 'title')) ?? name,
    devices: Object.fromEntries([...roles].map(([role, adapter]) => [role, adapter?.name ?? ''])),
    inputs: Object.fromEntries([...inputs].filter((entry): entry is [string, InputSpec] => entry[1] !== null)),
    over,
    prepare,
    canary,
    each,
    afterEach,
    finally: last,
    policy,
    verify: textOf(fieldOf(root, 'verify')) === 'weak' ? 'weak' : 'strong',
    exposesPlaintext:
      [...prepare, ...each, ...afterEach, ...last].some((step) => step.exposesPlaintext) ||
      canary?.exposesPlaintext === true,
    document: toJson(root),
  };
}

function compileBlock(
  drafts: readonly StepDraft[],
  root: SourceNode,
  tools: TemplateTools,
  roles: Roles,
): Step[] | undefined {
  const steps = drafts.map((draft, index) => compileStep(draft, { ...tools, view: viewOf(draft, index, root) }, roles));
  return steps.every((step) => step !== undefined) ? steps : undefined;
}

function viewOf(draft: StepDraft, index: number, root: SourceNode): View {
  const repeats = draft.block === 'each' || draft.block === 'after-each';
  return {
    inputs: true,
    key: repeats && entryOf(root, 'items') === undefined,
    item: repeats && entryOf(root, 'items') !== undefined,
    counts: false,
    steps: { block: draft.block, index },
  };
}

function readOver(root: SourceNode, roles: Roles, tools: TemplateTools): Over | null | undefined {
  const keys = entryOf(root, 'keys');
  const items = entryOf(root, 'items');
  if (keys !== undefined && items !== undefined) {
    tools.problems.add(items.keyPlace, 'a playbook repeats over keys or over items, not both');
    return undefined;
  }
  if (items !== undefined) {
    const node = fieldOf(items.value, 'files');
    const files = node === undefined ? undefined : compileTemplate(node, { kind: 'string' }, tools);
    return files === undefined ? undefined : { kind: 'files', files, place: items.keyPlace };
  }
  if (keys === undefined) return null;
  const fromNode = fieldOf(keys.value, 'from');
  const from = textOf(fromNode);
  if (from !== undefined && fromNode !== undefined && !roles.has(from)) {
    tools.problems.add(fromNode.place, `the playbook has no device ${from}`, suggestion(from, roles.keys()));
  }
  const where = compileCondition(fieldOf(keys.value, 'where'), { ...tools, view: { ...INPUTS_ONLY, key: true } });
  return from === undefined || where === undefined ? undefined : { kind: 'keys', from, where, place: keys.keyPlace };
}

/** A create action on the source device whose output `key` stands for the key. */
function readCanary(root: SourceNode, roles: Roles, tools: TemplateTools): Step | null | undefined {
  const entry = entryOf(root, 'canary');
  if (entry === undefined) return null;
  const view: View = { ...INPUTS_ONLY, steps: { block: 'canary', index: 0 } };
  const draft: StepDraft = {
    id: madeId('canary', 0),
    block: 'canary',
    node: entry.value,
    call: readAction(entry.value, roles, tools.problems),
  };
  if (entryOf(root, 'keys') === undefined)
    tools.problems.add(entry.keyPlace, 'a canary needs keys: it runs each once on a key made for it');
  if (draft.call !== undefined) {
    const { spec, target, action } = draft.call;
    const place = entryOf(entry.value, 'do')?.value.place ?? entry.keyPlace;
    if (spec.effect !== 'create' || spec.outputs.key?.type !== 'key') {
      tools.problems.add(
        place,
        `${target}.${action} makes no key`,
        'a canary is made by an action such as generate-key',
      );
    }
    const from = textOf(fieldOf(fieldOf(root, 'keys'), 'from'));
    if (from !== undefined && from !== target)
      tools.problems.add(place, `the canary must be made on ${from}, where the keys come from`);
  }
  return compileStep(draft, { ...tools, view }, roles);
}

function checkBlocks(root: SourceNode, problems: Problems): void {
  const over = entryOf(root, 'keys') ?? entryOf(root, 'items');
  const each = entryOf(root, 'each');
  const afterEach = entryOf(root, 'after-each');
  if (over !== undefined && each === undefined)
    problems.add(over.keyPlace, `${over.key} without each: nothing is done with them`);
  if (over === undefined && each !== undefined) problems.add(each.keyPlace, 'each needs keys or items to repeat over');
  if (each === undefined && afterEach !== undefined) problems.add(afterEach.keyPlace, 'after-each needs each');
  if (each === undefined && entryOf(root, 'prepare') === undefined)
    problems.add(root.place, 'the playbook has no steps', 'add prepare, or keys and each');
}
