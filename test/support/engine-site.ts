/**
 * A source and a target of simulated keys with state folders, and a home for runs: everything that outlives a process. Copies of it are
 * what a power cut leaves. What is on the devices is read from their state files, past the adapters and the engine.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { BoundDevice, FillRequest, OpenContext } from '../../src/adapters/adapter.ts';
import { CKA, CKO } from '../../src/adapters/pkcs11/constants.ts';
import { FLAG } from '../../src/adapters/pkcs11/simulator/attribute-table.ts';
import { decodeRecord } from '../../src/adapters/pkcs11/simulator/record-codec.ts';
import { has, type SimulatedObject } from '../../src/adapters/pkcs11/simulator/simulated-object.ts';
import { RecordLog } from '../../src/adapters/simulation/record-log.ts';
import { Secret } from '../../src/keys/secret.ts';
import { ADAPTERS } from './adapters.ts';

export const ROLES = { classic: 'luna-classic', cluster: 'cloudhsm' } as const;
export type Role = keyof typeof ROLES;

export interface Site {
  readonly dir: string;
  readonly home: string;
  /** Folder of a device's state. */
  state(role: Role): string;
  /** A copy on its own, as a power cut or a backup would leave it. Only inside of a test. */
  copy(): Site;
}

export const siteAt = (dir: string): Site => ({
  dir,
  home: join(dir, 'home'),
  state: (role) => join(dir, role),
  copy: () => {
    const copy = newFolder();
    // By another process: closing a file here would drop the locks that SQLite holds on it in this one.
    execFileSync('cp', ['-r', `${dir}/.`, copy]);
    return siteAt(copy);
  },
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyferry-engine-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Devices with these keys on the source; the home is empty. Only inside of a test. */
export async function newSite(...fills: readonly Partial<FillRequest>[]): Promise<Site> {
  const site = siteAt(newFolder());
  mkdirSync(site.home, { mode: 0o700 });
  const devices = await openDevices(site);
  for (const fill of fills) {
    await devices
      .of('classic')
      .device.fill?.({ count: 3, type: 'aes-256', prefix: 'payments-', nonextractableShare: 0, ...fill });
  }
  await devices.close();
  return site;
}

export interface OpenedDevices {
  readonly bound: ReadonlyMap<string, BoundDevice>;
  of(role: Role): BoundDevice;
  close(): Promise<void>;
}

/** More settings of the simulated devices: faults, defects. */
export type DeviceValues = Partial<Record<Role, Readonly<Record<string, unknown>>>>;

export const openContext = (home: string): OpenContext => ({
  secret: async () => new Secret(''),
  home,
  retryPin: false,
  sessions: 4,
});

/** As a new process would: new modules and devices over the same state. */
export async function openDevices(site: Site, values: DeviceValues = {}): Promise<OpenedDevices> {
  const bound = new Map<string, BoundDevice>();
  for (const role of Object.keys(ROLES) as Role[]) {
    const adapter = ADAPTERS[ROLES[role]];
    if (adapter === undefined) throw new Error(`no adapter for ${role}`);
    const settings = {
      name: role,
      adapter: adapter.name,
      driver: 'simulated',
      values: { state: site.state(role), 'crypto-workers': 0, ...values[role] },
    };
    const device = await adapter.open(settings, openContext(site.home));
    bound.set(role, { role, settings, description: await device.describe(), device });
  }
  return openedDevices(bound);
}

export function openedDevices(bound: ReadonlyMap<string, BoundDevice>): OpenedDevices {
  return {
    bound,
    of: (role) => {
      const device = bound.get(role);
      if (device === undefined) throw new Error(`no device for ${role}`);
      return device;
    },
    close: async () => {
      for (const { device } of bound.values()) await device.close();
    },
  };
}

/** An object on a device, with its bytes. */
export interface SeenKey {
  readonly class: 'secret' | 'public' | 'private';
  readonly label: string;
  readonly id: string;
  readonly material: string;
  readonly extractable: boolean;
  readonly sensitive: boolean;
}

const CLASSES: Readonly<Record<number, SeenKey['class']>> = {
  [CKO.SECRET_KEY]: 'secret',
  [CKO.PUBLIC_KEY]: 'public',
  [CKO.PRIVATE_KEY]: 'private',
};

/** Every token object in the device's state files, in the order of its making. */
export function keysOn(site: Site, role: Role): SeenKey[] {
  const objects = new Map<number, SimulatedObject>();
  for (const file of readdirSync(site.state(role)).filter((name) => name.endsWith('.log'))) {
    const log = new RecordLog(join(site.state(role), file), (payload) => {
      const record = decodeRecord(payload);
      if (record.kind === 'put') objects.set(record.object.uid, record.object);
      if (record.kind === 'remove') objects.delete(record.uid);
    });
    log.catchUp();
    log.close();
  }
  return [...objects.values()].map(seen);
}

const text = (value: Uint8Array | undefined, encoding: BufferEncoding): string =>
  Buffer.from(value ?? []).toString(encoding);

const seen = (object: SimulatedObject): SeenKey => ({
  class: CLASSES[object.class] ?? 'secret',
  label: text(object.values.get(CKA.LABEL), 'utf8'),
  id: text(object.values.get(CKA.ID), 'hex'),
  material: text(object.material, 'hex'),
  extractable: has(object, FLAG.EXTRACTABLE),
  sensitive: has(object, FLAG.SENSITIVE),
});

/** What has to be the same on both sides. */
export const identity = (key: SeenKey): string => `${key.class}/${key.label}/${key.id}/${key.material}`;
