/**
 * The memory of refused PINs: refused-pins.json in the home folder, mode 0600. An entry is an HMAC-SHA-256 of device serial and PIN
 * under a random key of this home, so the file tells nobody the PIN without the key next to it being used to guess; a PIN is short, so
 * the file is as secret as its folder. Every change is durable before the call returns.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KeyferryError } from '../../errors/keyferry-error.ts';
import type { Secret } from '../../keys/secret.ts';
import { ensureFolder, unwritable, withFileLock } from './file-lock.ts';

/** `trying`: a login with it was begun and nothing is known of its end · `refused`: the device said no. */
export type PinState = 'trying' | 'refused';

export interface RememberedPin {
  readonly state: PinState;
  /** Name in the devices file when it was noted; for people. */
  readonly device: string;
  readonly serial: string;
  /** ISO 8601. */
  readonly at: string;
  /** Tries in a row whose end is not known; only with `trying`. */
  readonly unanswered?: number;
}

interface PinFile {
  readonly format: 1;
  /** HMAC key, base64. */
  readonly key: string;
  readonly pins: Readonly<Record<string, RememberedPin>>;
}

const LOCK_WAIT_MS = 10_000;

export class RefusedPins {
  readonly #path: string;

  constructor(home: string) {
    this.#path = join(home, 'refused-pins.json');
  }

  /** undefined: nothing speaks against trying this PIN. */
  recall(serial: string, pin: Secret): RememberedPin | undefined {
    const file = this.#read();
    return file?.pins[entryName(file, serial, pin)];
  }

  async remember(serial: string, pin: Secret, device: string, state: PinState): Promise<void> {
    await this.#change((file) => {
      const name = entryName(file, serial, pin);
      const entry: RememberedPin = {
        state,
        device,
        serial,
        at: new Date().toISOString(),
        ...(state === 'trying' ? { unanswered: (file.pins[name]?.unanswered ?? 0) + 1 } : {}),
      };
      return { ...file, pins: { ...file.pins, [name]: entry } };
    });
  }

  async forget(serial: string, pin: Secret): Promise<void> {
    await this.#change((file) => {
      const { [entryName(file, serial, pin)]: _forgotten, ...pins } = file.pins;
      return { ...file, pins };
    });
  }

  async #change(edit: (file: PinFile) => PinFile): Promise<void> {
    ensureFolder(dirname(this.#path));
    const lock = { path: `${this.#path}.lock`, waitMs: LOCK_WAIT_MS, purpose: 'the memory of refused PINs' };
    await withFileLock(lock, async () => {
      const file = this.#read() ?? { format: 1, key: randomBytes(32).toString('base64'), pins: {} };
      this.#write(edit(file));
    });
  }

  #read(): PinFile | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw new KeyferryError('file-unreadable', `${this.#path} cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
    const file = parse(text);
    if (file !== undefined) return file;
    const hint = `Find out which PINs were refused before, then delete ${this.#path}.`;
    // Forgetting silently could lock a token, so a damaged memory stops every login.
    throw new KeyferryError('file-unreadable', `${this.#path} is not what keyferry wrote; no PIN was tried`, { hint });
  }

  /** Replaces the file whole: after a power cut it is the old one or the new one. */
  #write(file: PinFile): void {
    const temporary = `${this.#path}.new`;
    try {
      writeDurably(temporary, `${JSON.stringify(file, null, 2)}\n`);
      renameSync(temporary, this.#path);
      syncFolder(dirname(this.#path));
    } catch (error) {
      throw unwritable(this.#path, error);
    }
  }
}

/** The zero byte keeps serial and PIN apart; neither can hold one. */
const entryName = (file: PinFile, serial: string, pin: Secret): string =>
  createHmac('sha256', Buffer.from(file.key, 'base64')).update(`${serial}\0${pin.reveal()}`).digest('hex');

function parse(text: string): PinFile | undefined {
  try {
    const file = JSON.parse(text) as Partial<PinFile> | null;
    const isOurs =
      file?.format === 1 && typeof file.key === 'string' && typeof file.pins === 'object' && file.pins !== null;
    return isOurs ? (file as PinFile) : undefined;
  } catch {
    return undefined;
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
