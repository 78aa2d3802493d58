/**
 * What is on the token, by name, as one enumeration found it and our own calls changed it since. A name is everything of a locator but
 * serial and fingerprint; several objects may share one. Kept lean (one map entry per object): a token may hold a million keys.
 */
import type { KeyClass, KeyType } from '../../keys/key-spec.ts';
import type { Handle } from './cryptoki.ts';

export interface ObjectName {
  readonly class: KeyClass;
  readonly type: KeyType;
  /** Lower-case hex. */
  readonly id: string;
  readonly label: string;
}

export const nameOf = (object: ObjectName): string => `${object.class}/${object.type}/${object.id}/${object.label}`;

export function parseName(name: string): ObjectName {
  const [keyClass, type, id, label] = name.split('/');
  return { class: keyClass as KeyClass, type: type as KeyType, id: id ?? '', label: label ?? '' };
}

const NONE: readonly Handle[] = [];

export class ObjectIndex {
  #names = new Map<string, Handle | Handle[]>();
  #builds = new Set<IndexBuild>();
  #count = 0;
  #isLoaded = false;
  #version = 0;

  /** Changes with every change: what was derived from the index is stale then. */
  get version(): number {
    return this.#version;
  }

  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Objects, not names. */
  get count(): number {
    return this.#count;
  }

  handles(name: string): readonly Handle[] {
    const held = this.#names.get(name);
    return held === undefined ? NONE : typeof held === 'bigint' ? [held] : held;
  }

  add(object: ObjectName, handle: Handle): void {
    const name = nameOf(object);
    if (insert(this.#names, name, handle)) this.#count += 1;
    this.#version += 1;
    for (const build of this.#builds) build.added.push([name, handle]);
  }

  remove(object: ObjectName, handle: Handle): void {
    const name = nameOf(object);
    if (withdraw(this.#names, name, handle)) this.#count -= 1;
    this.#version += 1;
    for (const build of this.#builds) build.removed.push([name, handle]);
  }

  *entries(): Iterable<readonly [string, Handle]> {
    for (const [name, held] of this.#names) {
      if (typeof held === 'bigint') yield [name, held];
      else for (const handle of held) yield [name, handle];
    }
  }

  /** Starts an enumeration; what our own calls change meanwhile is taken in at `finish`. */
  begin(): IndexBuild {
    const build: IndexBuild = { names: new Map(), added: [], removed: [], count: 0 };
    this.#builds.add(build);
    return build;
  }

  finish(build: IndexBuild): void {
    this.#builds.delete(build);
    for (const [name, handle] of build.added) if (insert(build.names, name, handle)) build.count += 1;
    for (const [name, handle] of build.removed) if (withdraw(build.names, name, handle)) build.count -= 1;
    this.#names = build.names;
    this.#version += 1;
    this.#count = build.count;
    this.#isLoaded = true;
  }

  abandon(build: IndexBuild): void {
    this.#builds.delete(build);
  }
}

export interface IndexBuild {
  readonly names: Map<string, Handle | Handle[]>;
  readonly added: (readonly [string, Handle])[];
  readonly removed: (readonly [string, Handle])[];
  count: number;
}

export function put(build: IndexBuild, object: ObjectName, handle: Handle): void {
  if (insert(build.names, nameOf(object), handle)) build.count += 1;
}

function insert(names: Map<string, Handle | Handle[]>, name: string, handle: Handle): boolean {
  const held = names.get(name);
  if (held === undefined) names.set(name, handle);
  else if (typeof held === 'bigint') {
    if (held === handle) return false;
    names.set(name, [held, handle]);
  } else {
    if (held.includes(handle)) return false;
    held.push(handle);
  }
  return true;
}

function withdraw(names: Map<string, Handle | Handle[]>, name: string, handle: Handle): boolean {
  const held = names.get(name);
  if (held === handle) return names.delete(name);
  if (!Array.isArray(held) || !held.includes(handle)) return false;
  const rest = held.filter((other) => other !== handle);
  const [only] = rest;
  if (rest.length === 1 && only !== undefined) names.set(name, only);
  else names.set(name, rest);
  return true;
}
