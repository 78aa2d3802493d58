/** `console`: opens what the tool runs over, then the tool, fed by the terminal, a script or one command line. */

import { existsSync, readFileSync } from 'node:fs';
import type { DeviceSettings } from '../../adapters/adapter.ts';
import type { Console, Terminal } from '../../consoles/console.ts';
import { type ConsoleGround, requireGround } from '../../consoles/console-device.ts';
import { EDITIONS, type EditionName } from '../../consoles/edition.ts';
import { createInteractive } from '../../consoles/interactive-terminal.ts';
import { type LineSource, runConsole } from '../../consoles/run-console.ts';
import { createScript } from '../../consoles/script-terminal.ts';
import { CONSOLE_TOOLS } from '../../consoles/tools.ts';
import { loadDevicesFile } from '../../devices/devices-file.ts';
import { resolveSecret, secretSettingOf } from '../../devices/secrets.ts';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { Secret } from '../../keys/secret.ts';
import { adaptersInFile } from '../adapters-in-file.ts';
import { namedDevice } from '../named-device.ts';
import { canAsk, promptSecret } from '../prompt.ts';
import { type CommonOptions, onlyDevice, type Shell } from '../shell.ts';

export interface ConsoleRequest {
  readonly tool: string;
  /** One command line; empty: a script or the terminal. */
  readonly words: readonly string[];
  /** undefined: the terminal, or what is piped in. */
  readonly script: string | undefined;
  readonly edition: EditionName;
  /** The devices file was asked for, so its absence is an error. */
  readonly isDevicesFileNamed: boolean;
}

/** Gives the exit code: 2 when a script had lines that were not understood. */
export async function openConsole(shell: Shell, options: CommonOptions, request: ConsoleRequest): Promise<number> {
  const tool = CONSOLE_TOOLS[request.tool];
  if (tool === undefined) throw new Error(`no tool "${request.tool}" behind checked arguments`);
  const isInteractive = request.script === undefined && request.words.length === 0 && canAsk(shell.io);
  // Read before anything is opened: a script that is not there must leave nothing behind.
  const text = isInteractive ? '' : await scriptText(shell, request);
  const settings = await chosenDevice(options, request, await tool.ground());
  const pin = settings === null ? undefined : await pinOf(shell, settings);
  const opened = await tool.open(settings === null ? null : { settings, pin });
  const release = shell.interrupts.onInterrupt(() => opened.close());
  try {
    const where = settings === null ? 'in memory: what is made here is gone when the console ends' : settings.name;
    await shell.io.stderr.write(`Simulated: ${opened.over} (${where}).\n`);
    const desk = isInteractive ? terminalDesk(shell) : scriptDesk(shell, text);
    const console = opened.console({ edition: EDITIONS[request.edition], terminal: desk.terminal });
    const { wasMisused } = await runConsole(console, desk.terminal, desk.lines(console));
    return wasMisused && !isInteractive ? 2 : 0;
  } finally {
    release();
    await opened.close();
  }
}

/** null: none, in memory. */
async function chosenDevice(
  options: CommonOptions,
  request: ConsoleRequest,
  ground: ConsoleGround,
): Promise<DeviceSettings | null> {
  const name = onlyDevice(options);
  if (name === undefined && !request.isDevicesFileNamed && !existsSync(options.devices)) return null;
  const file = loadDevicesFile({ path: options.devices, adapters: await adaptersInFile(options.devices) });
  if (name !== undefined) {
    const settings = namedDevice(file, name);
    requireGround(ground, settings);
    return settings;
  }
  const fitting = Object.values(file.devices).filter((device) => ground.fits(device));
  if (fitting.length <= 1) return fitting[0] ?? null;
  throw new KeyferryError(
    'usage',
    `The devices file has several ${ground.several}: ${fitting.map((device) => device.name).join(', ')}.`,
    {
      hint: 'Name one with --device NAME.',
    },
  );
}

async function pinOf(shell: Shell, settings: DeviceSettings): Promise<Secret | undefined> {
  if (settings.values.pin === undefined) return undefined;
  return await resolveSecret(secretSettingOf(settings, 'pin'), {
    env: shell.io.env,
    prompt: (question) => promptSecret(shell.io, shell.interrupts, `${question} (pin of ${settings.name})`),
  });
}

async function scriptText(shell: Shell, { script, words }: ConsoleRequest): Promise<string> {
  if (words.length > 0) return words.map(quoted).join(' ');
  if (script !== undefined && script !== '-') {
    try {
      return readFileSync(script, 'utf8');
    } catch (cause) {
      const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason';
      throw new KeyferryError('file-unreadable', `The script ${script} could not be read (${reason}).`, { cause });
    }
  }
  const { stdin } = shell.io;
  stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of stdin) text += String(chunk);
  return text;
}

/** As the consoles read it back: a quotation mark stands in quotes of the other kind. */
const quoted = (word: string): string => `"${word.replaceAll('"', `"'"'"`)}"`;

interface Desk {
  readonly terminal: Terminal;
  lines(console: Console): LineSource;
}

const noteTo =
  ({ io }: Shell) =>
  async (text: string): Promise<void> => {
    await io.stderr.write(`${io.stderr.styles.dim(`[keyferry] ${text}`)}\n`);
  };

function scriptDesk(shell: Shell, text: string): Desk {
  return createScript({ text, write: (shown) => shell.io.stdout.write(shown), note: noteTo(shell) });
}

function terminalDesk(shell: Shell): Desk {
  const { io, interrupts } = shell;
  return createInteractive({
    input: io.stdin,
    output: io.stdout.stream,
    write: (text) => io.stdout.write(text),
    note: noteTo(shell),
    readSecret: async (question) => {
      try {
        return (await promptSecret(io, interrupts, question.replace(/:$/, ''))).reveal();
      } catch (error) {
        // Nothing was typed: the tool says what that means.
        if (error instanceof KeyferryError && error.code === 'secret-unavailable') return null;
        throw error;
      }
    },
    interrupt: () => interrupts.signal(),
  });
}
