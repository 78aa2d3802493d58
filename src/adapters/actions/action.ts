/** One action of any device: what it declares, and what it does over that device's connection (a token, an account, an HSM). */
import type { Fingerprint } from '../../keys/fingerprint.ts';
import type {
  ActionCall,
  ActionResult,
  ActionSpec,
  Expectation,
  Finding,
  Forecast,
  Reconciliation,
} from '../adapter.ts';

export type Arguments = Readonly<Record<string, unknown>>;

/** Fingerprint of the key that is to arrive, where known. */
export type Source = { readonly fingerprint: Fingerprint; readonly salt: Uint8Array } | null;

export interface Action<Connection> {
  readonly spec: ActionSpec;
  perform(connection: Connection, call: ActionCall): Promise<ActionResult>;
  /** Absent: there is nothing to say beforehand. Arguments may be `NotYet`. */
  preview?(
    connection: Connection,
    calls: readonly Arguments[],
    salt: Uint8Array | null,
  ): Promise<readonly (readonly Finding[])[]>;
  /** Creating actions. */
  expect?(connection: Connection, call: ActionCall, source: Source): Promise<Forecast>;
  /** Every action but the reading ones. */
  reconcile?(connection: Connection, call: ActionCall, source: Source): Promise<Reconciliation>;
}

export const done = (outputs: ActionResult['outputs'], violations: ActionResult['violations'] = []): ActionResult => ({
  outputs,
  violations,
});

export const markerOf = (expectation: Expectation | undefined): string | undefined =>
  expectation?.kind === 'marker' ? expectation.id : undefined;

export const block = (reason: string): Finding => ({ level: 'block', reason });
export const note = (reason: string): Finding => ({ level: 'note', reason });

export const ambiguous = (reason: string): Reconciliation => ({ state: 'ambiguous', reason });
