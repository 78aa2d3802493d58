/**
 * Sessions of one token. A session carries one operation at a time (pkcs11-base §5.6), so each slow call borrows one and calls beyond
 * the limit wait in order. A call that never returns keeps its session: nobody else is handed a session in an unknown state.
 */
import { CKR } from './constants.ts';
import { CryptokiError, type Handle } from './cryptoki.ts';

const DEAD: ReadonlySet<number> = new Set([CKR.SESSION_CLOSED, CKR.SESSION_HANDLE_INVALID, CKR.OPERATION_ACTIVE]);

export class SessionPool {
  readonly #open: () => Handle;
  readonly #idle: Handle[] = [];
  readonly #waiting: ((session: Handle) => void)[] = [];
  readonly #retired = new Set<Handle>();
  #limit: number;
  #opened = 0;

  constructor(open: () => Handle, limit: number) {
    this.#open = open;
    this.#limit = Math.max(1, limit);
  }

  get limit(): number {
    return this.#limit;
  }

  async use<T>(work: (session: Handle) => Promise<T>): Promise<T> {
    const session = this.#idle.pop() ?? this.#another() ?? (await this.#next());
    try {
      const result = await work(session);
      if (this.#retired.delete(session)) this.#drop();
      else this.#giveBack(session);
      return result;
    } catch (error) {
      // A session that its module has ended is not handed out again; the next caller opens another.
      const isRetired = this.#retired.delete(session);
      if (isRetired || (error instanceof CryptokiError && DEAD.has(error.value))) this.#drop();
      else this.#giveBack(session);
      throw error;
    }
  }

  /** Whoever borrowed the session ends it: it is not handed out again. */
  retire(session: Handle): void {
    this.#retired.add(session);
  }

  #another(): Handle | undefined {
    if (this.#opened >= this.#limit) return undefined;
    try {
      const session = this.#open();
      this.#opened += 1;
      return session;
    } catch (error) {
      const isFull = error instanceof CryptokiError && error.value === CKR.SESSION_COUNT;
      if (!isFull || this.#opened === 0) throw error;
      this.#limit = this.#opened;
      return undefined;
    }
  }

  #next(): Promise<Handle> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #giveBack(session: Handle): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(session);
    else next(session);
  }

  #drop(): void {
    this.#opened -= 1;
    if (this.#waiting.length === 0) return;
    const session = this.#another();
    if (session !== undefined) this.#waiting.shift()?.(session);
  }
}
