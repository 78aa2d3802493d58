/** How a call ends for its step: in time or too late, and as it was asked or otherwise. */
import type { Violation } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Step } from '../playbook/model.ts';

/** Without a `timeout:` of the step. */
export const DEFAULT_TIMEOUT_MS = 120_000;
/** A timed-out call is waited for this long in all before its item is parked. */
export const QUARANTINE_MS = 600_000;

/** A timeout does not end the call: its own end does, and only then is the device asked what it did. */
export function timed<T>(step: Step, call: Promise<T>): Promise<T> {
  const timeoutMs = step.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new KeyferryError('step-timeout', `${step.target} ${step.action} took longer than ${timeoutMs / 1000} s`, {
          device: step.target,
          operation: step.action,
          outcome: step.spec.effect === 'read' ? 'not-applied' : 'unknown',
        }),
      );
    }, timeoutMs);
    call.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

/** Resolves when the call has ended, however. */
export const ending = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    () => undefined,
  );

/** False: it has not ended by the end of its quarantine. */
export async function endsInTime(ended: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), QUARANTINE_MS);
  });
  return Promise.race([ended.then(() => true), late]).finally(() => clearTimeout(timer));
}

export function violationError(
  step: Step,
  violations: readonly Violation[],
  outcome: 'applied' | 'not-applied',
): KeyferryError {
  const worst = violations.find((violation) => violation.code !== 'attribute-mismatch') ?? violations[0];
  if (worst === undefined) throw new Error('no violation');
  const message = violations.map((violation) => violation.message).join('; ');
  return new KeyferryError(worst.code, `${step.target} ${step.action}: ${message}`, {
    device: step.target,
    operation: step.action,
    outcome,
  });
}
