/** key_mgmt_util with -attest: the vendor's line when the check passes, ours when it does not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SimulatedCluster } from '../../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCluster } from '../../../src/adapters/cloudhsm/cluster/open-cluster.ts';
import { openKeyMgmtUtil } from '../../../src/consoles/key-mgmt-util/open-key-mgmt-util.ts';
import { identityOf } from '../../support/attestation-fixtures.ts';
import { aDesk, type Desk, keyHandleIn, PASSWORDS } from '../../support/console-desk.ts';

const PASS = 'Attestation Check : [PASS]';

let folder = '';
let cluster: SimulatedCluster;
let desk: Desk;
let identity = '';
let root = '';
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-kmu-attest-'));
  cluster = await openCluster({
    stateDir: file('state'),
    hsmType: 'hsm1.medium',
    nodes: [
      { id: 1, address: '10.0.0.1' },
      { id: 2, address: '10.0.0.2' },
    ],
    users: [
      { type: 'PCO', name: 'admin', password: PASSWORDS.officer },
      { type: 'CU', name: 'alice', password: PASSWORDS.user },
    ],
  });
  await cluster.attestationRoot();
  identity = readFileSync(file('state/attestation.json'), 'utf8');
  root = readFileSync(file('state/attestation-root.pem'), 'utf8');
  desk = aDesk(openKeyMgmtUtil, cluster);
  await desk.type(`loginHSM -u CU -s alice -p ${PASSWORDS.user}`);
});

beforeEach(() => {
  writeFileSync(file('state/attestation.json'), identity);
  writeFileSync(file('state/attestation-root.pem'), root);
  for (const { id } of cluster.nodes) cluster.restore(id);
});

afterAll(async () => {
  await desk.console.close();
  await cluster.close();
  rmSync(folder, { recursive: true });
});

describe('-attest', () => {
  test.each([
    ['a key', 'genSymKey -t 31 -s 32 -l attested -attest'],
    ['a session key', 'genSymKey -t 21 -s 24 -l attested -sess -attest'],
    ['a generic secret, which has no check value', 'genSymKey -t 16 -s 64 -l attested -attest'],
    ['a key that may not leave', 'genSymKey -t 31 -s 16 -l attested -nex -attest'],
    ['a key pair', 'genRSAKeyPair -m 2048 -e 65537 -l attested -attest'],
  ])('passes for %s, before the status lines', async (_what, command) => {
    const shown = await desk.type(command);
    expect(shown).toMatch(/Attestation Check : \[PASS\]\n\n\tCluster Error Status/);
  });

  test('passes for keys that come in', async () => {
    writeFileSync(
      file('key.bin'),
      new Uint8Array(24).map((_byte, at) => at + 1),
    );
    const wrapping = keyHandleIn(await desk.type('genSymKey -t 31 -s 32 -l wrapping'));
    expect(await desk.type(`imSymKey -f ${file('key.bin')} -w ${wrapping} -t 21 -l arrived -sess -attest`)).toContain(
      PASS,
    );
  });

  test('says nothing when it is not asked for', async () => {
    expect(await desk.type('genSymKey -t 31 -s 32 -l plain')).not.toMatch(/attest/i);
  });

  test('fails in our words when the root is another, and the key is there all the same', async () => {
    writeFileSync(file('state/attestation-root.pem'), (await identityOf()).root);
    const shown = await desk.type('genSymKey -t 31 -s 32 -l doubtful -attest');
    expect(shown).not.toContain(PASS);
    expect(shown).toMatch(/attestation check failed\. In keyferry's words .*not that of the pinned root/);
    const handle = keyHandleIn(shown);
    expect(shown).toContain(`The key ${handle} was made all the same`);
    expect(shown).toContain('Cluster Error Status');
    expect(await desk.type(`getKeyInfo -k ${handle}`)).toContain('0x00');
  });

  test("fails when an HSM's certificate is not its own", async () => {
    const { hsms, ...rest } = JSON.parse(identity);
    writeFileSync(file('state/attestation.json'), JSON.stringify({ ...rest, hsms: { 1: hsms[2], 2: hsms[1] } }));
    expect(await desk.type('genSymKey -t 31 -s 32 -l doubtful -attest')).toMatch(/failed.* of another HSM/);
  });

  test('asks the HSM that is up', async () => {
    cluster.fail(1);
    const shown = await desk.type('genSymKey -t 31 -s 32 -l one -attest');
    expect(shown).toContain(PASS);
  });
});
