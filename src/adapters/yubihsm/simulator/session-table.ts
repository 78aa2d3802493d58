/**
 * The device's 16 session slots. A session that was idle for 30 seconds is gone, a half-open one too; every message renews it. Who a session
 * is was copied from its authentication key when it was opened, so that a changed or deleted key counts from the next session on.
 */
import type { SecureChannel } from '../session/secure-channel.ts';
import { refuse } from './refusal.ts';

const SLOTS = 16;
const IDLE_MS = 30_000;

export interface SessionIdentity {
  /** Id of the authentication key. */
  readonly keyId: number;
  readonly capabilities: bigint;
  readonly delegated: bigint;
  readonly domains: number;
}

export interface DeviceSession {
  readonly identity: SessionIdentity;
  readonly channel: SecureChannel;
  /** What the host must prove to know; null: it is authenticated. */
  awaited: Uint8Array | null;
}

interface Slot {
  readonly session: DeviceSession;
  expiresMs: number;
}

export class SessionTable {
  readonly #slots = new Map<number, Slot>();
  readonly #clock: () => number;

  /** `clock`: milliseconds. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** The lowest free id. Refuses `sessions-full`. */
  freeId(): number {
    this.#expire();
    for (let id = 0; id < SLOTS; id += 1) if (!this.#slots.has(id)) return id;
    return refuse('sessions-full');
  }

  add(session: DeviceSession): void {
    this.#slots.set(session.channel.sessionId, { session, expiresMs: this.#clock() + IDLE_MS });
  }

  /** Renews it. Refuses `invalid-session`. */
  find(id: number | undefined): DeviceSession {
    this.#expire();
    const slot = id === undefined ? undefined : this.#slots.get(id);
    if (slot === undefined) return refuse('invalid-session');
    slot.expiresMs = this.#clock() + IDLE_MS;
    return slot.session;
  }

  /** Without renewing it. */
  peek(id: number | undefined): DeviceSession | undefined {
    return id === undefined ? undefined : this.#slots.get(id)?.session;
  }

  drop(session: DeviceSession): void {
    this.#slots.delete(session.channel.sessionId);
    session.channel.wipe();
  }

  clear(): void {
    for (const { session } of [...this.#slots.values()]) this.drop(session);
  }

  #expire(): void {
    const now = this.#clock();
    for (const { session, expiresMs } of [...this.#slots.values()]) if (expiresMs <= now) this.drop(session);
  }
}
