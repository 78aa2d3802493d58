/**
 * Keys, aliases and grants of one account and region: in memory, or in an append-only log of the state folder that survives kill -9 at any
 * byte. A change is one record, whole or not at all, made under a lock: several processes may use one folder. Reads see what others wrote.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { withFileLockSync } from '../../processes/file-lock.ts';
import { newRecord, payloadOf, RecordLog, sealRecord } from '../../simulation/record-log.ts';
import { prepareStateDir } from '../../simulation/state-folder.ts';
import type { AliasRecord, GrantRecord, KeyRecord, Place } from './key-record.ts';
import { SortedRecords } from './sorted-records.ts';

export type Entry =
  | { readonly kind: 'service'; readonly format: 1; readonly secret: string }
  | { readonly kind: 'key'; readonly key: KeyRecord }
  | { readonly kind: 'no-key'; readonly id: string }
  | { readonly kind: 'alias'; readonly alias: AliasRecord }
  | { readonly kind: 'no-alias'; readonly name: string }
  | { readonly kind: 'grant'; readonly grant: GrantRecord }
  | { readonly kind: 'no-grant'; readonly id: string };

/** What an operation sees of the state; a stale view answers the same questions. */
export interface StateView {
  key(id: string): KeyRecord | undefined;
  alias(name: string): AliasRecord | undefined;
  /** In the order of their ids. */
  keys(): readonly KeyRecord[];
  /** In the order of their names. */
  aliases(): readonly AliasRecord[];
  /** Those of one key, in the order of their names. */
  aliasesOf(keyId: string): readonly AliasRecord[];
  /** In the order of their ids. */
  grants(): readonly GrantRecord[];
}

const LOCK_WAIT_MS = 10_000;

export class KeyStore implements StateView {
  readonly #keys = new SortedRecords<KeyRecord>();
  readonly #aliases = new SortedRecords<AliasRecord>();
  readonly #grants = new SortedRecords<GrantRecord>();
  /** Key id → names. */
  readonly #aliasNames = new Map<string, Set<string>>();
  readonly #log: RecordLog | null;
  /** null: in memory. */
  readonly #lockPath: string | null;
  #secret: Buffer | null = null;
  #nextDeadlineMs = Number.POSITIVE_INFINITY;

  /** Throws KeyferryError `simulator-state`, `state-unsafe`, `state-unwritable`, `device-busy`. */
  constructor(stateDir: string | null, { account, region }: Place) {
    const path = stateDir === null ? null : join(stateDir, `kms-${account}-${region}.log`);
    this.#lockPath = path === null ? null : `${path}.lock`;
    if (stateDir !== null) prepareStateDir(stateDir);
    this.#log = path === null ? null : this.#openLog(path);
    const born: Entry = { kind: 'service', format: 1, secret: randomBytes(32).toString('base64') };
    this.change(() => ({ entries: this.#secret === null ? [born] : [], result: null }));
  }

  /** Of this simulator alone: tokens, ciphertexts and material ids depend on it. */
  get secret(): Buffer {
    if (this.#secret === null) throw new Error('a key store without its secret');
    return this.#secret;
  }

  /** The earliest time at which a key expires or is deleted, or earlier than that. */
  get nextDeadlineMs(): number {
    return this.#nextDeadlineMs;
  }

  /** To be called before reads: what other processes changed. */
  refresh(): void {
    this.#log?.catchUp();
  }

  key(id: string): KeyRecord | undefined {
    return this.#keys.get(id);
  }

  alias(name: string): AliasRecord | undefined {
    return this.#aliases.get(name);
  }

  keys(): readonly KeyRecord[] {
    return this.#keys.sorted();
  }

  aliases(): readonly AliasRecord[] {
    return this.#aliases.sorted();
  }

  aliasesOf(keyId: string): readonly AliasRecord[] {
    return [...(this.#aliasNames.get(keyId) ?? [])].sort().flatMap((name) => this.#aliases.get(name) ?? []);
  }

  grants(): readonly GrantRecord[] {
    return this.#grants.sorted();
  }

  /** `act` looks at the newest state and says what changes. When it throws, nothing has changed. */
  change<T>(act: () => { readonly entries: readonly Entry[]; readonly result: T }): T {
    return this.#locked(() => {
      this.refresh();
      const { entries, result } = act();
      if (entries.length > 0) {
        this.#log?.append(encoded(entries));
        for (const entry of entries) this.#apply(entry);
      }
      return result;
    });
  }

  /** After deadlines passed: finds the next one. */
  recountDeadlines(): void {
    this.#nextDeadlineMs = Number.POSITIVE_INFINITY;
    for (const key of this.#keys.values()) this.#noteDeadline(key);
  }

  close(): void {
    this.#log?.close();
  }

  #openLog(path: string): RecordLog {
    return this.#locked(() => {
      createIfMissing(path);
      return new RecordLog(path, (payload) => this.#read(payload));
    });
  }

  #locked<T>(work: () => T): T {
    if (this.#lockPath === null) return work();
    const lock = { path: this.#lockPath, waitMs: LOCK_WAIT_MS, purpose: 'the state of a simulated AWS KMS' };
    return withFileLockSync(lock, work);
  }

  #read(payload: Buffer): void {
    for (const entry of JSON.parse(payload.toString('utf8')) as readonly Entry[]) this.#apply(entry);
  }

  /** May be applied twice with the same end: an entry says how things are, not what happened. */
  #apply(entry: Entry): void {
    switch (entry.kind) {
      case 'service':
        if (entry.format !== 1) throw new KeyferryError('simulator-state', 'a simulated AWS KMS has an unknown format');
        this.#secret = Buffer.from(entry.secret, 'base64');
        return;
      case 'key':
        this.#keys.set(entry.key.id, entry.key);
        this.#noteDeadline(entry.key);
        return;
      case 'no-key':
        this.#keys.delete(entry.id);
        return;
      case 'alias':
        this.#forgetAlias(entry.alias.name);
        this.#rememberAlias(entry.alias);
        return;
      case 'no-alias':
        this.#forgetAlias(entry.name);
        return;
      case 'grant':
        this.#grants.set(entry.grant.id, entry.grant);
        return;
      case 'no-grant':
        this.#grants.delete(entry.id);
    }
  }

  #rememberAlias(alias: AliasRecord): void {
    this.#aliases.set(alias.name, alias);
    const names = this.#aliasNames.get(alias.keyId) ?? new Set();
    this.#aliasNames.set(alias.keyId, names.add(alias.name));
  }

  #forgetAlias(name: string): void {
    const known = this.#aliases.get(name);
    if (known === undefined) return;
    this.#aliases.delete(name);
    this.#aliasNames.get(known.keyId)?.delete(name);
  }

  #noteDeadline(key: KeyRecord): void {
    const times = [
      key.deletion?.atMs,
      ...key.materials.map(({ bytes, validToMs }) => (bytes === null ? null : validToMs)),
    ];
    for (const ms of times) if (ms != null && ms < this.#nextDeadlineMs) this.#nextDeadlineMs = ms;
  }
}

function encoded(entries: readonly Entry[]): Buffer {
  const text = Buffer.from(JSON.stringify(entries), 'utf8');
  const record = newRecord(text.length);
  payloadOf(record).set(text);
  return sealRecord(record);
}

function createIfMissing(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}
