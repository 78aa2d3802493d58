/**
 * Ties a device server to the process that forked this one. Apart from the host's program, tests use it for hosts around fake devices.
 * A parent that dies takes this process with it at once, calls in flight included: a call that goes on after its run was resumed
 * elsewhere could make a key twice.
 */
import { Worker } from 'node:worker_threads';
import { DeviceServer, type OpenDevice } from './device-server.ts';
import type { FromHost, ToHost } from './messages.ts';
import { Outbox } from './outbox.ts';

/** A module stuck in this thread also blocks the `disconnect` event, so another thread looks for the parent. Ends after one beat. */
const WATCH = `
  const { workerData } = require('node:worker_threads');
  setInterval(() => {
    if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
  }, 250);
`;

const DEAF_TO = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** The parent's process id is the first argument of the host's program. */
export function serveParent(open: OpenDevice): void {
  for (const signal of DEAF_TO) process.on(signal, () => undefined);
  const parent = Number(process.argv[2]);
  new Worker(WATCH, { eval: true, execArgv: [], workerData: { parent } }).unref();
  process.on('disconnect', endNow);

  const outbox = new Outbox<FromHost>((batch) => {
    process.send?.(batch, undefined, undefined, (error) => {
      if (error !== null) endNow();
    });
  });
  const server = new DeviceServer(
    open,
    (message) => outbox.push(message),
    () => process.exit(0),
  );
  process.on('message', (batch: readonly ToHost[]) => {
    for (const message of batch) server.receive(message);
  });
}

function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}
