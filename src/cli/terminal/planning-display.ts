/** How many keys a plan has looked at, on stderr: a repainted line on a terminal, else a line per 2 seconds; nothing with --json. */
import type { Io } from '../io.ts';
import { count } from './quantities.ts';

export interface PlanningDisplay {
  show(planned: number): void;
  stop(): void;
}

const REPAINT_MS = 100;
const PLAIN_MS = 2_000;

export async function planningDisplay(io: Io, isJson: boolean): Promise<PlanningDisplay> {
  if (isJson) return { show() {}, stop() {} };
  if (!io.stderr.isTerminal || io.stderr.columns() === null) {
    let shownAt = performance.now();
    return {
      show(planned) {
        if (performance.now() - shownAt < PLAIN_MS) return;
        shownAt = performance.now();
        void io.stderr.write(`Planning · ${count(planned)} keys read\n`);
      },
      stop() {},
    };
  }
  const { default: ora } = await import('ora');
  const spinner = ora({
    text: 'Planning',
    stream: io.stderr.stream,
    interval: REPAINT_MS,
    discardStdin: false,
    hideCursor: false,
  }).start();
  return {
    show(planned) {
      spinner.text = `Planning · ${count(planned)} keys read`;
    },
    stop: () => void spinner.stop(),
  };
}
