/**
 * The migration from Classic as source 002 walks it: the wrapping pair and the unwrapping in key_mgmt_util, the import in cmu, and between
 * them keyferry's two commands in place of the vendor's menu. Steps 4.1 and 4.2 are compared line by line.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CKM } from '../../src/adapters/pkcs11/constants.ts';
import { openKeyMgmtUtil } from '../../src/consoles/key-mgmt-util/open-key-mgmt-util.ts';
import { openLunaClient } from '../../src/consoles/luna-client/open-luna-client.ts';
import { runConsole } from '../../src/consoles/run-console.ts';
import { createScript } from '../../src/consoles/script-terminal.ts';
import { aDesk, consoleCluster, keyHandleIn, PASSWORDS } from '../support/console-desk.ts';
import { aLunaDesk, anAesKey, importedHandle, PIN } from '../support/luna-client-desk.ts';

const START = process.cwd();
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-classic-'));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(START);
  rmSync(folder, { recursive: true });
});

test('a key leaves Classic and arrives in the cluster', async () => {
  const [classic, cluster] = [await aLunaDesk(), await consoleCluster()];
  const kmu = aDesk(openKeyMgmtUtil, cluster);
  await kmu.type(`loginHSM -u CU -s alice -p ${PASSWORDS.user}`);

  // Steps 1 and 2.
  const pair = await kmu.type('genRSAKeyPair -m 2048 -e 65537 -l classic_wrap');
  const [, publicHandle, privateHandle] = /public key handle: (\d+) {4}private key handle: (\d+)/.exec(pair) ?? [];
  await kmu.type(`exportPubKey -k ${publicHandle} -out wrapping_public.pem`);

  // Steps 4.1 and 4.2.
  const printed = readFileSync(join(import.meta.dirname, 'classic-import.transcript'), 'utf8').replace(/^#.*\n/gm, '');
  const commands = [...printed.matchAll(/^luna_client> (.*)$/gm)].map(([, command]) => command);
  let shown = '';
  const script = createScript({
    text: commands.flatMap((command) => [command, PIN]).join('\n'),
    write: async (text) => {
      shown += text;
    },
    note: async () => {},
  });
  const console = openLunaClient({ module: classic.module, terminal: script.terminal });
  expect(await runConsole(console, script.terminal, script.lines(console))).toEqual({ wasMisused: false });
  const wrapping = importedHandle(shown);
  expect(shown.replaceAll(wrapping, '149')).toBe(printed);

  // Steps 4.6, 5.2 and 7.2: SHA-1 on both sides.
  const key = await anAesKey(classic, 'payments');
  await classic.type(`keyferry set-wrap ${wrapping}`, PIN);
  await classic.type(`keyferry wrap -key=${key} -wrapping-key=${wrapping} -out=wrapped.key`, PIN);
  const arrived = keyHandleIn(
    await kmu.type(`unWrapKey -f wrapped.key -w ${privateHandle} -m 8 -noheader -l payments -kc 4 -kt 31`),
  );

  // The same key: its check value is a block of zeros, encrypted.
  await kmu.type(`getAttribute -o ${arrived} -a 371 -out kcv`);
  const zeros = await classic.within((session) =>
    classic.module.encrypt(session, { type: CKM.AES_ECB }, key, new Uint8Array(16)),
  );
  expect(readFileSync('kcv', 'utf8')).toContain(`0x${Buffer.from(zeros.subarray(0, 3)).toString('hex')}`);

  await kmu.console.close();
  await Promise.all([classic.close(), cluster.close()]);
});
