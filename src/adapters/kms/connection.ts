/**
 * KMS of one account in one region, as the actions see it: every call with its failure in words, patience with what is not visible
 * everywhere yet, and the settle rule. KMS is eventually consistent: a key made a moment ago may be missing, then there, then missing.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { KeyMetadata } from '@aws-sdk/client-kms';
import type { ErrorCode } from '../../errors/codes.ts';
import { type ErrorDetails, KeyferryError } from '../../errors/keyferry-error.ts';
import type { KmsTransport } from './client.ts';
import { asKmsError, isNamed } from './errors.ts';
import { KeyCatalog } from './key-catalog.ts';
import { withSpec } from './key-model.ts';
import type { Input, OperationName, Output } from './operations.ts';

export interface Settle {
  /** Agreeing reads until an absence is believed. */
  readonly reads: number;
  readonly intervalMs: number;
}

export interface ConnectionOptions {
  /** Name in the devices file. */
  readonly name: string;
  /** Unique to account and region. */
  readonly serial: string;
  /** null: nothing tells. */
  readonly account: string | null;
  readonly region: string;
  readonly settle: Settle;
  /** Calls at once where many keys are read. */
  readonly parallel: number;
  readonly transport: KmsTransport;
  readonly comparison?: Comparison;
}

/**
 * Whether the service compares material that is imported again with what the key has. AWS documents it; of any other service nobody knows
 * until refuse-other-material has shown it, in this process or, by what the journal kept of it, for one key.
 */
export type Comparison = 'documented' | 'shown' | 'unknown' | 'refuted';

/** So many times the settle rule's reads are waited for what is known to be coming. */
const PATIENCE = 3;

export class KmsConnection {
  readonly name: string;
  readonly serial: string;
  readonly account: string | null;
  readonly region: string;
  readonly settle: Settle;
  readonly parallel: number;
  readonly catalog: KeyCatalog;
  readonly #transport: KmsTransport;
  #comparison: Comparison;

  constructor(options: ConnectionOptions) {
    this.name = options.name;
    this.serial = options.serial;
    this.account = options.account;
    this.region = options.region;
    this.settle = options.settle;
    this.parallel = options.parallel;
    this.#transport = options.transport;
    this.#comparison = options.comparison ?? 'documented';
    this.catalog = new KeyCatalog(this);
  }

  /** Whether a repeated import proves anything of a key of which it is known, or not, that it refused other material. */
  isComparing(hasRefused: boolean): boolean {
    return this.#comparison === 'unknown' ? hasRefused : this.#comparison !== 'refuted';
  }

  /** What the service did with material that was not the key's. */
  sawOtherMaterial(answer: 'refused' | 'taken'): void {
    if (answer === 'taken') this.#comparison = 'refuted';
    else if (this.#comparison === 'unknown') this.#comparison = 'shown';
  }

  /** `what` in words: `describe the key "payments-1"`. Rejects with KeyferryError. */
  async call<N extends OperationName>(operation: N, input: Input<N>, what: string): Promise<Output<N>> {
    try {
      return await this.#transport.call(operation, input);
    } catch (error) {
      const { name: device, region } = this;
      const { asked, profile } = this.#transport;
      const named = profile === undefined ? {} : { profile };
      throw asKmsError(error, { device, operation, what, region, endpoint: asked?.host ?? region, ...named });
    }
  }

  /**
   * For keys that somebody has seen: what says that there is none, or that it is not ready, is taken for old news and asked again. Such a
   * refusal changes nothing, so this is safe for every operation.
   */
  async callSeen<N extends OperationName>(
    operation: N,
    input: Input<N>,
    what: string,
    early: readonly string[] = ['NotFoundException'],
  ): Promise<Output<N>> {
    for (let read = 1; ; read += 1) {
      try {
        return await this.call(operation, input, what);
      } catch (error) {
        if (!isNamed(error, ...early) || read >= this.settle.reads * PATIENCE) throw error;
        await delay(this.settle.intervalMs);
      }
    }
  }

  /** null: KMS says that there is no such key or alias. One read: not to be believed by itself. */
  async describe(keyId: string, what = `describe the key ${keyId}`): Promise<KeyMetadata | null> {
    try {
      const { KeyMetadata: found } = await this.call('DescribeKey', { KeyId: keyId }, what);
      return found === undefined ? null : withSpec(found);
    } catch (error) {
      if (isNamed(error, 'NotFoundException')) return null;
      throw error;
    }
  }

  /** Looks until it finds something, at most as often as the settle rule says. undefined: it settled on absent. */
  async settled<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
    return await this.#looking(this.settle.reads, look);
  }

  /** The same for what is known to come: longer. */
  async awaited<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
    return await this.#looking(this.settle.reads * PATIENCE, look);
  }

  async #looking<T>(reads: number, look: () => Promise<T | undefined>): Promise<T | undefined> {
    for (let read = 1; ; read += 1) {
      const found = await look();
      if (found !== undefined || read >= reads) return found;
      await delay(this.settle.intervalMs);
    }
  }

  pause(): Promise<void> {
    return delay(this.settle.intervalMs);
  }

  /** An error about this device; `message` starts in lower case. */
  fail(code: ErrorCode, message: string, details: Omit<ErrorDetails, 'device'> = {}): KeyferryError {
    return new KeyferryError(code, `${this.name}: ${message}`, { ...details, device: this.name });
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }
}
