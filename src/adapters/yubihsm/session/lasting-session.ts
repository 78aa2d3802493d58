/**
 * A session that is there when it is needed. The device ends one 30 seconds after its last command; and one that lost a reply is over. The
 * next command opens another, for which the login is kept until close. A command that was under way when its session was lost is never
 * sent again here: its outcome is told to the caller.
 */
import type { Command } from '../commands/command.ts';
import type { CommandCaller, Session } from './session.ts';

/** Below the device's 30 seconds, by what clocks and queues may take. */
const IDLE_LIMIT_MS = 25_000;

export interface LastingSessionOptions {
  readonly open: () => Promise<Session>;
  /** Milliseconds of a clock that goes on while the computer sleeps. */
  readonly now?: () => number;
}

export class LastingSession implements CommandCaller {
  readonly #open: () => Promise<Session>;
  readonly #now: () => number;
  #session: Session | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: LastingSessionOptions) {
    this.#open = options.open;
    this.#now = options.now ?? Date.now;
  }

  call<Request, Reply>(command: Command<Request, Reply>, request: Request): Promise<Reply> {
    return this.#next(async () => (await this.#ready()).call(command, request));
  }

  /** Opens the session now, so that a wrong secret is known before anything is done. */
  async open(): Promise<void> {
    await this.#next(() => this.#ready());
  }

  async close(): Promise<void> {
    await this.#next(async () => {
      this.#isClosed = true;
      await this.#session?.close();
      this.#session = null;
    });
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  async #ready(): Promise<Session> {
    if (this.#isClosed) throw new Error('a command after the session was closed');
    const session = this.#session;
    if (session !== null) {
      const idleMs = this.#now() - session.lastSentAtMs;
      // A clock that was set back says nothing of how long it was.
      if (session.isOpen && idleMs >= 0 && idleMs < IDLE_LIMIT_MS) return session;
      this.#session = null;
      await session.close();
    }
    const opened = await this.#open();
    this.#session = opened;
    return opened;
  }
}
