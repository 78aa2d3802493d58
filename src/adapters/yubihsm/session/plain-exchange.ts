/**
 * Commands outside a session: device info, the device's public key, echo. Nothing protects them: what they say may guide, and is proven by the
 * session that follows or not at all.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { Command } from '../commands/command.ts';
import { type Connector, ConnectorFailure, type SendOptions } from '../connector/connector.ts';
import { DEVICE_ERROR, deviceErrorName } from '../wire/device-errors.ts';
import { decodeFrame, encodeFrame, errorOf, type Frame, replyType } from '../wire/frame.ts';
import { WireError } from '../wire/wire-error.ts';
import { type CallContext, contextOf, unanswered, unbelievable, unsendable } from './call-context.ts';

export interface Peer {
  readonly connector: Connector;
  /** Name of the device in the devices file. */
  readonly device: string;
}

export interface Received extends Frame {
  /** The whole message. */
  readonly bytes: Uint8Array;
}

/** The reply, checked as a frame. Rejects with KeyferryError. */
export async function exchangeFrame(
  peer: Peer,
  message: Uint8Array,
  context: CallContext,
  options: SendOptions = {},
): Promise<Received> {
  try {
    const bytes = await peer.connector.send(message, options);
    return { ...decodeFrame(bytes), bytes };
  } catch (error) {
    if (error instanceof ConnectorFailure) throw unanswered(context, error);
    if (error instanceof WireError) throw unbelievable(context, `the reply is malformed: ${error.message}`, error);
    throw error;
  }
}

export async function callPlain<Request, Reply>(
  peer: Peer,
  command: Command<Request, Reply>,
  request: Request,
): Promise<Reply> {
  const context = contextOf(peer.device, command);
  const frame = await exchangeFrame(peer, encodePlain(command, request, context), context);
  try {
    const error = errorOf(frame);
    if (error !== undefined) throw plainRefusal(context, error);
    if (frame.type !== replyType(command.code)) throw new WireError('it answers another command');
    return command.decode(frame.payload, request);
  } catch (error) {
    if (error instanceof WireError) throw unbelievable(context, `the reply is malformed: ${error.message}`, error);
    throw error;
  }
}

function encodePlain<Request>(command: Command<Request, unknown>, request: Request, context: CallContext): Uint8Array {
  try {
    return encodeFrame(command.code, command.encode(request));
  } catch (error) {
    if (error instanceof WireError) throw unsendable(context, error);
    throw error;
  }
}

function plainRefusal(context: CallContext, error: number): KeyferryError {
  const name = deviceErrorName(error);
  const isUnknown = error === DEVICE_ERROR['invalid-command'];
  const why = isUnknown ? 'its firmware does not have the command' : 'the device refused it';
  return new KeyferryError(
    isUnknown ? 'capability-missing' : 'device-refused',
    `${context.device}: could not ${context.operation}: ${why} (${name})`,
    { scope: 'run', device: context.device, operation: context.operation, native: { name, value: error } },
  );
}
