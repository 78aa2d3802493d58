/** The action attest over a simulated cluster of a devices file, and where it refuses. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Device } from '../../../../../src/adapters/adapter.ts';
import { cloudhsm } from '../../../../../src/adapters/cloudhsm/adapter.ts';
import type { ClusterIdentity } from '../../../../../src/adapters/cloudhsm/attest/simulated-identity.ts';
import type { KeyRef } from '../../../../../src/keys/key-record.ts';
import { identityOf } from '../../../../support/attestation-fixtures.ts';
import { administered } from '../../../../support/cluster-administration.ts';
import { aCluster } from '../../../../support/cluster-fixtures.ts';
import { makeKey, openSimulated } from '../../../../support/pkcs11-devices.ts';

let state = '';
let device: Device;
const file = (name: string): string => join(state, name);
const rootPath = (): string => file('attestation-root.pem');
const NODES = [
  { id: 3, address: '10.0.2.14' },
  { id: 4, address: '10.0.1.4' },
];

const open = (values: Readonly<Record<string, unknown>> = {}): Promise<Device> =>
  openSimulated(cloudhsm, { state, nodes: NODES, 'attestation-root': rootPath(), ...values });

/** Making keys for HSMs takes its time: all tests have one cluster, put back to what it was. */
const made = { identity: '', root: '' };

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'keyferry-attest-'));
  device = await open();
  await makeKey(device);
  expect(existsSync(file('attestation.json'))).toBe(false);
  await attest(await makeKey(device));
  made.identity = readFileSync(file('attestation.json'), 'utf8');
  made.root = readFileSync(rootPath(), 'utf8');
});

beforeEach(async () => {
  writeFileSync(file('attestation.json'), made.identity);
  writeFileSync(rootPath(), made.root);
  await device.close();
  device = await open();
});

afterAll(async () => {
  await device.close();
  rmSync(state, { recursive: true });
});

const attest = async (key: KeyRef, more: Readonly<Record<string, unknown>> = {}) =>
  (await device.perform({ action: 'attest', args: { key, ...more } })).outputs;

const makePair = async (): Promise<Readonly<Record<string, unknown>>> => {
  const args = { 'modulus-bits': 2048, label: 'pair' };
  const call = { action: 'generate-rsa-key-pair', args };
  return (await device.perform({ ...call, expectation: (await device.expect(call, null)).expectation })).outputs;
};

/** Changes what the HSMs sign with. */
function spoil(change: (identity: { hsms: Record<string, { privateKey: string; chain: readonly string[] }> }) => void) {
  const identity = JSON.parse(readFileSync(file('attestation.json'), 'utf8'));
  change(identity);
  writeFileSync(file('attestation.json'), JSON.stringify(identity));
}

describe('attest', () => {
  test('says what a secret key is, as the device shows it', async () => {
    const key = await makeKey(device, { attributes: { extractable: false } });
    const { kcv } = await device.read(key);
    expect(await attest(key)).toMatchObject({
      node: 3,
      firmware: (await device.describe()).firmware,
      class: 'secret',
      type: 'aes',
      kcv,
      spki_sha256: '',
      local: true,
      extractable: false,
      never_extractable: true,
      cluster: expect.stringMatching(/^cluster-/),
      chain_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('asks the HSM that is named, whose chain is another', async () => {
    const key = await makeKey(device);
    const first = await attest(key);
    const second = await attest(key, { node: 4 });
    expect(second).toMatchObject({ node: 4, handle: first.handle });
    expect(second.chain_sha256).not.toBe(first.chain_sha256);
    await expect(attest(key, { node: 9 })).rejects.toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
  });

  test('names both halves of a pair by one public key', async () => {
    const pair = await makePair();
    const halves = await Promise.all(
      Object.values(pair)
        .filter((value): value is KeyRef => (value as { kind?: unknown }).kind === 'key')
        .map((half) => attest(half)),
    );
    expect(halves.map((half) => half.class).sort()).toEqual(['private', 'public']);
    expect(new Set(halves.map((half) => half.spki_sha256)).size).toBe(1);
    expect(halves[0]?.spki_sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  test('holds under the same root when the cluster is opened again', async () => {
    const key = await makeKey(device);
    const first = await attest(key);
    await device.close();
    device = await open();
    expect(await attest(key)).toEqual(first);
  });

  test("keeps the HSMs' keys from others, and the manufacturer's nowhere", async () => {
    await attest(await makeKey(device));
    const text = readFileSync(file('attestation.json'), 'utf8');
    expect(text.match(/BEGIN PRIVATE KEY/g)).toHaveLength(NODES.length);
    expect(readFileSync(rootPath(), 'utf8')).not.toContain('PRIVATE');
  });

  test('is nothing but read by a plan', async () => {
    const key = await makeKey(device);
    expect(await device.preview('attest', [{ key }], null)).toEqual([[]]);
  });
});

describe('attest is refused', () => {
  const failed = { code: 'attestation-failed', outcome: 'not-applied' };

  async function expectFailure(spoilIt: () => void, reason: RegExp): Promise<void> {
    const key = await makeKey(device);
    await expect(attest(key)).resolves.toBeDefined();
    spoilIt();
    await expect(attest(key)).rejects.toMatchObject({ ...failed, message: expect.stringMatching(reason) });
  }

  test("when two HSMs' identities are swapped", async () => {
    await expectFailure(
      () =>
        spoil((identity) => {
          const [one, other] = [identity.hsms[3], identity.hsms[4]];
          if (one !== undefined && other !== undefined) identity.hsms = { 3: other, 4: one };
        }),
      /HSM 3 .*of another HSM/,
    );
  });

  test("when an HSM signs with another key than its certificate's", async () => {
    const foreign = await identityOf();
    await expectFailure(
      () =>
        spoil((identity) => {
          const own = identity.hsms[3];
          if (own !== undefined) own.privateKey = foreign.hsms[3]?.privateKey ?? '';
        }),
      /signature on the statement/,
    );
  });

  test('when the intermediate certificate is missing', async () => {
    await expectFailure(
      () =>
        spoil((identity) => {
          const own = identity.hsms[3];
          if (own !== undefined) own.chain = own.chain.slice(0, 1);
        }),
      /neither in the chain nor the pinned root/,
    );
  });

  test('when another root is pinned', async () => {
    const foreign: ClusterIdentity = await identityOf();
    await expectFailure(() => writeFileSync(rootPath(), foreign.root), /not that of the pinned root/);
  });

  test('when no root is pinned, in the plan too', async () => {
    await device.close();
    device = await openSimulated(cloudhsm, { state });
    const key = await makeKey(device);
    expect(await device.preview('attest', [{ key }], null)).toMatchObject([[{ level: 'block' }]]);
    await expect(attest(key)).rejects.toMatchObject({
      code: 'capability-missing',
      hint: expect.stringContaining('attestation-root:'),
    });
  });

  test('when the pinned root is missing, writable by others, or no certificate', async () => {
    const key = await makeKey(device);
    await attest(key);
    chmodSync(rootPath(), 0o622);
    await expect(attest(key)).rejects.toMatchObject({ code: 'file-unsafe' });
    chmodSync(rootPath(), 0o600);
    writeFileSync(rootPath(), 'nonsense');
    await expect(attest(key)).rejects.toMatchObject(failed);
    await device.close();
    device = await open({ 'attestation-root': file('elsewhere.pem') });
    await expect(attest(key)).rejects.toMatchObject({ code: 'file-unreadable' });
    expect(await device.preview('attest', [{ key }], null)).toMatchObject([[{ level: 'block' }]]);
  });

  test("when the simulator's identities are damaged", async () => {
    const key = await makeKey(device);
    await attest(key);
    for (const text of ['{', '{}', '{"format":1,"root":"","hsms":{"3":{"privateKey":"x","chain":[]}}}']) {
      writeFileSync(file('attestation.json'), text);
      await expect(attest(key)).rejects.toMatchObject({ code: 'simulator-state' });
    }
  });

  test('for keys that are gone or on another device', async () => {
    const key = await makeKey(device);
    await device.perform({ action: 'delete-key', args: { key } });
    await expect(attest(key)).rejects.toMatchObject({ code: 'key-not-found' });
    const elsewhere: KeyRef = { ...key, locator: { ...key.locator, serial: 'OTHER' } };
    await expect(attest(elsewhere)).rejects.toMatchObject({ code: 'key-not-found' });
  });

  test('where nothing is known of how the cluster attests', async () => {
    const cluster = await aCluster();
    const other = await administered(cluster);
    const key = await makeKey(other);
    expect(await other.preview('attest', [{ key }], null)).toMatchObject([[{ level: 'block' }]]);
    await expect(other.perform({ action: 'attest', args: { key } })).rejects.toMatchObject({
      code: 'capability-missing',
    });
    await other.close();
    await cluster.close();
  });
});
