/** What a call was for, so that its error can say it; and the errors of calls that got no answer, or none that can be believed. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { Command } from '../commands/command.ts';
import type { ConnectorFailure } from '../connector/connector.ts';
import { commandName } from '../wire/command-codes.ts';
import type { WireError } from '../wire/wire-error.ts';

export interface CallContext {
  /** Name of the device in the devices file. */
  readonly device: string;
  /** The command's name: `put-symmetric-key`. */
  readonly operation: string;
  readonly effect: Command<unknown, unknown>['effect'];
}

export const contextOf = (device: string, command: Pick<Command<never, unknown>, 'code' | 'effect'>): CallContext => ({
  device,
  operation: commandName(command.code),
  effect: command.effect,
});

/** The request cannot be written, so nothing was sent. */
export function unsendable(context: CallContext, cause: WireError): KeyferryError {
  return new KeyferryError(
    'argument-invalid',
    `${context.device}: could not ${context.operation}: ${cause.message}. Nothing was sent.`,
    { device: context.device, operation: context.operation, cause },
  );
}

/** No reply: the connector is gone, or it did not answer in time. */
export function unanswered(context: CallContext, failure: ConnectorFailure): KeyferryError {
  const mayHaveChanged = failure.wasSent && context.effect !== 'read';
  const changed = mayHaveChanged ? ' The device may have changed.' : '';
  return new KeyferryError(
    failure.code,
    `${context.device}: could not ${context.operation}: ${failure.message}.${changed}`,
    {
      outcome: mayHaveChanged ? 'unknown' : 'not-applied',
      device: context.device,
      operation: context.operation,
      cause: failure,
      ...(failure.hint === undefined ? {} : { hint: failure.hint }),
    },
  );
}

/** A reply that is not what the protocol says, or that is not proven to be the device's. The session has been given up. */
export function unbelievable(context: CallContext, what: string, cause?: unknown): KeyferryError {
  const mayHaveChanged = context.effect !== 'read';
  const changed = mayHaveChanged ? ' The device may have changed.' : '';
  return new KeyferryError(
    'reply-malformed',
    `${context.device}: could not ${context.operation}: ${what}. The session was closed.${changed}`,
    {
      outcome: mayHaveChanged ? 'unknown' : 'not-applied',
      // What may have changed the device is settled by looking at it, never by sending it again.
      ...(mayHaveChanged ? { scope: 'item' } : {}),
      device: context.device,
      operation: context.operation,
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

/**
 * An error in clear, outside the session's protection. Anybody on the way can have written it, so it says nothing of any object: the session
 * is over, and what became of the command is not known.
 */
export function sessionLost(context: CallContext, errorName: string): KeyferryError {
  const mayHaveChanged = context.effect !== 'read';
  return new KeyferryError(
    mayHaveChanged ? 'outcome-unknown' : 'device-busy',
    `${context.device}: could not ${context.operation}: the session ended (${errorName}, without proof that the device said so).${mayHaveChanged ? ' The device may have changed.' : ''}`,
    {
      outcome: mayHaveChanged ? 'unknown' : 'not-applied',
      device: context.device,
      operation: context.operation,
    },
  );
}
