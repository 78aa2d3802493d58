/**
 * The customer managed keys of the account and region with their tags. Origin, spec and keyferry's own tags never change, so what was seen
 * once is kept; states are asked for anew where they matter. A new key may be listed before it can be described, or the other way round.
 * Keys of others may be closed to the caller by their policies; they are counted and left out.
 */
import type { AliasListEntry, KeyMetadata } from '@aws-sdk/client-kms';
import { inParallel } from './bounded.ts';
import type { KmsConnection } from './connection.ts';
import { isDenied, isNamed } from './errors.ts';
import { ATTEMPT_TAG, fromTagList, SOURCE_TAG, type Tags } from './tags.ts';

export interface CatalogEntry {
  readonly metadata: KeyMetadata;
  readonly tags: Tags;
}

/** Services that do not look at KeyId list the aliases of all keys. */
const isAbout = (target: string | undefined, keyId: string | undefined): boolean =>
  keyId === undefined || target === undefined || target === keyId || target.endsWith(`/${keyId}`);

const PAGE = 1000;
/** The tags of a key this old have arrived, whatever the two clocks say. */
const SURELY_SETTLED_MS = 86_400_000;

export class KeyCatalog {
  readonly #kms: KmsConnection;
  readonly #entries = new Map<string, CatalogEntry>();
  /** Managed by AWS itself, or made with material of KMS: never one of ours. */
  readonly #foreign = new Set<string>();
  /** Keys whose policies do not let the caller read them. */
  readonly #closed = new Set<string>();
  readonly #bySource = new Map<string, Set<string>>();
  #loading: Promise<void> | null = null;
  #marks: Promise<boolean> | null = null;
  #isMarking = false;

  constructor(kms: KmsConnection) {
    this.#kms = kms;
  }

  /** A key that was made just now; it may take a while until it is listed. */
  add(metadata: KeyMetadata, tags: Tags): void {
    if (metadata.KeyId !== undefined) this.#keep(metadata.KeyId, { metadata, tags });
  }

  #keep(id: string, entry: CatalogEntry): void {
    this.#entries.set(id, entry);
    const source = entry.tags[SOURCE_TAG];
    if (source === undefined) return;
    const known = this.#bySource.get(source);
    if (known === undefined) this.#bySource.set(source, new Set([id]));
    else known.add(id);
  }

  /** Keys that the caller may not read: what they are for, nobody can say. */
  get closed(): number {
    return this.#closed.size;
  }

  /** Keys of this source by what is known; reads everything once per process. Their state may have changed since. */
  async ofSource(digest: string): Promise<readonly CatalogEntry[]> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = null;
      throw error;
    });
    await this.#loading;
    return [...(this.#bySource.get(digest) ?? [])].flatMap((id) => this.#entries.get(id) ?? []);
  }

  async #load(): Promise<void> {
    for await (const page of this.#pages()) await this.#read(page);
  }

  /** One look at every key that may bear the mark. A new key without any mark is read again each time: its tags may be on their way. */
  async ofAttempt(attempt: string): Promise<readonly KeyMetadata[]> {
    const found = new Map<string, CatalogEntry>();
    for await (const page of this.#pages()) {
      const open = page.filter((id) => !this.#foreign.has(id) && this.#mayGetMark(this.#entries.get(id)));
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

  #mayGetMark(entry: CatalogEntry | undefined): boolean {
    if (entry === undefined) return true;
    const { CreationDate: made } = entry.metadata;
    const isOld = made !== undefined && Date.now() - made.getTime() > SURELY_SETTLED_MS;
    return entry.tags[ATTEMPT_TAG] === undefined && !isOld;
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
      if (page.Truncated !== true) return;
      marker = this.#next(marker, page.NextMarker);
    }
  }

  /** A list whose next page is the same again would never end, and one that is cut off would hide keys. */
  #next(marker: string | undefined, next: string | undefined): string {
    if (next !== undefined && next !== marker) return next;
    const why = next === undefined ? 'a page names no next one' : 'each page names itself as the next';
    throw this.#kms.fail('device-refused', `a list of the endpoint does not go on: ${why}.`);
  }

  async #read(ids: readonly string[], isEvery = false): Promise<readonly CatalogEntry[]> {
    const entries = await inParallel(ids, this.#kms.parallel, (id) => this.#readOne(id, isEvery));
    return entries.flatMap((entry) => entry ?? []);
  }

  async #readOne(id: string, isEvery: boolean): Promise<CatalogEntry | null> {
    try {
      const entry = await this.#look(id, isEvery);
      this.#closed.delete(id);
      return entry;
    } catch (error) {
      if (!isDenied(error)) throw error;
      this.#closed.add(id);
      return null;
    }
  }

  async #look(id: string, isEvery: boolean): Promise<CatalogEntry | null> {
    const metadata = await this.#kms.describe(id);
    if (metadata === null) return null;
    const isCustomers = metadata.KeyManager !== 'AWS';
    if (!isCustomers || metadata.Origin !== 'EXTERNAL') this.#foreign.add(id);
    if (!isCustomers || (!isEvery && metadata.Origin !== 'EXTERNAL')) return null;
    const entry = { metadata, tags: await this.tagsOf(id) };
    this.#keep(id, entry);
    return entry;
  }

  /** Does a key that this process made show its mark? Asked of the first only; the others get its answer. */
  async keepsMarks(id: string, attempt: string): Promise<boolean> {
    if (this.#isMarking) return true;
    this.#marks ??= this.#kms
      .awaited(async () => ((await this.tagsOf(id))[ATTEMPT_TAG] === attempt ? true : undefined))
      .then((isSeen) => isSeen === true)
      .finally(() => {
        this.#marks = null;
      });
    this.#isMarking ||= await this.#marks;
    return this.#isMarking;
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
        if (page.Truncated !== true) return tags;
        marker = this.#next(marker, page.NextMarker);
      }
    } catch (error) {
      if (isNamed(error, 'NotFoundException')) return tags;
      throw error;
    }
  }

  /** `keyId`: of a key that was seen. A new one may not have arrived where the aliases are, which is no proof that it is gone. */
  async aliases(keyId?: string): Promise<readonly AliasListEntry[]> {
    const found: AliasListEntry[] = [];
    for (let marker: string | undefined; ; ) {
      const page = await this.#kms.callSeen(
        'ListAliases',
        { ...(keyId === undefined ? {} : { KeyId: keyId }), ...(marker === undefined ? {} : { Marker: marker }) },
        'list the aliases',
        keyId === undefined ? [] : ['NotFoundException'],
      );
      found.push(...(page.Aliases ?? []).filter(({ TargetKeyId: id }) => isAbout(id, keyId)));
      if (page.Truncated !== true) return found;
      marker = this.#next(marker, page.NextMarker);
    }
  }
}
