/**
 * A process of its own for the tests of locks and crashes. `hold DIR`: takes the run's lock and keeps it. `append DIR`: appends items
 * one after another and prints each index once it is durable. Prints `ready` when it has what it wants, else the error's code.
 */
import { writeSync } from 'node:fs';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import { acquireRunLock } from '../../src/journal/run-lock.ts';
import { openJournal } from '../../src/journal/sqlite/sqlite-journal.ts';
import { A_RUN, aCall, anIntent, anItem, anOutcome } from './journal-fixtures.ts';

const print = (line: string | number): void => void writeSync(1, `${line}\n`);

async function hold(dir: string): Promise<void> {
  await acquireRunLock(dir);
  print('ready');
  setInterval(() => undefined, 1_000);
}

async function append(dir: string): Promise<void> {
  await acquireRunLock(dir);
  const journal = await openJournal({ dir, run: A_RUN });
  const { total } = journal.counts();
  print('ready');
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < total) {
      const item = next++;
      await journal.append(anIntent(aCall(item)));
      await journal.append(anOutcome(aCall(item)));
      await journal.append(anItem(item, 'migrated'));
      print(item);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

const [command, dir = ''] = process.argv.slice(2);
try {
  await (command === 'append' ? append(dir) : hold(dir));
} catch (error) {
  print(error instanceof KeyferryError ? `${error.code} ${error.message}` : String(error));
}
