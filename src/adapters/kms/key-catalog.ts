/**
 * The customer managed keys of the account and region with their tags. Origin, spec and keyferry's own tags never change, so what was seen
 * once is kept; states are asked for anew where they matter. A new key may be listed before it can be described, or the other way round.
 */
import type { AliasListEntry, KeyMetadata } from '@aws-sdk/client-kms';
import { inParallel } from './bounded.ts';
import type { KmsConnection } from './connection.ts';
import { isNamed } from './errors.ts';
import { ATTEMPT_TAG, fromTagList, SOURCE_TAG, type Tags } from './tags.ts';

export interface CatalogEntry {
  readonly metadata: KeyMetadata;
  readonly tags: Tags;
}

const PAGE = 1000;

export class KeyCatalog {
  readonly #kms: KmsConnection;
  readonly #entries = new Map<string, CatalogEntry>();
  /** Managed by AWS itself, or made with material of KMS: never one of ours. */
  readonly #foreign = new Set<string>();
  #loading: Promise<void> | null = null;

  constructor(kms: KmsConnection) {
    this.#kms = kms;
  }

  /** A key that was made just now; it may take a while until it is listed. */
  add(metadata: KeyMetadata, tags: Tags): void {
    if (metadata.KeyId !== undefined) this.#entries.set(metadata.KeyId, { metadata, tags });
  }

  /** Keys of this source by what is known; reads everything once per process. Their state may have changed since. */
  async ofSource(digest: string): Promise<readonly CatalogEntry[]> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = null;
      throw error;
    });
    await this.#loading;
    return [...this.#entries.values()].filter(({ tags }) => tags[SOURCE_TAG] === digest);
  }

  async #load(): Promise<void> {
    for await (const page of this.#pages()) await this.#read(page);
  }

  /** One look at every key that may bear the mark. A key without any mark is read again each time: its tags may be on their way. */
  async ofAttempt(attempt: string): Promise<readonly KeyMetadata[]> {
    const found = new Map<string, CatalogEntry>();
    for await (const page of this.#pages()) {
      const open = page.filter(
        (id) => !this.#foreign.has(id) && this.#entries.get(id)?.tags[ATTEMPT_TAG] === undefined,
      );
      const read = await this.#read(open);
      const known = page.flatMap((id) => this.#entries.get(id) ?? []);
      for (const entry of [...known, ...read]) {
        if (entry.tags[ATTEMPT_TAG] === attempt) found.set(entry.metadata.KeyId ?? '', entry);
      }
    }
    // One that this process made is known without being listed.
    for (const [id, entry] of this.#entries) if (entry.tags[ATTEMPT_TAG] === attempt) found.set(id, entry);
    return [...found.values()].map(({ metadata }) => metadata);
  }

  /** Every customer managed key, read anew, page by page. */
  async *everyKey(): AsyncIterable<readonly CatalogEntry[]> {
    for await (const page of this.#pages()) yield await this.#read(page, true);
  }

  async *#pages(): AsyncIterable<readonly string[]> {
    for (let marker: string | undefined; ; ) {
      const page = await this.#kms.call(
        'ListKeys',
        { Limit: PAGE, ...(marker === undefined ? {} : { Marker: marker }) },
        'list the keys',
      );
      yield (page.Keys ?? []).flatMap(({ KeyId }) => (KeyId === undefined ? [] : [KeyId]));
      if (page.Truncated !== true || page.NextMarker === undefined) return;
      marker = page.NextMarker;
    }
  }

  async #read(ids: readonly string[], isEvery = false): Promise<readonly CatalogEntry[]> {
    const entries = await inParallel(ids, this.#kms.parallel, (id) => this.#readOne(id, isEvery));
    return entries.flatMap((entry) => entry ?? []);
  }

  async #readOne(id: string, isEvery: boolean): Promise<CatalogEntry | null> {
    const metadata = await this.#kms.describe(id);
    if (metadata === null) return null;
    const isCustomers = metadata.KeyManager !== 'AWS';
    if (!isCustomers || metadata.Origin !== 'EXTERNAL') this.#foreign.add(id);
    if (!isCustomers || (!isEvery && metadata.Origin !== 'EXTERNAL')) return null;
    const entry = { metadata, tags: await this.tagsOf(id) };
    this.#entries.set(id, entry);
    return entry;
  }

  /** Of a key that cannot be found: none. */
  async tagsOf(id: string): Promise<Tags> {
    let tags: Tags = {};
    try {
      for (let marker: string | undefined; ; ) {
        const page = await this.#kms.call(
          'ListResourceTags',
          { KeyId: id, ...(marker === undefined ? {} : { Marker: marker }) },
          `read the tags of the key ${id}`,
        );
        tags = { ...tags, ...fromTagList(page.Tags) };
        if (page.Truncated !== true || page.NextMarker === undefined) return tags;
        marker = page.NextMarker;
      }
    } catch (error) {
      if (isNamed(error, 'NotFoundException')) return tags;
      throw error;
    }
  }

  async aliases(keyId?: string): Promise<readonly AliasListEntry[]> {
    const found: AliasListEntry[] = [];
    for (let marker: string | undefined; ; ) {
      const page = await this.#kms.call(
        'ListAliases',
        { ...(keyId === undefined ? {} : { KeyId: keyId }), ...(marker === undefined ? {} : { Marker: marker }) },
        'list the aliases',
      );
      found.push(...(page.Aliases ?? []));
      if (page.Truncated !== true || page.NextMarker === undefined) return found;
      marker = page.NextMarker;
    }
  }
}
