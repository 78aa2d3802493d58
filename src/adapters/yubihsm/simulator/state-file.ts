/**
 * Where a simulated YubiHSM keeps its state: one append-only file in a folder of its own, key material in clear, since it is a
 * simulator's. One process at a time has it open. At open a file that grew long is written anew from the state that it makes.
 */
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { withFileLock } from '../../processes/file-lock.ts';
import { newRecord, payloadOf, RecordLog, sealRecord } from '../../simulation/record-log.ts';
import { prepareStateDir } from '../../simulation/state-folder.ts';
import { type Change, DeviceState } from './device-state.ts';

const STATE_FILE = 'yubihsm.log';
const LOCK_FILE = 'yubihsm.lock';
const LOCK_WAIT_MS = 500;
/** Some hundred objects and their log take less. */
const REWRITE_BYTES = 1 << 20;

export class StateStore {
  readonly state = new DeviceState();
  #log: RecordLog | undefined;
  #release: (() => Promise<void>) | undefined;

  /** Memory only, until `openStateStore` gives it a file. */
  commit(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    this.#log?.append(encodeRecord(changes));
    for (const change of changes) this.state.apply(change);
  }

  /** @throws KeyferryError `device-busy`, `state-unsafe`, `state-unwritable`, `simulator-state`. */
  async open(stateDir: string): Promise<void> {
    prepareStateDir(stateDir);
    const purpose = `the simulated YubiHSM in ${stateDir}`;
    this.#release = await holdLock({ path: join(stateDir, LOCK_FILE), waitMs: LOCK_WAIT_MS, purpose });
    try {
      this.#log = this.#openFile(join(stateDir, STATE_FILE));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#log?.close();
    this.#log = undefined;
    await this.#release?.();
    this.#release = undefined;
  }

  #openFile(path: string): RecordLog {
    if (!existsSync(path)) writeFileSync(path, '', { mode: 0o600 });
    const log = new RecordLog(path, (payload) => {
      for (const change of decodeRecord(payload, path)) this.state.apply(change);
    });
    if (statSync(path).size <= REWRITE_BYTES) return log;
    log.close();
    const draft = `${path}.new`;
    writeFileSync(draft, Buffer.concat([...this.state.snapshot()].map((change) => encodeRecord([change]))), {
      mode: 0o600,
    });
    renameSync(draft, path);
    return new RecordLog(path, () => undefined);
  }
}

const BYTES = '$bytes';
const BIGINT = '$bigint';

function encodeRecord(changes: readonly Change[]): Buffer {
  const text = JSON.stringify(changes, function (key, value: unknown) {
    // Buffer's own toJSON has run on `value` already, so look at what stands in the object.
    const raw = (this as Record<string, unknown>)[key];
    if (raw instanceof Uint8Array) return { [BYTES]: Buffer.from(raw).toString('base64') };
    return typeof value === 'bigint' ? { [BIGINT]: value.toString(16) } : value;
  });
  const payload = Buffer.from(text, 'utf8');
  const record = newRecord(payload.length);
  payloadOf(record).set(payload);
  return sealRecord(record);
}

function decodeRecord(payload: Uint8Array, path: string): readonly Change[] {
  try {
    const changes: unknown = JSON.parse(Buffer.from(payload).toString('utf8'), (_key, value: unknown) => {
      if (typeof value !== 'object' || value === null) return value;
      const { [BYTES]: bytes, [BIGINT]: bigint } = value as Record<string, unknown>;
      if (typeof bytes === 'string') return new Uint8Array(Buffer.from(bytes, 'base64'));
      return typeof bigint === 'string' ? BigInt(`0x${bigint}`) : value;
    });
    if (!Array.isArray(changes)) throw new Error('not a list of changes');
    return changes as readonly Change[];
  } catch (cause) {
    throw new KeyferryError('simulator-state', `${path} holds a record that is none of a simulated YubiHSM`, { cause });
  }
}

/** Held until the function that it gives is called; a process that dies loses it. */
function holdLock(options: Parameters<typeof withFileLock>[0]): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    const held = withFileLock(options, async () => {
      const { promise, resolve: release } = withResolvers();
      resolve(async () => {
        release();
        await held;
      });
      await promise;
    });
    held.catch(reject);
  });
}

/** Promise.withResolvers, which Node 20 lacks. */
function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
