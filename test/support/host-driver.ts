/** A program that opens a hosted fake device, says the host's process id, and then performs what its arguments say: HOME LOG ACTION MS. */
import { openHostedDevice } from '../../src/adapters/pkcs11/host/hosted-device.ts';
import type { Pkcs11Profile } from '../../src/adapters/pkcs11/profile.ts';
import { Secret } from '../../src/keys/secret.ts';

const [home = '', log = '', action = '', ms = '0'] = process.argv.slice(2);
process.on('SIGINT', () => process.stdout.write('interrupted\n'));

const device = await openHostedDevice({
  name: 'driven',
  adapter: 'cloudhsm',
  profile: {} as Pkcs11Profile,
  modulePath: log,
  selector: {},
  sessions: 4,
  home,
  retryPin: false,
  program: new URL('./host-fake-main.ts', import.meta.url),
  pin: async () => new Secret('1234'),
});
const { pid } = (await device.describe()) as unknown as { pid: number };
process.stdout.write(`host ${pid}\n`);
const { outputs } = await device.perform({ action, args: { ms: Number(ms) } });
process.stdout.write(`${JSON.stringify(outputs)}\n`);
await device.close();
