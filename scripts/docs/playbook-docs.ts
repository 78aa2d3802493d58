/** docs/playbooks.md: the reference of playbooks and devices files, from the shapes and the declarations of the adapters. */
import type { ActionSpec, Adapter } from '../../src/adapters/adapter.ts';
import { DEVICES } from '../../src/devices/shape.ts';
import { WRAP_MECHANISMS } from '../../src/keys/mechanisms.ts';
import { BUILT_INS } from '../../src/playbook/built-ins.ts';
import { COUNT_TYPES, ITEM_FIELDS, KEY_FIELDS } from '../../src/playbook/key-fields.ts';
import { CANARY, PLAYBOOK, STEP } from '../../src/playbook/shape.ts';
import type { ObjectShape, Shape } from '../../src/schema/shape.ts';
import type { GeneratedFile } from './error-docs.ts';
import { cell, type Sections, shapeTable } from './shape-table.ts';

export function generatePlaybookDocs(adapters: Readonly<Record<string, Adapter>>): GeneratedFile {
  const sections: Sections = new Map<Shape, string>([
    [STEP, '[step](#steps)'],
    [CANARY, '[canary](#the-canary)'],
  ]);
  const text = [
    introduction(),
    `## A playbook\n\n${shapeTable(PLAYBOOK, sections)}`,
    `## Steps\n\n${shapeTable(STEP)}`,
    `## The canary\n\n${shapeTable(CANARY)}`,
    expressions(),
    builtIns(),
    `## The devices file\n\n${shapeTable(DEVICES)}\n\n${DEVICES_FILE}`,
    ...driverSections(Object.values(adapters)),
    sharedActions(adapters),
  ];
  return { path: 'docs/playbooks.md', text: `${text.join('\n\n')}\n` };
}

const introduction = (): string => `# Playbooks and devices files

<!-- Generated from the shapes in src and the adapters' declarations by: npm run generate -->

A playbook says how keys move and names the kinds of devices that it needs. A devices file says which real or simulated devices these
are. Editors complete both when the first line names the schema: \`# yaml-language-server: $schema=…/schema/playbook.schema.json\`.
\`keyferry validate PLAYBOOK\` lists every problem with its place. A whole example, with comments:
[playbooks/classic-to-cloudhsm.yaml](../playbooks/classic-to-cloudhsm.yaml).

\`NAME\` stands for a name of your choice, \`[]\` for each entry of a list. Keywords, actions and arguments are written with hyphens;
whatever an expression can name is written with underscores, because a hyphen is a minus there.`;

const list = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
const typed = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, type]) => `\`${name}\` (${type})`)
    .join(', ');

function expressions(): string {
  const flags = Object.keys(KEY_FIELDS).filter((name) => KEY_FIELDS[name] === 'bool');
  const facts = Object.fromEntries(Object.entries(KEY_FIELDS).filter(([, type]) => type !== 'bool'));
  return `## Expressions

Expressions are [CEL](https://cel.dev). \`where\`, \`when\` and \`stop-when\` are expressions as they stand; everywhere else an expression
stands in \`\${{ }}\`. A value that is one expression and nothing else keeps its type; inside other text it has to be text, a whole number
or true or false. Quote values that hold \`\${{ }}\`: YAML has its own meaning for braces, \`!\`, \`?\` and \` #\`.

| name | where | what |
|---|---|---|
| \`inputs.NAME\` | everywhere | the value of an input |
| \`steps.ID.OUTPUT\` | later steps of the same block; steps of \`prepare\` everywhere after it; steps of \`each\` in \`after-each\` | one output of a step |
| \`key\` | \`where\`, \`each\`, \`after-each\` | the key, passed whole |
| \`key.FIELD\` | the same | ${typed(facts)}, and true or false: ${list(flags)} |
| \`item.FIELD\` | \`each\` over files | ${typed(ITEM_FIELDS)} |
| counts | \`stop-when\` | ${typed(COUNT_TYPES)} |

Keys, artifacts and secrets can only be passed whole: no operator works on them and no text holds them. An attribute that a device does
not have reads as false.`;
}

function builtIns(): string {
  const parts = Object.entries(BUILT_INS).flatMap(([namespace, actions]) =>
    Object.values(actions).map((action) => actionText(`${namespace}.${action.name}`, action, '###')),
  );
  return `## Built-in actions\n\n${parts.join('\n\n')}`;
}

const DEVICES_FILE = `Each device has an \`adapter\`, a \`driver\`, and that driver's settings, listed below. Relative paths count from the file's folder, \`~\` is your
home. The file names code that is run (modules, commands), so it is refused when others can write it.

A secret is never written down but found, in one of these places:

| | |
|---|---|
| \`{ env: NAME }\` | an environment variable |
| \`{ file: PATH }\` | the first line of a file that only you can read |
| \`{ command: [PROGRAM, ARGUMENT, …] }\` | the first line that a program prints; run without a shell |
| \`{ prompt: QUESTION }\` | asked on the terminal |`;

/** A driver or a group of settings that several adapters share is described once, where it comes first. */
function driverSections(adapters: readonly Adapter[]): string[] {
  const sections = new Map<Shape, string>();
  const shared = sharedSettings(adapters);
  for (const [shape, name] of shared) sections.set(shape, `[${name}](#${name})`);
  const drivers = adapters.map((adapter) => {
    const texts = Object.entries(adapter.drivers).map(([name, shape]) => {
      const title = `${adapter.name} with driver ${name}`;
      const known = sections.get(shape);
      if (known !== undefined) return `### ${title}\n\nThe same settings as ${known}.`;
      sections.set(shape, `[${title}](#${title.replaceAll(' ', '-')})`);
      return `### ${title}\n\n${shapeTable(shape, new Map([...sections].filter(([other]) => other !== shape)))}`;
    });
    return [`## Adapter ${adapter.name}`, `${adapter.summary}.`, ...texts].join('\n\n');
  });
  return [
    ...drivers,
    ...[...shared].map(([shape, name]) => `## ${name}\n\n${capital(shape.description ?? '')}.\n\n${shapeTable(shape)}`),
  ];
}

function sharedSettings(adapters: readonly Adapter[]): Map<ObjectShape, string> {
  const seen = new Set<Shape>();
  const shared = new Map<ObjectShape, string>();
  for (const driver of adapters.flatMap((adapter) => Object.values(adapter.drivers))) {
    for (const [name, { shape }] of Object.entries(driver.fields)) {
      if (shape.kind === 'object' && seen.has(shape)) shared.set(shape, name);
      seen.add(shape);
    }
  }
  return shared;
}

/** Actions that several adapters have bear one name and one contract, so each is described once. */
function sharedActions(adapters: Readonly<Record<string, Adapter>>): string {
  const byName = new Map<string, { readonly spec: ActionSpec; readonly on: string[] }>();
  for (const adapter of Object.values(adapters)) {
    for (const spec of Object.values(adapter.actions)) {
      const known = byName.get(spec.name);
      if (known === undefined) byName.set(spec.name, { spec, on: [adapter.name] });
      else known.on.push(adapter.name);
    }
  }
  const texts = [...byName.values()].map(({ spec, on }) => actionText(spec.name, spec, '###', on));
  const mechanisms = `Wrapping mechanisms have one name on every device: ${list(Object.keys(WRAP_MECHANISMS))}. Which of them a device has,
\`keyferry devices\` says.`;
  return [`## Actions of devices`, mechanisms, ...texts].join('\n\n');
}

function actionText(name: string, action: ActionSpec, heading: string, on: readonly string[] = []): string {
  const facts = [
    `Effect: ${action.effect}.`,
    on.length === 0 ? '' : `On: ${on.join(', ')}.`,
    action.exposes === undefined ? '' : '**Shows key bytes to the host**: the step must say `exposes: plaintext`.',
    action.pointOfNoReturn === true ? '**What it destroys cannot be brought back.**' : '',
    action.role?.kind === 'check' ? 'A check: the step may say `otherwise: skip`.' : '',
    (action.undo ?? []).length === 0 ? '' : 'Undone when its key fails.',
  ].filter((text) => text !== '');
  const outputs = Object.entries(action.outputs).map(
    ([output, spec]) => `| \`${output}\` | ${spec.type} | ${cell(spec.description)} |`,
  );
  const outputTable =
    outputs.length === 0 ? 'No outputs.' : ['| output | type | |', '|---|---|---|', ...outputs].join('\n');
  return [
    `${heading} ${name}`,
    `${capital(action.summary)}. ${facts.join(' ')}`,
    shapeTable(action.input),
    outputTable,
  ].join('\n\n');
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
