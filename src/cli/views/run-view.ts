/** A run on the screen while it goes on, and what became of it. */

import { isOver, retryable } from '../../report/run-record.ts';
import { summaryJson } from '../../report/summary-json.ts';
import type { RunObserver, RunResult } from '../../workflows/engine.ts';
import type { Screen } from '../screen.ts';
import { resultLines } from '../screen.ts';
import { visible } from '../terminal/display-width.ts';
import type { ProgressDisplay } from '../terminal/progress-display.ts';
import { phaseWords } from '../terminal/progress-line.ts';
import { count, duration } from '../terminal/quantities.ts';
import type { Styles } from '../terminal/styles.ts';
import { failureJson, failureText } from './failure-view.ts';

export interface RunView {
  readonly observer: RunObserver;
  /** A line for the operator, above the progress. */
  say(text: string): void;
  /** `extra`: further fields of the JSON summary. */
  finished(result: RunResult, extra?: Readonly<Record<string, unknown>>): Promise<void>;
}

export function runView(screen: Screen, display: ProgressDisplay, isJson: boolean): RunView {
  return isJson ? new RunJson(screen) : new RunHuman(screen, display);
}

export class RunJson implements RunView {
  readonly #screen: Screen;
  readonly observer: RunObserver = { progress() {}, notice() {} };

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  say(): void {}

  async finished(result: RunResult, extra: Readonly<Record<string, unknown>> = {}): Promise<void> {
    if (result.error !== null) await this.#screen.note(failureJson(result.error));
    await this.#screen.result(JSON.stringify({ ...summaryJson(result), ...extra }));
  }
}

export class RunHuman implements RunView {
  readonly #screen: Screen;
  readonly #display: ProgressDisplay;
  readonly observer: RunObserver;

  constructor(screen: Screen, display: ProgressDisplay) {
    this.#screen = screen;
    this.#display = display;
    this.observer = {
      progress: (progress) => display.show(progress),
      notice: (text) => display.say(visible(text)),
    };
  }

  say(text: string): void {
    this.#display.say(text);
  }

  async finished(result: RunResult): Promise<void> {
    this.#display.stop();
    // Who pressed Ctrl-C knows, and the lines below say how to go on.
    if (result.error !== null && result.error.code !== 'interrupted')
      await this.#screen.note(failureText(result.error, this.#screen.noteStyles));
    await resultLines(this.#screen, resultText(result, this.#screen));
  }
}

function resultText(result: RunResult, screen: Screen): string[] {
  const { styles } = screen;
  const { counts, run, state } = result;
  const word =
    state === 'done' && counts.failed + counts.needsAttention === 0
      ? styles.green(phaseWords(state))
      : styles.yellow(phaseWords(state));
  const lines = [
    `${word} ${isOver(state) ? 'in' : 'after'} ${duration(result.seconds)}: ${countsText(result.counts, styles)}  ${styles.dim(`run ${run}`)}`,
  ];
  for (const left of result.leftovers) {
    lines.push(
      `${styles.yellow(isOver(state) ? 'Left behind' : 'Holds')} on ${visible(left.device)}: ${visible(left.object)} (${visible(left.reason)})`,
    );
  }
  lines.push(...nextCommands(result).map((command) => screen.next(command)));
  return lines;
}

export function countsText(counts: RunResult['counts'], styles: Styles): string {
  // A playbook may consist of steps alone.
  if (counts.total === 0) return 'no keys to move';
  const parts = [`${count(counts.migrated)} migrated`];
  if (counts.skipped > 0) parts.push(`${count(counts.skipped)} skipped`);
  if (counts.failed > 0) parts.push(styles.red(`${count(counts.failed)} failed`));
  if (counts.needsAttention > 0) parts.push(styles.red(`${count(counts.needsAttention)} need attention`));
  if (counts.pending > 0) parts.push(styles.yellow(`${count(counts.pending)} to do`));
  return parts.join(', ');
}

function nextCommands(result: RunResult): string[] {
  const { run, counts, state } = result;
  const next: string[] = [];
  if (!isOver(state)) next.push(`resume ${run}`);
  if (counts.failed + counts.needsAttention > 0) next.push(`status ${run} --items`);
  if (!isOver(state) || counts.total === 0) return next;
  if (retryable(result) > 0) return [...next, `retry ${run}`];
  if (counts.migrated > 0) next.push(`verify ${run}`);
  return [...next, `report ${run} --format csv`];
}
