/** What anybody on the machine can see of a process and its children while they run: command lines, and what root sees of environments. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Place } from './canary-search.ts';

const SAMPLE_MS = 10;

export class ProcessWatch {
  readonly #root: number;
  readonly #seen = new Map<string, Place>();
  readonly #timer: NodeJS.Timeout;

  /** Samples from now on, until stopped. */
  constructor(root: number) {
    this.#root = root;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#sample();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Each command line once, its words parted by zero bytes. */
  get commandLines(): readonly Place[] {
    return this.#places('cmdline');
  }

  /** Each environment once, without the variables named: those that the operator set. */
  environments(without: readonly string[] = []): readonly Place[] {
    return this.#places('environ').map(({ where, bytes }) => ({
      where,
      bytes: Buffer.from(
        Buffer.from(bytes)
          .toString('latin1')
          .split('\0')
          .filter((variable) => !without.some((name) => variable.startsWith(`${name}=`)))
          .join('\0'),
        'latin1',
      ),
    }));
  }

  #places(file: string): readonly Place[] {
    return [...this.#seen.values()].filter(({ where }) => where.endsWith(`/${file}`));
  }

  #sample(): void {
    for (const pid of familyOf(this.#root)) {
      for (const file of ['cmdline', 'environ']) {
        const where = `/proc/${pid}/${file}`;
        const bytes = read(where);
        if (bytes.length > 0) this.#seen.set(`${where} ${bytes.toString('latin1')}`, { where, bytes });
      }
    }
  }
}

/** A process may end at any moment. */
function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

function familyOf(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // The second field is the program's name in brackets, which may hold anything; the parent is the second word behind it.
    const parent = Number(/\) \S (\d+)/.exec(read(`/proc/${name}/stat`).toString('latin1'))?.[1] ?? -1);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const family = [root];
  for (const pid of family) family.push(...(children.get(pid) ?? []));
  return family;
}
