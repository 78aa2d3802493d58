/**
 * One authenticated session: commands one after the other, each with its reply. An error inside it is a fact about the device, and it goes on.
 * Whatever else is not as it must be (no reply, an error in clear, a wrong MAC, bytes that are not the reply) ends it for good, since
 * nobody can tell then where the two sides' counters stand.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { closeSession } from '../commands/close-session.ts';
import type { Command } from '../commands/command.ts';
import { deviceErrorName } from '../wire/device-errors.ts';
import { commandLimit, decodeFrame, encodeFrame, errorOf, HEADER_BYTES, replyType } from '../wire/frame.ts';
import { WireError } from '../wire/wire-error.ts';
import { type CallContext, contextOf, sessionLost, unbelievable, unsendable } from './call-context.ts';
import { deviceRefusal } from './device-refusal.ts';
import { exchangeFrame, type Peer } from './plain-exchange.ts';
import { ChannelError, type SecureChannel } from './secure-channel.ts';

/** What actions need of a device: one command, one reply. */
export interface CommandCaller {
  /**
   * Rejects with KeyferryError: a refusal of the device (native: its error), or a failure whose outcome is `unknown` unless the command only
   * reads. Calls are done one after the other, in the order they came.
   */
  call<Request, Reply>(command: Command<Request, Reply>, request: Request): Promise<Reply>;
}

export interface SessionStart {
  readonly peer: Peer;
  readonly channel: SecureChannel;
  /** Longest message in bytes that the device takes. */
  readonly messageLimit: number;
  readonly sessionTag: string;
  /** Milliseconds; for how long the session has been idle. */
  readonly now: () => number;
}

/** What the device proved that it said. */
type Answer<Reply> = { readonly reply: Reply } | { readonly refusal: KeyferryError };

export class Session implements CommandCaller {
  readonly #start: SessionStart;
  #state: 'open' | 'dead' | 'closed' = 'open';
  #lastSentAtMs: number;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(start: SessionStart) {
    this.#start = start;
    this.#lastSentAtMs = start.now();
  }

  /** False from the first reply that could not be believed, and after close. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** When the last command was sent, by the clock it was given. The device counts its 30 seconds from about then. */
  get lastSentAtMs(): number {
    return this.#lastSentAtMs;
  }

  call<Request, Reply>(command: Command<Request, Reply>, request: Request): Promise<Reply> {
    const turn = this.#queue.then(() => this.#exchange(command, request));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** Frees the place on the device where that still works; otherwise the device does so by itself, 30 seconds later. Never rejects. */
  async close(): Promise<void> {
    await this.call(closeSession, undefined).catch(() => undefined);
    if (this.#state === 'open') this.#end('closed');
  }

  async #exchange<Request, Reply>(command: Command<Request, Reply>, request: Request): Promise<Reply> {
    const context = contextOf(this.#start.peer.device, command);
    if (this.#state !== 'open') throw this.#isOver(context);
    const inner = this.#encode(command, request, context);
    const message = this.#start.channel.wrapCommand(inner);
    inner.fill(0);
    const answer = await this.#answer(message, command, request, context);
    if ('refusal' in answer) throw answer.refusal;
    return answer.reply;
  }

  async #answer<Request, Reply>(
    message: Uint8Array,
    command: Command<Request, Reply>,
    request: Request,
    context: CallContext,
  ): Promise<Answer<Reply>> {
    try {
      const inner = await this.#transfer(message, command, context);
      return this.#read(inner, command, request, context);
    } catch (error) {
      this.#end('dead');
      throw error;
    }
  }

  #encode<Request>(command: Command<Request, unknown>, request: Request, context: CallContext): Uint8Array {
    try {
      const payload = command.encode(request);
      const limit = commandLimit(this.#start.messageLimit);
      if (payload.length > limit) {
        throw new WireError(`it comes to ${payload.length} bytes, and this device takes ${limit} in one command`);
      }
      const inner = encodeFrame(command.code, payload);
      payload.fill(0);
      return inner;
    } catch (error) {
      if (error instanceof WireError) throw unsendable(context, error);
      throw error;
    }
  }

  /** The opened inner message. */
  async #transfer(
    message: Uint8Array,
    command: Pick<Command<never, unknown>, 'timeoutMs'>,
    context: CallContext,
  ): Promise<Uint8Array> {
    const { peer, channel, sessionTag } = this.#start;
    this.#lastSentAtMs = this.#start.now();
    const outer = await exchangeFrame(peer, message, context, {
      sessionTag,
      ...(command.timeoutMs === undefined ? {} : { timeoutMs: command.timeoutMs }),
    });
    try {
      const error = errorOf(outer);
      if (error !== undefined) throw sessionLost(context, deviceErrorName(error));
      return channel.unwrapResponse(outer.bytes);
    } catch (error) {
      if (error instanceof ChannelError || error instanceof WireError) {
        throw unbelievable(context, `the reply is not proven to be the device's: ${error.message}`, error);
      }
      throw error;
    }
  }

  #read<Request, Reply>(
    inner: Uint8Array,
    command: Command<Request, Reply>,
    request: Request,
    context: CallContext,
  ): Answer<Reply> {
    try {
      const frame = decodeFrame(inner);
      const error = errorOf(frame);
      if (error !== undefined) return { refusal: deviceRefusal(error, context) };
      if (frame.type !== replyType(command.code)) throw new WireError('it answers another command');
      return { reply: command.decode(inner.subarray(HEADER_BYTES), request) };
    } catch (error) {
      if (error instanceof WireError) throw unbelievable(context, `the reply is malformed: ${error.message}`, error);
      throw error;
    } finally {
      inner.fill(0);
    }
  }

  #isOver(context: CallContext): KeyferryError {
    const why = this.#state === 'closed' ? 'the session is closed' : 'the session ended with an earlier command';
    return new KeyferryError(
      'device-busy',
      `${context.device}: could not ${context.operation}: ${why}. Nothing was sent.`,
      {
        device: context.device,
        operation: context.operation,
      },
    );
  }

  #end(state: 'dead' | 'closed'): void {
    this.#state = state;
    this.#start.channel.wipe();
  }
}
