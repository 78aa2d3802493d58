/** The thread that commits a journal's groups: it waits for the disk, so that the engine's thread need not. */
import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorRecord, KeyferryError } from '../../errors/keyferry-error.ts';
import { type GroupEffect, GroupWriter, type RowGroup, writeError } from './commit-group.ts';
import { openForWriting } from './writing-database.ts';

export interface CommitWorkerData {
  readonly path: string;
  readonly run: string;
  readonly dir: string;
}

export type ToCommitWorker = { readonly kind: 'commit'; readonly group: RowGroup } | { readonly kind: 'close' };

export type FromCommitWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'committed'; readonly effect: GroupEffect }
  /** Nothing of the group was written. `record` is null for a bug. */
  | { readonly kind: 'failed'; readonly record: ErrorRecord | null; readonly message: string };

const port = parentPort;
if (port === null) throw new Error('this is the program of a worker thread');
const answer = (message: FromCommitWorker): void => port.postMessage(message);

const { path, run, dir } = workerData as CommitWorkerData;
const database = await openForWriting(path);
const writer = new GroupWriter({ database, run });

function commit(group: RowGroup): FromCommitWorker {
  try {
    const effect = writer.write(group);
    writer.commit();
    return { kind: 'committed', effect };
  } catch (cause) {
    writer.rollBack();
    const error = writeError(cause, { run, dir });
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { kind: 'failed', record: error instanceof KeyferryError ? error.toRecord() : null, message };
  }
}

port.on('message', (message: ToCommitWorker) => {
  if (message.kind === 'commit') {
    answer(commit(message.group));
    return;
  }
  database.close();
  port.close();
});
answer({ kind: 'ready' });
