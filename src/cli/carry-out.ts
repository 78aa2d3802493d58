/** Follows a run to its end: progress, signals, result. Shared by run, resume, retry, cancel and demo. */
import type { RunHandle, RunResult } from '../workflows/engine.ts';
import { OutputClosed } from './io.ts';
import { createScreen } from './screen.ts';
import type { Shell } from './shell.ts';
import { progressDisplay } from './terminal/progress-display.ts';
import { type RunView, runView } from './views/run-view.ts';

export interface CarryOutOptions {
  readonly isJson: boolean;
  /** Of the common options. */
  readonly carried: string;
  /** Further fields of the JSON summary, made when the run has ended. */
  readonly extra?: (result: RunResult) => Promise<Readonly<Record<string, unknown>>>;
}

export async function carryOut(
  shell: Shell,
  options: CarryOutOptions,
  start: (observer: RunView['observer']) => Promise<RunHandle>,
): Promise<RunResult> {
  const display = await progressDisplay(shell.io, options.isJson);
  const view = runView(createScreen(shell.io, options.carried), display, options.isJson);
  try {
    const handle = await start(view.observer);
    const release = shell.interrupts.hold(handle, (text) => view.say(text));
    const result = await handle.result.finally(release);
    const extra = await options.extra?.(result);
    try {
      await view.finished(result, extra);
    } catch (error) {
      // The run is over whoever reads of it; its exit code stands.
      if (!(error instanceof OutputClosed)) throw error;
    }
    return result;
  } finally {
    display.stop();
  }
}
