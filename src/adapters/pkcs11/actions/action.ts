/** One action of the devices behind PKCS#11: what it declares, and what it does on a token. Both adapters share the same actions. */

import type { Fingerprint } from '../../../keys/fingerprint.ts';
import type {
  ActionCall,
  ActionResult,
  ActionSpec,
  Expectation,
  Finding,
  Forecast,
  Reconciliation,
} from '../../adapter.ts';
import type { Token } from '../token.ts';

export type Arguments = Readonly<Record<string, unknown>>;

/** Fingerprint of the key that is to arrive, where known. */
export type Source = { readonly fingerprint: Fingerprint; readonly salt: Uint8Array } | null;

export interface Pkcs11Action {
  readonly spec: ActionSpec;
  perform(token: Token, call: ActionCall): Promise<ActionResult>;
  /** Absent: there is nothing to say beforehand. */
  preview?(token: Token, calls: readonly Arguments[], salt: Uint8Array | null): Promise<(readonly Finding[])[]>;
  /** Creating actions. */
  expect?(token: Token, call: ActionCall, source: Source): Promise<Forecast>;
  /** Every action but the reading ones. */
  reconcile?(token: Token, call: ActionCall, source: Source): Promise<Reconciliation>;
}

export const done = (outputs: ActionResult['outputs'], violations: ActionResult['violations'] = []): ActionResult => ({
  outputs,
  violations,
});

export const markerOf = (expectation: Expectation | undefined): string | undefined =>
  expectation?.kind === 'marker' ? expectation.id : undefined;
