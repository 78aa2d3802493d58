/** A runbook as a document for people: Markdown, to be printed and signed off line by line. */
import type { RunbookLine } from '../adapters/runbook.ts';
import type { Runbook, RunbookPart } from './runbook.ts';

const code = (text: string): string => `    ${text}`;

function lineText(line: RunbookLine): string[] {
  if (line.kind === 'words') return [line.text, ''];
  const blanks = new Map(line.blanks.map((blank) => [blank.name, blank]));
  const lookups = [...blanks.values()].flatMap(({ name, lookup, answers = [] }) =>
    lookup === null ? [] : [code(`${lookup}   → <${name}>`), ...answers.map((answer) => code(`  ${answer}`))],
  );
  return [
    ...lookups,
    code(line.text),
    ...line.answers.map((answer) => code(`  ${answer}`)),
    '',
    ...(line.expect === null ? [] : [`Check: ${line.expect}.`, '']),
  ];
}

export function partTitle({ number, device, tool }: RunbookPart): string {
  const place = device === null ? 'on the host with the files' : `on ${device.role} (${device.name})`;
  return `Part ${number}: ${tool === null ? 'in words' : tool.name}, ${place}`;
}

function* partText(part: RunbookPart): Generator<string, void, undefined> {
  yield* [`## ${partTitle(part)}`, ''];
  for (const line of part.tool?.lines.opening ?? []) yield* lineText(line);
  for (const { heading, entries } of part.blocks) {
    yield* [`### ${heading}`, ''];
    for (const entry of entries) {
      yield* [`- [ ] ${entry.title}`, ''];
      for (const line of entry.lines) yield* lineText(line);
    }
  }
  for (const line of part.tool?.lines.closing ?? []) yield* lineText(line);
}

/** Line by line. */
export function* runbookText({ head, parts, left }: Runbook): Generator<string, void, undefined> {
  yield* [`# ${head.title}`, ''];
  yield* [`By hand, instead of \`keyferry run\`. Playbook ${head.playbook}, plan ${head.digest}.`, ''];
  for (const { role, name, adapter, trust, serial } of head.devices)
    yield `- ${role}: ${name} (${adapter}, serial ${serial}${trust === 'hardware' ? '' : `; ${trust.toUpperCase()}, no hardware`})`;
  yield '';
  yield* [
    'What stands in angle brackets is known in the ceremony only: the line above it, with an arrow, shows it. Where that shows no key or',
    'several, stop: a handle is never guessed. keyferry keeps no journal of a ceremony, and proves nothing of it afterwards.',
    '',
  ];
  for (const warning of head.warnings) yield* [`Warning of the plan: ${warning}`, ''];
  for (const part of parts) yield* partText(part);
  if (left.length === 0) return;
  yield* ['## Not moved', ''];
  for (const { label, key, action, reason } of left) yield `- ${JSON.stringify(label)} (${key}): ${reason ?? action}`;
}
