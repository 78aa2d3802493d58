/**
 * Where progress goes, always on stderr: one line that repaints itself at most 10 times a second on a terminal that says its width,
 * else a plain line on each change of phase and otherwise at most one per 2 seconds. With --json: nothing, stderr is the error's.
 */
import type { Progress } from '../../workflows/engine.ts';
import type { Io } from '../io.ts';
import { progressLine } from './progress-line.ts';

export interface ProgressDisplay {
  show(progress: Progress): void;
  /** A line that stays. */
  say(text: string): void;
  stop(): void;
}

/** The part of ora that is used. */
export interface Spinner {
  text: string;
  clear(): unknown;
  render(): unknown;
  stop(): unknown;
}

const REPAINT_MS = 100;
const PLAIN_MS = 2_000;
/** The spinner's own sign and the space after it, and one cell so that no terminal wraps. */
const SPINNER_CELLS = 3;

export class PlainProgress implements ProgressDisplay {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  #phase: Progress['state'] | null = null;
  #shownAt = Number.NEGATIVE_INFINITY;
  #last = '';

  constructor(write: (line: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
  }

  show(progress: Progress): void {
    const isNewPhase = progress.state !== this.#phase;
    if (!isNewPhase && this.#now() - this.#shownAt < PLAIN_MS) return;
    const line = progressLine(progress, null);
    if (line === this.#last) return;
    this.#phase = progress.state;
    this.#shownAt = this.#now();
    this.#last = line;
    this.#write(line);
  }

  say(text: string): void {
    this.#write(text);
  }

  stop(): void {}
}

export interface SpinnerPorts {
  readonly spinner: Spinner;
  readonly write: (line: string) => void;
  readonly columns: () => number | null;
  readonly now: () => number;
}

export class SpinnerProgress implements ProgressDisplay {
  readonly #ports: SpinnerPorts;
  #shownAt = Number.NEGATIVE_INFINITY;
  #phase: Progress['state'] | null = null;
  #isStopped = false;

  constructor(ports: SpinnerPorts) {
    this.#ports = ports;
  }

  show(progress: Progress): void {
    const { spinner, columns, now } = this.#ports;
    if (progress.state === this.#phase && now() - this.#shownAt < REPAINT_MS) return;
    this.#phase = progress.state;
    this.#shownAt = now();
    spinner.text = progressLine(progress, Math.max(1, (columns() ?? 80) - SPINNER_CELLS));
  }

  say(text: string): void {
    const { spinner, write } = this.#ports;
    spinner.clear();
    write(text);
    spinner.render();
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#ports.spinner.stop();
  }
}

const SILENT: ProgressDisplay = { show() {}, say() {}, stop() {} };

export async function progressDisplay(io: Io, isJson: boolean): Promise<ProgressDisplay> {
  if (isJson) return SILENT;
  const write = (line: string): void => void io.stderr.write(`${line}\n`);
  const now = (): number => performance.now();
  if (!io.stderr.isTerminal || io.stderr.columns() === null) return new PlainProgress(write, now);
  const { default: ora } = await import('ora');
  // Standard input stays as it is: Ctrl-C must be a signal, and the cursor must never be lost to a kill.
  const spinner = ora({
    text: 'Starting',
    stream: io.stderr.stream,
    interval: REPAINT_MS,
    discardStdin: false,
    hideCursor: false,
  });
  spinner.start();
  return new SpinnerProgress({ spinner, write, columns: () => io.stderr.columns(), now });
}
