/**
 * Plan files, their only reader and writer. JSON lines: the head, then one item per line, each ending in the first 16 digits of the hash
 * chain up to it, so that an alteration can be named. What protects a plan is its digest, which the head carries and approvers compare.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KeyferryError } from '../errors/keyferry-error.ts';
import { ItemsHash, itemLine } from './digest.ts';
import { fileError, type Line, LineWriter, linesOf } from './line-file.ts';
import type { PlanHead, PlanItem, PlanSource } from './model.ts';
import { checkHead, parseHead } from './plan-head.ts';

const LINK_DIGITS = 16;
const SUFFIX = /,"link":"([0-9a-f]{16})"\}$/;
const SUFFIX_LENGTH = ',"link":""}'.length + LINK_DIGITS;

const linkOf = (hash: ItemsHash): string => hash.value.slice(0, LINK_DIGITS);

/**
 * Writes the file whole or not at all, 0600. An existing file stays when it holds the same plan; another one is refused with
 * `file-unreadable` unless `force`. Rejects with `plan-altered` when the items are not those of the head.
 */
export async function writePlanFile(
  path: string,
  source: PlanSource,
  options: { readonly force?: boolean } = {},
): Promise<void> {
  if (options.force !== true && existsSync(path)) {
    if (await holdsPlan(path, source.head.digest)) {
      return;
    }
    throw new KeyferryError('file-unreadable', `${path} exists and holds something else; it was left as it is`, {
      hint: 'Choose another name, or pass --force to replace it.',
    });
  }
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const writer = new LineWriter(temporary);
    try {
      const { format, playbook, title, digest, ...rest } = source.head;
      writer.write(JSON.stringify({ format, playbook, title, digest, ...rest }));
      const hash = new ItemsHash();
      for await (const item of source.items()) {
        const line = itemLine(item);
        hash.add(line);
        writer.write(`${line.slice(0, -1)},"link":"${linkOf(hash)}"}`);
      }
      if (hash.value !== source.head.itemsHash) {
        throw altered(path, 'the items are not those that the head was made for');
      }
    } finally {
      writer.close({ isDurable: true });
    }
    await rename(temporary, path);
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(error, path, 'cannot write the plan to', 'file-unreadable');
  }
}

async function holdsPlan(path: string, digest: string): Promise<boolean> {
  try {
    return (await readPlanFile(path)).head.digest === digest;
  } catch (error) {
    if (error instanceof KeyferryError) {
      return false;
    }
    throw error;
  }
}

/**
 * `verify: false` shows a plan whatever became of it. Otherwise rejects with `plan-altered`, naming what differs, after one pass over the
 * file; `items()` checks anew while it streams, because the file may change in between. `plan-format`: not a plan, a newer one, or cut off.
 */
export async function readPlanFile(path: string, options: { readonly verify?: boolean } = {}): Promise<PlanSource> {
  const isVerified = options.verify !== false;
  try {
    const head = readHead(path);
    if (isVerified) {
      checkHead(head, path);
      for (const _item of itemsOf(path, head, isVerified)) {
        // Only the check counts here.
      }
    }
    return {
      head,
      items: () => streamed(path, head, isVerified),
      dispose: async () => {},
    };
  } catch (error) {
    throw readError(error, path);
  }
}

async function* streamed(path: string, head: PlanHead, isVerified: boolean): AsyncGenerator<PlanItem, void, undefined> {
  try {
    yield* itemsOf(path, head, isVerified);
  } catch (error) {
    throw readError(error, path);
  }
}

function readHead(path: string): PlanHead {
  for (const first of linesOf(path)) {
    return parseHead(first.text, path);
  }
  throw new KeyferryError('plan-format', `${path} is empty, so it is not a plan`);
}

function* itemsOf(path: string, head: PlanHead, isVerified: boolean): Generator<PlanItem, void, undefined> {
  const { total } = head.summary;
  const hash = new ItemsHash();
  const counts = { move: 0, skip: 0, block: 0, duplicate: 0 };
  let index = -1;
  for (const line of linesOf(path)) {
    if (index === total && isVerified) {
      throw altered(path, `there are extra lines behind the ${total} items`);
    }
    if (index >= 0) {
      const item = itemOf(line, index, path);
      if (isVerified) {
        hash.add(`${line.text.slice(0, -SUFFIX_LENGTH)}}`);
        if (SUFFIX.exec(line.text)?.[1] !== linkOf(hash) || item.index !== index) {
          throw altered(path, `item ${index} differs (line ${index + 2})`);
        }
        counts[item.action] += 1;
      }
      yield item;
    }
    index += 1;
  }
  if (!isVerified) {
    return;
  }
  if (index < total) {
    throw altered(path, `items are missing: the head tells of ${total}, the file has ${index}`);
  }
  if (hash.value !== head.itemsHash) {
    throw altered(path, 'the items are not those that the head was made for');
  }
  const { move, skip, block, duplicate } = head.summary;
  if (counts.move !== move || counts.skip !== skip || counts.block !== block || counts.duplicate !== duplicate) {
    throw altered(path, 'the head counts other actions than the items have');
  }
}

function itemOf(line: Line, index: number, path: string): PlanItem {
  if (!line.isWhole) {
    throw new KeyferryError('plan-format', `${path} is cut off in the middle of item ${index} (line ${index + 2})`);
  }
  try {
    const { link: _link, ...item } = JSON.parse(line.text) as PlanItem & { link: unknown };
    if (
      ACTIONS.has(item.action) &&
      typeof item.key === 'string' &&
      typeof item.source === 'object' &&
      item.source !== null
    ) {
      return item;
    }
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) {
      throw error;
    }
  }
  throw altered(path, `item ${index} is not an item (line ${index + 2})`);
}

const ACTIONS: ReadonlySet<unknown> = new Set<PlanItem['action']>(['move', 'skip', 'block', 'duplicate']);

const altered = (path: string, what: string): KeyferryError =>
  new KeyferryError('plan-altered', `${path} was altered: ${what}`);

function readError(error: unknown, path: string): unknown {
  return error instanceof RangeError
    ? new KeyferryError('plan-format', `${path} is not a plan: it has lines longer than any plan's`, { cause: error })
    : fileError(error, path, 'cannot read the plan', 'file-unreadable');
}
