/**
 * All that a simulated YubiHSM remembers without power, and the changes that it is made of. A command makes its changes as one list, which
 * is written as one record before any of it counts: after kill -9 a command happened whole, its audit entry included, or not at all.
 */
import { LOG_PLACES, type LogEntry } from '../wire/log-entry.ts';
import { objectKey, type StoredObject } from './stored-object.ts';

/** What the maker put in; no reset takes it away. */
export interface DeviceIdentity {
  readonly serial: number;
  /** PKCS#8 DER: the P-256 key of asymmetric logins (firmware 2.3 and later). */
  readonly authenticationKey: Uint8Array;
  /** PKCS#8 DER: the P-256 key that attests as id 0. */
  readonly attestationKey: Uint8Array;
  /** DER: what `get-opaque 0` gives. */
  readonly attestationCertificate: Uint8Array;
  /** DER: the simulator's own root, which issued it. */
  readonly attestationRoot: Uint8Array;
}

/** 0 off, 1 on, 2 fixed: on until a reset. */
export type Setting = number;

export type Change =
  | { readonly kind: 'identity'; readonly identity: DeviceIdentity }
  /** Everything but the identity is gone. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'put'; readonly object: StoredObject }
  | { readonly kind: 'remove'; readonly type: number; readonly id: number }
  | { readonly kind: 'force-audit'; readonly setting: Setting }
  | { readonly kind: 'command-audit'; readonly command: number; readonly setting: Setting }
  | { readonly kind: 'algorithm'; readonly algorithm: number; readonly setting: Setting }
  | { readonly kind: 'log'; readonly entry: LogEntry }
  /** Entries up to this number were read and may go. */
  | { readonly kind: 'log-read'; readonly number: number }
  | { readonly kind: 'unlogged'; readonly event: 'boot' | 'authentication' }
  /** The last sequence number of a type and id that has no object now. */
  | { readonly kind: 'sequence'; readonly key: string; readonly sequence: number };

export class DeviceState {
  identity: DeviceIdentity | undefined;
  readonly objects = new Map<string, StoredObject>();
  /** Last sequence number by type and id, deleted objects included. */
  readonly sequences = new Map<string, number>();
  readonly commandAudit = new Map<number, Setting>();
  /** Of those that were ever set; the others are on. */
  readonly algorithmSettings = new Map<number, Setting>();
  forceAudit: Setting = 0;
  /** Oldest first; at most 62. */
  log: LogEntry[] = [];
  unloggedBoots = 0;
  unloggedAuthentications = 0;
  /** What the next entry follows; undefined on a device that never logged. */
  lastEntry: LogEntry | undefined;

  apply(change: Change): void {
    switch (change.kind) {
      case 'identity':
        this.identity = change.identity;
        return;
      case 'reset':
        this.#reset();
        return;
      case 'put': {
        const key = objectKey(change.object.type, change.object.id);
        this.objects.set(key, change.object);
        this.sequences.set(key, change.object.sequence);
        return;
      }
      case 'remove':
        this.objects.delete(objectKey(change.type, change.id));
        return;
      case 'force-audit':
        this.forceAudit = change.setting;
        return;
      case 'command-audit':
        this.commandAudit.set(change.command, change.setting);
        return;
      case 'algorithm':
        this.algorithmSettings.set(change.algorithm, change.setting);
        return;
      case 'log':
        this.log.push(change.entry);
        if (this.log.length > LOG_PLACES) this.log.shift();
        this.lastEntry = change.entry;
        return;
      case 'log-read':
        this.#forgetTo(change.number);
        return;
      case 'unlogged':
        if (change.event === 'boot') this.unloggedBoots = Math.min(0xffff, this.unloggedBoots + 1);
        else this.unloggedAuthentications = Math.min(0xffff, this.unloggedAuthentications + 1);
        return;
      case 'sequence':
        this.sequences.set(change.key, change.sequence);
        return;
    }
  }

  /** Changes that make this state out of nothing. */
  *snapshot(): Iterable<Change> {
    if (this.identity !== undefined) yield { kind: 'identity', identity: this.identity };
    for (const [key, sequence] of this.sequences) yield { kind: 'sequence', key, sequence };
    for (const object of this.objects.values()) yield { kind: 'put', object };
    for (const [algorithm, setting] of this.algorithmSettings) yield { kind: 'algorithm', algorithm, setting };
    for (const [command, setting] of this.commandAudit) yield { kind: 'command-audit', command, setting };
    yield { kind: 'force-audit', setting: this.forceAudit };
    for (const entry of this.log) yield { kind: 'log', entry };
    if (this.log.length === 0 && this.lastEntry !== undefined) {
      yield { kind: 'log', entry: this.lastEntry };
      yield { kind: 'log-read', number: this.lastEntry.number };
    }
    for (let count = 0; count < this.unloggedBoots; count += 1) yield { kind: 'unlogged', event: 'boot' };
    for (let count = 0; count < this.unloggedAuthentications; count += 1)
      yield { kind: 'unlogged', event: 'authentication' };
  }

  #reset(): void {
    this.objects.clear();
    this.sequences.clear();
    this.commandAudit.clear();
    this.algorithmSettings.clear();
    this.forceAudit = 0;
    this.log = [];
    this.unloggedBoots = 0;
    this.unloggedAuthentications = 0;
    this.lastEntry = undefined;
  }

  #forgetTo(number: number): void {
    const at = this.log.findIndex((entry) => entry.number === number);
    if (at < 0) return;
    this.log.splice(0, at + 1);
    this.unloggedBoots = 0;
    this.unloggedAuthentications = 0;
  }
}
