/** `runbook`: a plan as the vendors' own commands. Reads the plan file only. */
import { loadAdaptersIn } from '../../adapters/registry.ts';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { readPlanFile } from '../../plan/plan-file.ts';
import type { Runbook, RunbookPart } from '../../runbook/runbook.ts';
import { partScript } from '../../runbook/script.ts';
import { runbookText } from '../../runbook/text.ts';
import { writeRunbook } from '../../runbook/write-runbook.ts';
import { pinnedPlaybook } from '../bound-playbook.ts';
import { createScreen, resultLines } from '../screen.ts';
import type { CommonOptions, Shell } from '../shell.ts';
import { isBlocked } from './plan.ts';

export interface RunbookOptions {
  readonly script?: string;
  readonly part?: number;
}

/** Gives the exit code: 3 for a plan that blocks, whose other keys are written all the same. */
export async function runbook(shell: Shell, file: string, options: CommonOptions & RunbookOptions): Promise<number> {
  const plan = await readPlanFile(file);
  try {
    const adapters = await loadAdaptersIn(JSON.stringify(plan.head.devices));
    const book = await writeRunbook(plan, await pinnedPlaybook(plan.head), adapters);
    const screen = createScreen(shell.io);
    if (options.script !== undefined) await resultLines(screen, partScript(book, chosenPart(book, options)));
    else if (options.part !== undefined) throw new KeyferryError('usage', '--part goes with --script TOOL only.');
    else await resultLines(screen, options.json ? [runbookJson(book)] : runbookText(book));
    if (!isBlocked(plan.head)) return 0;
    await screen.note('The plan blocks: what it blocks stands at the end, or keyferry plan show says it.');
    return 3;
  } finally {
    await plan.dispose();
  }
}

const runbookJson = ({ head, parts, left }: Runbook): string =>
  JSON.stringify({
    format: 1,
    playbook: head.playbook,
    digest: head.digest,
    parts: parts.map(({ number, device, tool, blocks }) => ({
      number,
      device: device?.name ?? null,
      tool: tool?.name ?? null,
      blocks,
    })),
    left: left.map(({ key, label, action, reason }) => ({ key, label, action, reason })),
  });

function chosenPart({ parts }: Runbook, { script, part }: RunbookOptions): RunbookPart {
  const fitting = parts.filter(({ tool }) => tool?.name === script);
  const places = fitting.map(({ number, device }) => `${number} (${device?.name ?? ''})`).join(', ');
  const chosen = part === undefined ? fitting : fitting.filter(({ number }) => number === part);
  const [only] = chosen;
  if (only !== undefined && chosen.length === 1) return only;
  const hint = fitting.length === 0 ? scripted(parts) : `Name one of its parts with --part NUMBER: ${places}.`;
  if (fitting.length === 0) throw new KeyferryError('usage', `The runbook has no part for ${script}.`, { hint });
  const what = part === undefined ? `${fitting.length} parts are for ${script}` : `Part ${part} is not for ${script}`;
  throw new KeyferryError('usage', `${what}; a script is one part.`, { hint });
}

function scripted(parts: readonly RunbookPart[]): string {
  const tools = [...new Set(parts.flatMap(({ tool }) => (tool === null ? [] : [tool.name])))];
  return tools.length === 0 ? 'It is in words only.' : `It has parts for ${tools.join(', ')}.`;
}
