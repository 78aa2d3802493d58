/**
 * An HSM, a simulated AWS KMS and a home for runs, all in one folder: what a power cut leaves of a migration into KMS is a copy of it. The
 * playbooks are those that keyferry brings along.
 */
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BoundDevice } from '../../src/adapters/adapter.ts';
import { openTransport } from '../../src/adapters/kms/client.ts';
import { KmsConnection } from '../../src/adapters/kms/connection.ts';
import { KmsDevice } from '../../src/adapters/kms/device.ts';
import { inProcessHandler } from '../../src/adapters/kms/in-process-handler.ts';
import type { KmsFaultPlan } from '../../src/adapters/kms/simulator/faults.ts';
import { type KmsServiceOptions, openKmsService } from '../../src/adapters/kms/simulator/kms-service.ts';
import type { Playbook } from '../../src/playbook/model.ts';
import { parsePlaybook } from '../../src/playbook/parse-playbook.ts';
import { ADAPTERS } from './adapters.ts';
import { type OpenedDevices, openContext, openedDevices, ROLES, type Role, type Site } from './engine-site.ts';
import { kmsContext, kmsSettings, openKms } from './kms-device-fixtures.ts';
import { makeSigningPair } from './pkcs11-private-keys.ts';

export const KMS_ROUTES = { 'classic-to-kms': 'classic', 'cloudhsm-to-kms': 'cluster' } as const;
export type KmsRoute = keyof typeof KMS_ROUTES;

export interface KmsSite extends Site {
  readonly route: KmsRoute;
  readonly source: Role;
  state(role: Role | 'account'): string;
  copy(): KmsSite;
  /** Sooner than at the end of the test. */
  remove(): void;
}

const kmsSiteAt = (dir: string, route: KmsRoute): KmsSite => ({
  dir,
  route,
  source: KMS_ROUTES[route],
  home: join(dir, 'home'),
  state: (role) => join(dir, role),
  copy: () => {
    const copy = newFolder();
    // By another process: closing a file here would drop the locks that SQLite holds on it in this one.
    execFileSync('cp', ['-r', `${dir}/.`, copy]);
    return kmsSiteAt(copy, route);
  },
  remove: () => rmSync(dir, { recursive: true, force: true }),
});

/** In memory where that can be: a test is about what was written when, and makes hundreds of copies of it. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

function newFolder(): string {
  const folder = mkdtempSync(join(PARENT, 'keyferry-kms-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface KmsSiteKeys {
  readonly aes: number;
  /** Key pairs by kind: `rsa` or a curve. Of the cluster only. */
  readonly pairs?: readonly string[];
}

/** Only inside of a test. */
export async function newKmsSite(route: KmsRoute, { aes, pairs = [] }: KmsSiteKeys): Promise<KmsSite> {
  const site = kmsSiteAt(newFolder(), route);
  mkdirSync(site.home, { mode: 0o700 });
  const source = await openSource(site);
  const { device } = source;
  await device.fill?.({ count: aes, type: 'aes-256', prefix: 'payments-', nonextractableShare: 0 });
  for (const kind of pairs) await makeSigningPair(device, kind, { label: `payments-${kind}` });
  await device.close();
  return site;
}

async function openSource(site: KmsSite): Promise<BoundDevice> {
  const adapter = ADAPTERS[ROLES[site.source]];
  if (adapter === undefined) throw new Error(`no adapter for ${site.source}`);
  const values = { state: site.state(site.source), 'crypto-workers': 0 };
  const settings = { name: site.source, adapter: adapter.name, driver: 'simulated', values };
  const device = await adapter.open(settings, openContext(site.home));
  return { role: site.source, settings, description: await device.describe(), device };
}

/** Made once per test file; each service hands them out in turn, beginning with another one. */
const WRAPPING_KEYS = Array.from(
  { length: 7 },
  () =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }).privateKey,
);
let opened = 0;

function otherWrappingKeys(): readonly string[] {
  opened = (opened + 3) % WRAPPING_KEYS.length;
  return [...WRAPPING_KEYS.slice(opened), ...WRAPPING_KEYS.slice(0, opened)];
}

export interface AccountOptions {
  readonly faults?: KmsFaultPlan;
  /** Calls per second by operation. Default: no limit. */
  readonly rates?: Readonly<Record<string, number>>;
  readonly settleReads?: number;
  readonly service?: Partial<KmsServiceOptions>;
}

/** As a new process would: another device over the same state. */
export async function openAccount(
  site: { state(role: 'account'): string },
  options: AccountOptions = {},
): Promise<BoundDevice> {
  const service = await openKmsService({
    stateDir: site.state('account'),
    region: 'eu-west-1',
    signatures: 'off',
    wrappingKeys: otherWrappingKeys(),
    poolSize: WRAPPING_KEYS.length,
    ...(options.faults === undefined ? {} : { faults: options.faults }),
    ...options.service,
  });
  const transport = await openTransport({
    config: {
      region: service.region,
      credentials: { accessKeyId: 'TEST', secretAccessKey: 'test' },
      endpoint: `https://kms.${service.region}.amazonaws.com`,
      requestHandler: inProcessHandler(service),
    },
    onClose: () => service.close(),
  });
  const settle = { reads: options.settleReads ?? 2, intervalMs: 1 };
  const connection = new KmsConnection({
    name: 'account',
    serial: `aws:${service.account}:${service.region}`,
    account: service.account,
    region: service.region,
    settle,
    parallel: kmsContext.sessions,
    transport,
  });
  const description = await describedAsSimulated();
  const device = new KmsDevice(connection, {
    ...description,
    serial: connection.serial,
    capabilities: { ...description.capabilities, rates: options.rates ?? {}, settle },
  });
  return { role: 'account', settings: kmsSettings(), description: await device.describe(), device };
}

let described: ReturnType<BoundDevice['device']['describe']> | null = null;

function describedAsSimulated(): NonNullable<typeof described> {
  described ??= openKms().then(async (device) => {
    try {
      return await device.describe();
    } finally {
      await device.close();
    }
  });
  return described;
}

/** As a new process would: new devices over the same state, and other wrapping keys than the last. */
export async function openKmsRoute(site: KmsSite, options: AccountOptions = {}): Promise<OpenedDevices> {
  const source = await openSource(site);
  const account = await openAccount(site, options);
  return openedDevices(
    new Map([
      [source.role, source],
      [account.role, account],
    ]),
  );
}

/** A playbook that keyferry brings along, its text changed. */
export function kmsPlaybook(route: KmsRoute, edit: (text: string) => string = (text) => text): Playbook {
  const file = join(import.meta.dirname, '../../playbooks', `${route}.yaml`);
  return parsePlaybook({ file: `${route}.yaml`, text: edit(readFileSync(file, 'utf8')), adapters: ADAPTERS });
}
