/** Starts test/support/journal-child.ts and reads what it prints, line by line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('./journal-child.ts', import.meta.url));

export interface JournalProcess {
  readonly pid: number;
  /** All that was printed so far. */
  readonly lines: readonly string[];
  /** Resolves with the line number `count`, or rejects when the process ends before. */
  line(count: number): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** Resolves when it is gone. */
  ended(): Promise<void>;
}

export function startJournalProcess(command: 'hold' | 'append', dir: string): JournalProcess {
  const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', CHILD, command, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const { stdout, pid } = child;
  if (stdout === null || pid === undefined) throw new Error('the process did not start');
  const reader = createInterface({ input: stdout });
  reader.on('line', (line) => lines.push(line));
  const closed = once(child, 'close').then(() => undefined);
  return {
    pid,
    lines,
    line: async (count) => {
      while (lines.length < count) {
        const isOver = await Promise.race([once(reader, 'line').then(() => false), closed.then(() => true)]);
        if (isOver && lines.length < count) throw new Error(`the process ended after: ${lines.slice(-5).join(' | ')}`);
      }
      return lines[count - 1] ?? '';
    },
    signal: (signal) => void child.kill(signal),
    ended: () => closed,
  };
}
