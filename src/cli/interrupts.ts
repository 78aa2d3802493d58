/**
 * Ctrl-C and SIGTERM. While a run is held: the first signal lets the calls in flight finish, the second stops at once, the third ends
 * the process. Without a run there is nothing to finish: what was opened is closed and the command ends.
 */

/** Thrown into the command that was interrupted while it held no run. Exit code 130. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

export interface Interruptible {
  readonly run: string;
  interrupt(): void;
  abort(): void;
}

export interface Interrupts {
  /** A signal arrived. */
  signal(): void;
  /** From now on signals go to this run; the answer lets it go. `say` gets the line for the operator. */
  hold(run: Interruptible, say: (text: string) => void): () => void;
  /** Called when the command is interrupted, and no longer once the answer was called. */
  onInterrupt(close: () => Promise<void>): () => void;
  /** Rejects with Interrupted, after what `onInterrupt` named was closed. Never resolves. */
  readonly interrupted: Promise<never>;
}

/** Longest wait for devices to be closed after a signal. */
const CLOSE_TIMEOUT_MS = 3_000;

export function createInterrupts(endNow: () => void): Interrupts {
  const closers = new Set<() => Promise<void>>();
  let held: { readonly run: Interruptible; readonly say: (text: string) => void; signals: number } | null = null;
  let isEnding = false;
  let reject: (reason: Interrupted) => void = () => undefined;
  const interrupted = new Promise<never>((_resolve, rejectPromise) => {
    reject = rejectPromise;
  });
  interrupted.catch(() => undefined);

  const end = async (): Promise<void> => {
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref());
    await Promise.race([Promise.allSettled([...closers].map((close) => close())), timeout]);
    reject(new Interrupted());
  };

  return {
    interrupted,
    signal() {
      if (held === null) {
        if (isEnding) return endNow();
        isEnding = true;
        void end();
        return;
      }
      held.signals += 1;
      if (held.signals === 1) {
        held.say(
          `Interrupted: finishing the calls in flight. Press Ctrl-C again to stop now. Resume with: keyferry resume ${held.run.run}`,
        );
        held.run.interrupt();
      } else if (held.signals === 2) {
        held.say('Stopping now; what was in flight is settled with the device on resume.');
        held.run.abort();
      } else endNow();
    },
    hold(run, say) {
      const mine = { run, say, signals: 0 };
      held = mine;
      return () => {
        if (held === mine) held = null;
      };
    },
    onInterrupt(close) {
      closers.add(close);
      return () => {
        closers.delete(close);
      };
    },
  };
}
