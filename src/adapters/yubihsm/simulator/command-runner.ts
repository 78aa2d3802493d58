/** Runs the command inside a session's message: whether it exists and may be, what it does, and what the log says of it, all in one commit. */
import { COMMAND } from '../wire/command-codes.ts';
import {
  encodeErrorFrame,
  encodeFrame,
  type FirmwareVersion,
  type Frame,
  messageLimit,
  replyType,
} from '../wire/frame.ts';
import { ByteReader } from '../wire/reader.ts';
import type { Auditor } from './auditor.ts';
import { CommandContext } from './command-context.ts';
import { COMMANDS } from './commands/commands.ts';
import { errorByteOf } from './error-byte.ts';
import { factoryReset } from './factory.ts';
import { hasCommand } from './firmware.ts';
import { refuse } from './refusal.ts';
import type { SessionIdentity } from './session-table.ts';
import type { StateStore } from './state-file.ts';

/** Outer header, session id, MAC; and at least one byte of padding to whole blocks. */
const OUTER_BYTES = 3 + 1 + 8;
const INNER_HEADER_BYTES = 3;
const BLOCK = 16;

export interface RunnerParts {
  readonly store: StateStore;
  readonly firmware: FirmwareVersion;
  readonly auditor: Auditor;
  /** Handlers outside the table that a session may call too: device info and device public key. */
  readonly general: (frame: Frame) => Uint8Array | undefined;
}

export class CommandRunner {
  readonly #parts: RunnerParts;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /** The whole inner reply. Throws only for mistakes of the simulator's own. */
  async run(frame: Frame, session: SessionIdentity): Promise<Uint8Array> {
    const { store, firmware } = this.#parts;
    const context = new CommandContext(store.state, firmware, session);
    try {
      const payload = await this.#perform(frame, context);
      this.#requireRoom(payload);
      this.#commit(frame, context, replyType(frame.type));
      return encodeFrame(replyType(frame.type), payload);
    } catch (error) {
      const byte = errorByteOf(error);
      if (byte === null) throw error;
      context.changes.length = 0;
      this.#commit(frame, context, byte);
      return encodeErrorFrame(byte);
    }
  }

  async #perform(frame: Frame, context: CommandContext): Promise<Uint8Array> {
    const { firmware, auditor, general } = this.#parts;
    if (!hasCommand(firmware, frame.type)) refuse('invalid-command');
    const generalReply = general(frame);
    if (generalReply !== undefined) return generalReply;
    const handler = COMMANDS.get(frame.type);
    if (handler === undefined) return refuse('invalid-command');
    if (auditor.isBlocked(frame.type)) refuse('log-full');
    if (handler.capability !== undefined) context.requireOnSession(handler.capability);
    const payload = await handler.run(new ByteReader(frame.payload), context);
    if (frame.type === COMMAND['reset-device']) context.changes.push(...factoryReset());
    return payload;
  }

  #commit(frame: Frame, context: CommandContext, result: number): void {
    const { store, auditor } = this.#parts;
    const isReset = context.changes.some(({ kind }) => kind === 'reset');
    const fields = {
      command: frame.type,
      length: frame.payload.length,
      sessionKey: context.session.keyId,
      targetKey: context.targetKey,
      secondKey: context.secondKey,
      result,
    };
    // A reset wipes the log that its own entry would stand in.
    const entry = isReset ? [] : auditor.entryFor(fields, context.changes);
    store.commit([...context.changes, ...entry]);
  }

  /** An answer that no message can hold is refused before anything is changed. */
  #requireRoom(payload: Uint8Array): void {
    const inner = INNER_HEADER_BYTES + payload.length;
    const sealed = OUTER_BYTES + (Math.floor(inner / BLOCK) + 1) * BLOCK;
    if (sealed > messageLimit(this.#parts.firmware)) refuse('invalid-data');
  }
}
