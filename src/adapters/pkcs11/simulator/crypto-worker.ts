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
  readonly data: Uint8Array;
}

/** `data` is null when the ciphertext does not open. */
export interface DecryptResult {
  readonly id: number;
  readonly data: Uint8Array | null;
}

const keys = new Map<number, KeyObject>();

parentPort?.on('message', (jobs: readonly DecryptJob[]) => {
  const results: DecryptResult[] = [];
  for (const { id, keyId, key, padding, data } of jobs) {
    if (key !== undefined) keys.set(keyId, key);
    const known = keys.get(keyId);
    if (known === undefined) throw new Error(`the crypto worker was never given key ${keyId}`);
    results.push({ id, data: rsaDecrypt(known, padding, data) });
  }
  parentPort?.postMessage(results);
});
