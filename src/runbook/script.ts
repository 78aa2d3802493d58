/**
 * One part of a runbook as a script for `keyferry console TOOL --script FILE`. People fill in what stands behind `:=`; handles are looked up
 * by the script itself, and it ends where a lookup shows no key or several.
 */
import type { RunbookLine } from '../adapters/runbook.ts';
import type { Runbook, RunbookPart } from './runbook.ts';
import { partTitle } from './text.ts';

type Command = Extract<RunbookLine, { kind: 'command' }>;

/** A line of a script stays one: what a playbook says must not become a command. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
const remark = (text: string): string => `# ${oneLine(text)}`;

function allLines({ tool, blocks }: RunbookPart): RunbookLine[] {
  const between = blocks.flatMap(({ entries }) => entries.flatMap(({ lines }) => lines));
  return [...(tool?.lines.opening ?? []), ...between, ...(tool?.lines.closing ?? [])];
}

/** Line by line. */
export function* partScript(runbook: Runbook, part: RunbookPart): Generator<string, void, undefined> {
  const filled = new Set<string>();
  const open = allLines(part).flatMap((line) =>
    line.kind === 'command' ? line.blanks.filter(({ lookup }) => lookup === null) : [],
  );
  yield* [remark(`${partTitle(part)}, of ${runbook.parts.length}. Plan ${runbook.head.digest}.`)];
  const names = [...new Set(open.map(({ name }) => name))];
  if (names.length > 0) yield* ['', remark('Fill these in:'), ...names.map((name) => `<${oneLine(name)}> :=`)];
  yield '';

  function* command(line: Command): Generator<string, void, undefined> {
    for (const { name, lookup, answers = [] } of line.blanks) {
      if (lookup === null || filled.has(name)) continue;
      filled.add(name);
      yield* [`<${name}> = ${lookup}`, ...answers].map(oneLine);
    }
    yield* [line.text, ...line.answers].map(oneLine);
    if (line.expect !== null) yield remark(`Check: ${line.expect}.`);
  }
  function* typed(lines: readonly RunbookLine[]): Generator<string, void, undefined> {
    for (const line of lines) {
      if (line.kind === 'words') yield remark(line.text);
      else yield* command(line);
    }
  }

  yield* typed(part.tool?.lines.opening ?? []);
  for (const { heading, entries } of part.blocks) {
    yield* ['', remark(heading)];
    for (const { title, lines } of entries) {
      yield remark(title);
      yield* typed(lines);
    }
  }
  yield '';
  yield* typed(part.tool?.lines.closing ?? []);
}
