/**
 * Simulated YubiHSMs, a simulated AWS KMS and a home for runs, all in one folder: what a power cut leaves of a run is a copy of it. What is on
 * a YubiHSM is read from its state file, past the adapter and the engine.
 */
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BoundDevice, Device } from '../../src/adapters/adapter.ts';
import { publicKeyOf } from '../../src/adapters/yubihsm/simulator/key-material.ts';
import { StateStore } from '../../src/adapters/yubihsm/simulator/state-file.ts';
import type { StoredObject } from '../../src/adapters/yubihsm/simulator/stored-object.ts';
import { ALGORITHM, isRsa } from '../../src/adapters/yubihsm/wire/algorithms.ts';
import { OBJECT_TYPE } from '../../src/adapters/yubihsm/wire/object-types.ts';
import type { JournalTuning, OnWrite } from '../../src/journal/sqlite/journal-writer.ts';
import type { Playbook } from '../../src/playbook/model.ts';
import { parsePlaybook } from '../../src/playbook/parse-playbook.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { ADAPTERS } from './adapters.ts';
import { EVERY_WRITE, planOf, type RunOptions, resume, runPlan } from './engine-harness.ts';
import { type OpenedDevices, openContext, openedDevices, type Site } from './engine-site.ts';
import { openAccount } from './kms-route-site.ts';

export type YubiRole = 'token' | 'spare';

export interface YubiSite extends Site {
  state(role: string): string;
  copy(): YubiSite;
  /** Sooner than at the end of the test. */
  remove(): void;
}

/** In memory where that can be: a test makes hundreds of copies of it. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

function newFolder(): string {
  const folder = mkdtempSync(join(PARENT, 'keyferry-yubihsm-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const siteAt = (dir: string): YubiSite => ({
  dir,
  home: join(dir, 'home'),
  state: (role) => join(dir, role),
  copy: () => {
    const copy = newFolder();
    // By another process: closing a file here would drop the locks that SQLite holds on it in this one.
    execFileSync('cp', ['-r', `${dir}/.`, copy]);
    // It names this process, which the power cut would have ended.
    for (const role of ['token', 'spare']) rmSync(join(copy, role, 'yubihsm.lock'), { force: true });
    return siteAt(copy);
  },
  remove: () => rmSync(dir, { recursive: true, force: true }),
});

/** Only inside of a test. `prepare` gets the device token. */
export async function newYubiSite(prepare: (token: Device) => Promise<void>): Promise<YubiSite> {
  const site = siteAt(newFolder());
  mkdirSync(site.home, { mode: 0o700 });
  const { device } = await openYubiHsm(site, 'token');
  await prepare(device);
  await device.close();
  return site;
}

export async function openYubiHsm(
  site: YubiSite,
  role: YubiRole,
  values: Readonly<Record<string, unknown>> = {},
): Promise<BoundDevice> {
  const { yubihsm } = ADAPTERS;
  if (yubihsm === undefined) throw new Error('no adapter for YubiHSMs');
  const settings = {
    name: role,
    adapter: 'yubihsm',
    driver: 'simulated',
    values: { state: site.state(role), ...values },
  };
  const device = await yubihsm.open(settings, openContext(site.home));
  return { role, settings, description: await device.describe(), device };
}

/** As a new process would: new devices over the same state. */
export async function openYubiRoute(
  site: YubiSite,
  values: Readonly<Record<string, unknown>> = {},
): Promise<OpenedDevices> {
  const token = await openYubiHsm(site, 'token', values);
  const account = await openAccount(site);
  return openedDevices(new Map([token, account].map((bound) => [bound.role, bound])));
}

/** A playbook that keyferry brings along, its text changed. */
export function yubiPlaybook(name: string, edit: (text: string) => string = (text) => text): Playbook {
  const file = join(import.meta.dirname, '../../playbooks', `${name}.yaml`);
  return yubiPlaybookOf(`${name}.yaml`, edit(readFileSync(file, 'utf8')));
}

export const yubiPlaybookOf = (file: string, text: string): Playbook =>
  parsePlaybook({ file, text, adapters: ADAPTERS });

/** Plans and runs, each in a new process as far as keyferry can tell. */
export async function runYubiRoute(
  site: YubiSite,
  playbook: Playbook,
  options: Omit<RunOptions, 'devices' | 'opened' | 'playbook'> = {},
): Promise<RunResult> {
  const planners = await openYubiRoute(site);
  const plan = await planOf(site, planners, playbook);
  await planners.close();
  const opened = await openYubiRoute(site);
  try {
    return await runPlan(site, plan, { ...options, playbook, opened });
  } finally {
    await opened.close();
    await plan.dispose();
  }
}

export async function resumeYubiRoute(
  site: YubiSite,
  run: string,
  options: Omit<RunOptions, 'devices' | 'opened' | 'playbook'> = {},
): Promise<RunResult> {
  const opened = await openYubiRoute(site);
  try {
    return await resume(site, run, { ...options, opened });
  } finally {
    await opened.close();
  }
}

export interface Image {
  readonly site: YubiSite;
  readonly point: Parameters<OnWrite>[0];
  readonly seq: number;
}

/** Photographs the site at each write of the journal, or only at the nth from here. */
export function camera(site: YubiSite, nth?: number): { readonly images: Image[]; readonly tuning: JournalTuning } {
  const images: Image[] = [];
  let writes = 0;
  const onWrite: OnWrite = (point, seq) => {
    writes += 1;
    if (nth === undefined || nth === writes) images.push({ site: site.copy(), point, seq });
  };
  return { images, tuning: { ...EVERY_WRITE, onWrite } };
}

/** Everything on the device but its factory key, in the order of its making. */
export async function objectsOn(site: YubiSite, role: YubiRole): Promise<readonly StoredObject[]> {
  const store = new StateStore();
  await store.open(site.state(role));
  try {
    return [...store.state.objects.values()].filter(
      ({ type, id }) => type !== OBJECT_TYPE['authentication-key'] || id !== 1,
    );
  } finally {
    await store.close();
  }
}

export const labelOf = ({ label }: Pick<StoredObject, 'label'>): string => Buffer.from(label).toString('utf8');

const CURVE_NAMES: Readonly<Record<number, string>> = {
  [ALGORITHM.ecp256]: 'P-256',
  [ALGORITHM.ecp384]: 'P-384',
  [ALGORITHM.ecp521]: 'P-521',
  [ALGORITHM.eck256]: 'secp256k1',
};

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

/** SHA-256 of the public half (SPKI) of what lies on the device. */
export function publicPrintOf(object: StoredObject): string {
  const bytes = publicKeyOf(object);
  const half = bytes.length / 2;
  const jwk = isRsa(object.algorithm)
    ? { kty: 'RSA', n: base64url(bytes), e: 'AQAB' }
    : {
        kty: 'EC',
        crv: CURVE_NAMES[object.algorithm] ?? '',
        x: base64url(bytes.subarray(0, half)),
        y: base64url(bytes.subarray(half)),
      };
  const spki = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}
