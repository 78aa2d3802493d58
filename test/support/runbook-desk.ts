/** Carries a runbook out: every part as the script that keyferry writes, in the console of its tool, over the devices of a folder. */
import type { DeviceSettings } from '../../src/adapters/adapter.ts';
import { pinnedPlaybook } from '../../src/cli/bound-playbook.ts';
import { EDITIONS } from '../../src/consoles/edition.ts';
import { runConsole } from '../../src/consoles/run-console.ts';
import { createScript } from '../../src/consoles/script-terminal.ts';
import { CONSOLE_TOOLS } from '../../src/consoles/tools.ts';
import { Secret } from '../../src/keys/secret.ts';
import { readPlanFile } from '../../src/plan/plan-file.ts';
import type { Runbook, RunbookPart } from '../../src/runbook/runbook.ts';
import { partScript } from '../../src/runbook/script.ts';
import { writeRunbook } from '../../src/runbook/write-runbook.ts';
import { ADAPTERS } from './adapters.ts';

export async function runbookOf(planFile: string): Promise<Runbook> {
  const plan = await readPlanFile(planFile);
  try {
    return await writeRunbook(plan, await pinnedPlaybook(plan.head), ADAPTERS);
  } finally {
    await plan.dispose();
  }
}

export interface PlayedDevice {
  readonly adapter: 'cloudhsm' | 'luna-classic';
  /** Settings of the simulated driver. */
  readonly values: DeviceSettings['values'];
  readonly pin?: string;
}

export interface Playing {
  /** Where files of the ceremony lie: the working folder of the test meanwhile. */
  readonly dir: string;
  /** By their names in the devices file. */
  readonly devices: Readonly<Record<string, PlayedDevice>>;
  /** What people fill in, for a part at this device. */
  readonly filled: (device: string) => Readonly<Record<string, string>>;
  /** What people do where no tool is. */
  readonly byHand?: (part: RunbookPart) => void;
}

export interface PlayedPart {
  readonly number: number;
  readonly tool: string;
  readonly shown: string;
  readonly wasMisused: boolean;
}

/** Parts in words only are left to `byHand`. Rejects where a script ends early. */
export async function playRunbook(runbook: Runbook, playing: Playing): Promise<PlayedPart[]> {
  const home = process.cwd();
  process.chdir(playing.dir);
  try {
    const played: PlayedPart[] = [];
    for (const part of runbook.parts) {
      if (part.tool === null) playing.byHand?.(part);
      else played.push(await playPart(runbook, part, playing));
    }
    return played;
  } finally {
    process.chdir(home);
  }
}

async function playPart(runbook: Runbook, part: RunbookPart, { devices, filled }: Playing): Promise<PlayedPart> {
  const name = part.device?.name ?? '';
  const device = devices[name];
  const tool = CONSOLE_TOOLS[part.tool?.name ?? ''];
  if (device === undefined || tool === undefined) throw new Error(`nothing to play part ${part.number} on`);
  const { adapter, values, pin } = device;
  const opened = await tool.open({
    settings: { name, adapter, driver: 'simulated', values },
    pin: pin === undefined ? undefined : new Secret(pin),
  });
  let shown = '';
  const script = createScript({
    text: fill([...partScript(runbook, part)].join('\n'), filled(name)),
    write: async (text) => {
      shown += text;
    },
    note: async (text) => {
      shown += `[keyferry] ${text}\n`;
    },
  });
  try {
    const console = opened.console({ edition: EDITIONS['2019'], terminal: script.terminal });
    const { wasMisused } = await runConsole(console, script.terminal, script.lines(console));
    return { number: part.number, tool: part.tool?.name ?? '', shown, wasMisused };
  } finally {
    await opened.close();
  }
}

const fill = (script: string, filled: Readonly<Record<string, string>>): string =>
  script.replaceAll(/^<([^<>]+)> :=$/gm, (whole, name: string) =>
    filled[name] === undefined ? whole : `${whole} ${filled[name]}`,
  );
