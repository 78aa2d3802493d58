/** The loop: prompt, line, command, until the operator leaves or the input ends. */
import type { Console, Terminal } from './console.ts';

/** Where lines come from. null: no more. */
export interface LineSource {
  read(prompt: string): Promise<string | null>;
}

export interface ConsoleRun {
  /** A line was not understood. */
  readonly wasMisused: boolean;
}

export async function runConsole(console: Console, terminal: Terminal, lines: LineSource): Promise<ConsoleRun> {
  let wasMisused = false;
  try {
    while (true) {
      await terminal.flush();
      const line = await lines.read(console.prompt());
      if (line === null) break;
      const end = await console.run(line);
      if (end === 'misused') wasMisused = true;
      if (end === 'over') break;
    }
  } finally {
    await console.close();
    await terminal.flush();
  }
  return { wasMisused };
}
