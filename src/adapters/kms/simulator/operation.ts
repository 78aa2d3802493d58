/** What an operation of the simulated service is: its input, whether it only reads, and what it does. */
import type { Place } from './key-record.ts';
import type { Entry, StateView } from './key-store.ts';
import { type InputOf, type Members, readInput } from './members.ts';
import type { WrappingKeys } from './wrapping-keys.ts';

export interface OperationContext {
  readonly place: Place;
  readonly callerArn: string;
  readonly nowMs: number;
  /** For reads; may be stale where a fault says so. */
  readonly view: StateView;
  /** Of this simulator alone. */
  readonly secret: Buffer;
  readonly wrappingKeys: WrappingKeys;
  readonly areTokensLenient: boolean;
  /** One change: looks at the newest state, says what changes and what is answered; when it throws, nothing has changed. */
  change<T>(act: (state: StateView) => Change<T>): T;
}

export interface Change<T> {
  readonly entries: readonly Entry[];
  readonly result: T;
}

/** null: an empty body, as for CreateAlias. */
export type Output = Readonly<Record<string, unknown>> | null;

export interface Operation {
  /** Describe, List, Get: what eventual consistency may keep from seeing the newest state. */
  readonly isRead: boolean;
  /** Throws or rejects with ServiceError. */
  run(context: OperationContext, body: unknown): Output | Promise<Output>;
}

type Act<M extends Members> = (context: OperationContext, input: InputOf<M>) => Output | Promise<Output>;

const operation = <M extends Members>(isRead: boolean, members: M, act: Act<M>): Operation => ({
  isRead,
  run: (context, body) => act(context, readInput(members, body)),
});

export const reading = <M extends Members>(members: M, act: Act<M>): Operation => operation(true, members, act);
export const acting = <M extends Members>(members: M, act: Act<M>): Operation => operation(false, members, act);
