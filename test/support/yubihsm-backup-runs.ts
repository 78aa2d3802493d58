/**
 * yubihsm-backup and yubihsm-restore over a site of simulated YubiHSMs, without the command line. A run remembers its folder by an absolute
 * path, so the folder is reached through a link: it leads to the site that a process works on, be it the first one or a copy of it.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Device } from '../../src/adapters/adapter.ts';
import type { StoredObject } from '../../src/adapters/yubihsm/simulator/stored-object.ts';
import { ORIGIN, objectTypeName } from '../../src/adapters/yubihsm/wire/object-types.ts';
import { Secret } from '../../src/keys/secret.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { planOf, type RunOptions, resume, runPlan } from './engine-harness.ts';
import { type OpenedDevices, openedDevices } from './engine-site.ts';
import { newYubiSite, openYubiHsm, type YubiRole, type YubiSite, yubiPlaybook } from './yubihsm-route-site.ts';

export const WRAP_KEY = '6b65796665727279'.repeat(4);

const ROUTES = {
  backup: { role: 'token', playbook: yubiPlaybook('yubihsm-backup') },
  restore: { role: 'spare', playbook: yubiPlaybook('yubihsm-restore') },
} as const;
export type BackupRoute = keyof typeof ROUTES;

type Options = Pick<RunOptions, 'tuning'> & {
  /** Of the run's device, while it runs; the plan is made with a sound one. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** null: it is not given. */
  readonly wrapKey?: string | null;
};

export class BackupDesk {
  readonly site: YubiSite;
  readonly #link: string;

  constructor(site: YubiSite, link: string) {
    this.site = site;
    this.#link = link;
  }

  async run(route: BackupRoute, { values, wrapKey, ...options }: Options = {}): Promise<RunResult> {
    const { role, playbook } = ROUTES[route];
    this.#pointAt(this.site);
    const inputs = this.#inputs(route);
    const planners = await openAlone(this.site, role);
    const plan = await planOf(this.site, planners, playbook, inputs);
    await planners.close();
    const opened = await openAlone(this.site, role, values);
    try {
      return await runPlan(this.site, plan, { ...options, playbook, opened, inputs, ...secretOf(wrapKey) });
    } finally {
      await opened.close();
      await plan.dispose();
    }
  }

  /** Of the run in that site: this desk's, or a copy of it. */
  async resume(
    route: BackupRoute,
    site: YubiSite,
    run: string,
    { values, wrapKey, ...options }: Options & { readonly mode?: 'cancel' } = {},
  ): Promise<RunResult> {
    this.#pointAt(site);
    const opened = await openAlone(site, ROUTES[route].role, values);
    try {
      return await resume(site, run, { ...options, opened, inputs: this.#inputs(route), ...secretOf(wrapKey) });
    } finally {
      await opened.close();
    }
  }

  #inputs(route: BackupRoute): Readonly<Record<string, string>> {
    const folder = join(this.#link, 'backup');
    return route === 'backup' ? { folder } : { files: `${folder}/*.wrapped` };
  }

  #pointAt(site: YubiSite): void {
    rmSync(this.#link, { force: true });
    symlinkSync(site.dir, this.#link);
  }
}

const secretOf = (wrapKey: string | null = WRAP_KEY) => ({
  secretInputs: wrapKey === null ? {} : { wrap_key: new Secret(wrapKey) },
});

async function openAlone(
  site: YubiSite,
  role: YubiRole,
  values: Readonly<Record<string, unknown>> = {},
): Promise<OpenedDevices> {
  return openedDevices(new Map([[role, await openYubiHsm(site, role, values)]]));
}

/** With an empty folder for the backup, a token with what `prepare` makes and a spare without anything. Only inside of a test. */
export async function newBackupDesk(prepare: (token: Device) => Promise<void>): Promise<BackupDesk> {
  const site = await newYubiSite(prepare);
  mkdirSync(join(site.dir, 'backup'));
  const spare = await openYubiHsm(site, 'spare', { serial: 7_654_321 });
  await spare.device.close();
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'keyferry-link-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return new BackupDesk(site, join(folder, 'here'));
}

/** Everything that lies in the backup's folder, hidden or not. */
export const filesIn = ({ dir }: YubiSite): readonly string[] => readdirSync(join(dir, 'backup')).sort();

/** `symmetric-key-0x0010`. */
export const nameOf = ({ type, id }: Pick<StoredObject, 'type' | 'id'>): string =>
  `${objectTypeName(type)}-0x${id.toString(16).padStart(4, '0')}`;

/** As an object is on a device that never had one of its type and id, after it came there under wrap. */
export const arrived = (object: StoredObject): StoredObject => ({
  ...object,
  origin: object.origin | ORIGIN.importedWrapped,
  sequence: 0,
});
