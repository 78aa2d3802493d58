/**
 * The commands of the vendor's documents, run in the consoles: they print what the documents print. Not compared: handles and check values
 * (the cluster's own), and the slips listed here, each with its reason.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { SimulatedCluster } from '../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCluster } from '../../src/adapters/cloudhsm/cluster/open-cluster.ts';
import { EDITIONS } from '../../src/consoles/edition.ts';
import { type Exchange, runTranscript, type Slip } from '../support/console-transcript.ts';

const read = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');
const START = process.cwd();
const clusters: SimulatedCluster[] = [];
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keyferry-transcript-'));
  process.chdir(folder);
});

afterEach(async () => {
  process.chdir(START);
  for (const cluster of clusters.splice(0)) await cluster.close();
  rmSync(folder, { recursive: true });
});

async function aCluster(
  options: Pick<Parameters<typeof openCluster>[0], 'nodes' | 'users' | 'clock'>,
): Promise<SimulatedCluster> {
  const cluster = await openCluster({ stateDir: null, hsmType: 'hsm1.medium', ...options });
  clusters.push(cluster);
  return cluster;
}

function expectAsPrinted(exchanges: readonly Exchange[]): void {
  for (const { command, expected, actual } of exchanges)
    expect(`${command}\n${actual}`).toBe(`${command}\n${expected}`);
}

describe('sharing keys (source 000)', () => {
  const SLIPS: readonly Slip[] = [
    {
      printed: '"wrapped.key.test length 309',
      meant: '"wrapped.key length 312',
      reason: 'the command names wrapped.key, and the same key under the same mechanism has the length it had before',
    },
  ];

  async function play(): Promise<{ exchanges: Exchange[]; cluster: SimulatedCluster }> {
    const officers = ['officer1', 'crypto_user1', 'crypto_user2'].map(
      (name) => ({ type: 'CO', name, password: 'officer-password' }) as const,
    );
    const cluster = await aCluster({
      nodes: [
        { id: 3, address: '172.31.3.131' },
        { id: 4, address: '172.31.4.209' },
      ],
      users: [
        { type: 'CO', name: 'admin', password: 'admin-password' },
        ...officers,
        { type: 'CU', name: 'crypto_user3', password: 'owner-password' },
        { type: 'CU', name: 'crypto_user4', password: 'other-password' },
        { type: 'CU', name: 'crypto_user5', password: 'other-password' },
      ],
    });
    const exchanges = await runTranscript({
      text: read('share-keys.transcript'),
      slips: SLIPS,
      edition: EDITIONS['2019'],
      clusters: { cluster },
      ignoresLayout: false,
    });
    return { exchanges, cluster };
  }

  test('prints what the article prints, refusal 0xb3 included', async () => {
    const { exchanges } = await play();
    expectAsPrinted(exchanges);
    expect(exchanges).toHaveLength(15);
    expect(exchanges.filter(({ actual }) => actual.includes('returned: 0xb3'))).toHaveLength(1);
  });

  test('leaves no key in clear, and files that only their owner reads', async () => {
    await play();
    for (const name of ['master.key', 'wrapped.key']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });
});

describe('importing symmetric keys (source 001)', () => {
  const SLIPS: readonly Slip[] = [
    {
      printed: '-f aes256.key ',
      meant: '-f aes256-forImport.key ',
      reason: 'openssl wrote another file than the command reads',
    },
    {
      printed: 'attributes/attr_262180_imported file',
      meant: 'attributes/attr_262180 file',
      reason: 'the command names the file without that ending',
    },
    {
      printed: 'cat attributes/attr_262180_local',
      meant: 'cat attributes/attr_262180',
      reason: 'the file that is shown was written under another name',
    },
    {
      printed: 'Attestation Check : [PASS]\nCluster Error Status Node id 0 and',
      meant: 'Attestation Check : [PASS]\nCluster Error Status Node id 1 and',
      reason: "which node a session key lives on is the cluster's choice; the simulated one takes the first",
    },
  ];

  test('prints what the guide prints, and the moved key has the same check value', async () => {
    mkdirSync(join(folder, 'attributes'));
    const parts = {
      nodes: [
        { id: 1, address: '10.0.0.1' },
        { id: 0, address: '10.0.0.2' },
        { id: 2, address: '10.0.0.3' },
      ],
      users: [
        { type: 'PCO', name: 'admin', password: 'admin-password' },
        { type: 'CU', name: 'example_user', password: 'user-password' },
      ],
    } as const;
    const exchanges = await runTranscript({
      text: read('import-symmetric-keys.transcript'),
      slips: SLIPS,
      edition: EDITIONS['2018'],
      clusters: { first: await aCluster(parts), second: await aCluster(parts) },
      ignoresLayout: true,
    });
    expectAsPrinted(exchanges);
    expect(readFileSync('attr_14_kcv', 'utf8')).toBe(readFileSync('attr_21_kcv', 'utf8'));
    expect(exchanges).toHaveLength(13);
  });
});

describe('quorum (source 004)', () => {
  const OFFICERS = ['officer1', 'officer2', 'officer3', 'officer4', 'officer5'];

  /** As the guide's first-time setup: each officer signs something with a key of its own and registers the public half. */
  async function register(cluster: SimulatedCluster): Promise<void> {
    writeFileSync('proof', 'registration');
    for (const name of OFFICERS) {
      execFileSync('openssl', ['genrsa', '-out', `${name}.key`, '2048'], { stdio: 'pipe' });
      execFileSync('openssl', ['rsa', '-in', `${name}.key`, '-pubout', '-out', `${name}.pub`], { stdio: 'pipe' });
      execFileSync('openssl', ['dgst', '-sha256', '-sign', `${name}.key`, '-out', `${name}.sig`, 'proof']);
      await runTranscript({
        text: `== cloudhsm_mgmt_util ${name} on cluster\n! loginHSM CO ${name} officer-password\n! registerQuorumPubKey CO ${name} proof ${name}.sig ${name}.pub (y)\n! logoutHSM\n`,
        slips: [],
        edition: EDITIONS['2018'],
        clusters: { cluster },
        ignoresLayout: true,
      });
    }
  }

  test('prints what the guide prints, with signatures that openssl made', async () => {
    let nowMs = Date.UTC(2018, 10, 1);
    const cluster = await aCluster({
      nodes: [
        { id: 1, address: '10.0.2.14' },
        { id: 0, address: '10.0.1.4' },
      ],
      users: [
        { type: 'PCO', name: 'admin', password: 'admin-password' },
        ...OFFICERS.map((name) => ({ type: 'CO', name, password: 'officer-password' }) as const),
      ],
      clock: () => nowMs,
    });
    await register(cluster);
    copyFileSync(join(import.meta.dirname, 'approval.txt'), 'approval.txt');
    const exchanges = await runTranscript({
      text: read('quorum.transcript'),
      slips: [],
      edition: EDITIONS['2018'],
      clusters: { cluster },
      ignoresLayout: true,
      passTime: (seconds) => {
        nowMs += seconds * 1000;
      },
    });
    expectAsPrinted(exchanges);
    expect(exchanges.filter(({ actual }) => actual.includes('RET_MXN_AUTH_FAILED'))).toHaveLength(2);
    expect(cluster.syncCheck()).toEqual([]);
  });
});
