/**
 * The device behind its port: messages in, messages out, one at a time. What is wrong with a message or a session is answered outside the
 * session, unprotected; what a command refuses is answered inside. Nothing that comes in can end it.
 */
import { ChannelError } from '../session/secure-channel.ts';
import { COMMAND, commandName } from '../wire/command-codes.ts';
import { DEVICE_ERROR } from '../wire/device-errors.ts';
import { encodeDeviceInfo } from '../wire/device-info.ts';
import {
  decodeFrame,
  encodeErrorFrame,
  encodeFrame,
  type FirmwareVersion,
  type Frame,
  isFirmwareAtLeast,
  messageLimit,
  replyType,
} from '../wire/frame.ts';
import { LOG_PLACES, NO_OBJECT } from '../wire/log-entry.ts';
import { WireError } from '../wire/wire-error.ts';
import { Auditor } from './auditor.ts';
import { CommandRunner } from './command-runner.ts';
import { errorByteOf } from './error-byte.ts';
import { beforeActing, type FaultPlanner } from './faults.ts';
import { algorithmsOf, hasCommand } from './firmware.ts';
import { DeviceRefusal, refuse } from './refusal.ts';
import { authenticate, createSession, devicePublicKey, requestedKey } from './session-opening.ts';
import { type DeviceSession, SessionTable } from './session-table.ts';
import type { StateStore } from './state-file.ts';

/** Twelve characters and a zero byte: clients of Yubico's have room for no more. */
const PART_NUMBER = 'KEYFERRY-SIM\0';

export interface DeviceParts {
  readonly store: StateStore;
  readonly firmware: FirmwareVersion;
  readonly faults: FaultPlanner;
  /** Milliseconds. */
  readonly clock: () => number;
  readonly challenge: (() => Uint8Array) | undefined;
}

export class Device {
  readonly #parts: DeviceParts;
  readonly #sessions: SessionTable;
  readonly #auditor: Auditor;
  readonly #runner: CommandRunner;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: DeviceParts) {
    const { store, firmware, clock } = parts;
    this.#parts = parts;
    this.#sessions = new SessionTable(clock);
    this.#auditor = new Auditor(store.state, firmware, clock);
    this.#runner = new CommandRunner({
      store,
      firmware,
      auditor: this.#auditor,
      general: (frame) => this.#general(frame),
    });
  }

  /** Power on: an entry of the log. */
  boot(): void {
    this.#parts.store.commit(this.#auditor.boot());
  }

  /** After everything that was sent before it. Rejects with DroppedReply where a fault asks for it. */
  exchange(message: Uint8Array): Promise<Uint8Array> {
    const answer = this.#last.then(() => this.#answer(message));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Settled when everything that was sent has been answered. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #answer(message: Uint8Array): Promise<Uint8Array> {
    try {
      if (message.length > messageLimit(this.#parts.firmware)) refuse('wrong-length');
      const frame = decodeFrame(message);
      return frame.type === COMMAND['session-message']
        ? await this.#inSession(message, frame)
        : await this.#outside(message, frame);
    } catch (error) {
      const byte = errorByteOf(error);
      if (byte === null) throw error;
      return encodeErrorFrame(byte);
    }
  }

  async #outside(message: Uint8Array, frame: Frame): Promise<Uint8Array> {
    const fault = this.#parts.faults.next(commandName(frame.type));
    await beforeActing(fault);
    if (fault?.kind === 'outer-error') throw new DeviceRefusal(fault.error ?? DEVICE_ERROR['session-failed']);
    if (fault?.kind === 'busy-sessions' && frame.type === COMMAND['create-session']) refuse('sessions-full');
    if (fault?.kind === 'log-full') refuse('log-full');
    return this.#parts.faults.after(fault, this.#outsideReply(message, frame));
  }

  #outsideReply(message: Uint8Array, frame: Frame): Uint8Array {
    const target = this.#loginKey(frame);
    try {
      const payload = this.#perform(message, frame);
      this.#record(frame, target, replyType(frame.type));
      return encodeFrame(replyType(frame.type), payload);
    } catch (error) {
      const byte = errorByteOf(error);
      if (byte !== null) this.#record(frame, target, byte);
      throw error;
    }
  }

  #perform(message: Uint8Array, frame: Frame): Uint8Array {
    if (this.#auditor.isBlocked(frame.type)) refuse('log-full');
    switch (frame.type) {
      case COMMAND.echo:
        return frame.payload;
      case COMMAND['create-session']:
        return createSession(frame.payload, {
          ...this.#parts,
          state: this.#parts.store.state,
          sessions: this.#sessions,
        });
      case COMMAND['authenticate-session']:
        authenticate(message, this.#sessions.find(frame.payload[0]), this.#sessions);
        return new Uint8Array(0);
      default:
        return this.#general(frame) ?? refuse('invalid-command');
    }
  }

  /** Commands that are answered with and without a session. */
  #general(frame: Frame): Uint8Array | undefined {
    const { firmware, store } = this.#parts;
    if (frame.type === COMMAND['get-device-info']) return this.#deviceInfo(frame.payload);
    if (frame.type !== COMMAND['get-device-public-key'] || !hasCommand(firmware, frame.type)) return undefined;
    return frame.payload.length === 0 ? devicePublicKey(store.state) : refuse('wrong-length');
  }

  #deviceInfo(payload: Uint8Array): Uint8Array {
    const { firmware, store } = this.#parts;
    const [page = 0] = payload;
    if (payload.length > (isFirmwareAtLeast(firmware, 2, 4) ? 1 : 0)) refuse('wrong-length');
    if (page === 1) return Buffer.from(PART_NUMBER, 'latin1');
    if (page !== 0) refuse('invalid-data');
    return encodeDeviceInfo({
      firmware,
      serial: store.state.identity?.serial ?? 0,
      logTotal: LOG_PLACES,
      logUsed: store.state.log.length,
      algorithms: algorithmsOf(firmware),
    });
  }

  /** The authentication key that a login is about, for the log; read before the login may drop its session. */
  #loginKey(frame: Frame): number {
    if (frame.type === COMMAND['create-session']) return requestedKey(frame.payload) ?? NO_OBJECT;
    if (frame.type !== COMMAND['authenticate-session']) return NO_OBJECT;
    return this.#sessions.peek(frame.payload[0])?.identity.keyId ?? NO_OBJECT;
  }

  #record(frame: Frame, targetKey: number, result: number): void {
    const fields = { command: frame.type, length: frame.payload.length, sessionKey: NO_OBJECT, secondKey: NO_OBJECT };
    this.#parts.store.commit(this.#auditor.entryFor({ ...fields, targetKey, result }, []));
  }

  async #inSession(message: Uint8Array, frame: Frame): Promise<Uint8Array> {
    const session = this.#sessions.find(frame.payload[0]);
    if (session.awaited !== null) refuse('invalid-session');
    const inner = this.#unwrap(message, session);
    const command = innerFrame(inner);
    const fault = this.#parts.faults.next(commandName(command?.type ?? COMMAND.error));
    await beforeActing(fault);
    if (fault?.kind === 'outer-error') {
      this.#sessions.drop(session);
      throw new DeviceRefusal(fault.error ?? DEVICE_ERROR['session-failed']);
    }
    const isFull = fault?.kind === 'log-full';
    const reply =
      command === undefined || isFull
        ? encodeErrorFrame(DEVICE_ERROR[isFull ? 'log-full' : 'wrong-length'])
        : await this.#runner.run(command, session.identity);
    const sealed = session.channel.wrapResponse(reply);
    if (command !== undefined && reply[0] === replyType(command.type)) this.#afterCommand(command.type, session);
    return this.#parts.faults.after(fault, sealed);
  }

  /** A message that is not of this session's host ends it. */
  #unwrap(message: Uint8Array, session: DeviceSession): Uint8Array {
    try {
      return session.channel.unwrapCommand(message);
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      this.#sessions.drop(session);
      return refuse('authentication-failed');
    }
  }

  #afterCommand(command: number, session: DeviceSession): void {
    if (command === COMMAND['close-session']) this.#sessions.drop(session);
    if (command !== COMMAND['reset-device']) return;
    this.#sessions.clear();
    this.#auditor.restart();
  }
}

function innerFrame(inner: Uint8Array): Frame | undefined {
  try {
    return decodeFrame(inner);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
