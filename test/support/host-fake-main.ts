/** A device host's program around a fake device: what the hosts do can be tested without a module. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Device } from '../../src/adapters/adapter.ts';
import type { OpenDevice } from '../../src/adapters/pkcs11/host/device-server.ts';
import { serveParent } from '../../src/adapters/pkcs11/host/serve-parent.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';

/** What the fake does is said by the action's name; `modulePath` is a file that every perform is noted in. */
const open: OpenDevice = async (setup, pin) => {
  if (setup.modulePath === '') throw new KeyferryError('module-not-loaded', 'no module');
  const secret = (await pin()).reveal();
  const description = {
    name: setup.name,
    serial: setup.selector.serial ?? 'S1',
    label: secret.length.toString(),
    pid: process.pid,
    threads: process.env.UV_THREADPOOL_SIZE,
    argv: process.argv.join(' '),
  };
  return {
    describe: async () => description,
    async *inventory() {
      for (let batch = 0; batch < 3; batch++) {
        appendFileSync(setup.modulePath, `batch ${batch}\n`);
        yield [{ handle: `${batch}` }];
      }
    },
    async perform({ action, args }: { action: string; args: Record<string, unknown> }) {
      appendFileSync(setup.modulePath, `${action}\n`);
      switch (action) {
        case 'crash':
          process.stderr.write(`about to \u001b[31mcrash\u001b[0m with PIN ${secret}\n`);
          await sleep(20);
          process.kill(process.pid, 'SIGSEGV');
          return new Promise(() => undefined);
        case 'exit':
          return process.exit(3);
        case 'hang':
          return new Promise(() => undefined);
        case 'block':
          for (;;);
        case 'sleep':
          await sleep(Number(args.ms));
          return { outputs: { slept: args.ms }, violations: [] };
        case 'refuse':
          throw new KeyferryError('key-not-extractable', 'no', {
            outcome: 'not-applied',
            native: { name: 'CKR_X', value: 1 },
          });
        case 'bug':
          throw new TypeError('a bug');
        default:
          process.stdout.write('noise\n');
          return { outputs: args, violations: [] };
      }
    },
    read: async (key: unknown) => key,
    close: async () => {
      if (setup.selector.token === 'slow-close') await sleep(60_000);
      appendFileSync(setup.modulePath, 'closed\n');
    },
  } as unknown as Device;
};

serveParent(open);
