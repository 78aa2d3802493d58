/** A worker thread of the crypto pool: decrypts batches under private keys, which it gets once and keeps by number. */
import type { KeyObject } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { type RsaPadding, rsaDecrypt } from './rsa-private.ts';

export interface DecryptJob {
  readonly id: number;
  readonly keyId: number;
  /** Only with the key's first job in this worker. */
  readonly key?: KeyObject;
  readonly padding: RsaPadding;
  /** Its ciphertext's length; the ciphertexts lie one after the other in the batch's bytes. */
  readonly length: number;
}

/** One buffer for a whole batch: each buffer of its own would cost more to pass than its decryption's padding check. */
export interface DecryptBatch {
  readonly jobs: readonly DecryptJob[];
  readonly bytes: Uint8Array;
}

/** `length` is null when the ciphertext does not open. */
export interface DecryptResult {
  readonly id: number;
  readonly length: number | null;
}

/** The first reply is empty: the worker is up. */
export interface DecryptReply {
  readonly results: readonly DecryptResult[];
  readonly bytes: Uint8Array;
}

/** So many results travel together: few messages, and the first results need not wait for the whole batch. */
const REPLY_SIZE = 4;

const keys = new Map<number, KeyObject>();

function decrypt({ keyId, key, padding }: DecryptJob, data: Uint8Array): Uint8Array | null {
  if (key !== undefined) keys.set(keyId, key);
  const known = keys.get(keyId);
  if (known === undefined) throw new Error(`the crypto worker was never given key ${keyId}`);
  return rsaDecrypt(known, padding, data);
}

parentPort?.postMessage({ results: [], bytes: new Uint8Array(0) } satisfies DecryptReply);

parentPort?.on('message', ({ jobs, bytes }: DecryptBatch) => {
  let at = 0;
  for (let start = 0; start < jobs.length; start += REPLY_SIZE) {
    const results: DecryptResult[] = [];
    const payloads: Uint8Array[] = [];
    for (const job of jobs.slice(start, start + REPLY_SIZE)) {
      const payload = decrypt(job, bytes.subarray(at, at + job.length));
      at += job.length;
      results.push({ id: job.id, length: payload?.length ?? null });
      if (payload !== null) payloads.push(payload);
    }
    // Not from Buffer's pool: what is posted must be its own buffer.
    const reply: DecryptReply = { results, bytes: new Uint8Array(Buffer.concat(payloads)) };
    parentPort?.postMessage(reply);
  }
});
