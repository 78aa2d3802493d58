/**
 * A YubiHSM's backup and its restore onto another one, stopped before and after every write of the journal, and met by lost replies, a full log,
 * a session that is gone and a file that was cut. Whatever happens: each object is in the backup once and on the other device once, and what
 * could not be done is named.
 */
import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Device } from '../../src/adapters/adapter.ts';
import type { StoredObject } from '../../src/adapters/yubihsm/simulator/stored-object.ts';
import { openCcm } from '../../src/adapters/yubihsm/wire/ccm-wrap.ts';
import { decodeWrappedObject } from '../../src/adapters/yubihsm/wire/wrapped-object.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { JournalTuning } from '../../src/journal/sqlite/journal-writer.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { journalOf } from '../support/engine-harness.ts';
import {
  arrived,
  type BackupDesk,
  type BackupRoute,
  filesIn,
  nameOf,
  newBackupDesk,
  WRAP_KEY,
} from '../support/yubihsm-backup-runs.ts';
import { camera, type Image, objectsOn, type YubiSite } from '../support/yubihsm-route-site.ts';

/** One object of each kind that may leave, all but two under the same id, and one that may not. */
const MADE: readonly { readonly action: string; readonly args: Readonly<Record<string, unknown>> }[] = [
  {
    action: 'put-opaque',
    args: { data: Uint8Array.of(1, 2, 3, 4), algorithm: 'opaque-data', id: '0010', label: 'note', extractable: true },
  },
  { action: 'generate-key', args: { type: 'aes', bits: 256, id: '0010', label: 'aes', extractable: true } },
  { action: 'generate-key', args: { type: 'generic-secret', bits: 512, id: '0010', label: 'mac', extractable: true } },
  {
    action: 'generate-key',
    args: { type: 'aes', bits: 128, id: '0010', label: 'transit', purpose: 'wrapping', extractable: true },
  },
  {
    action: 'generate-ec-key-pair',
    args: { purpose: 'signing', id: '0010', label: 'ec', curve: 'P-256', extractable: true, domains: '2,5' },
  },
  { action: 'generate-key', args: { type: 'ed25519', id: '0011', label: 'ed25519', extractable: true } },
  { action: 'generate-key', args: { type: 'aes', bits: 256, id: '0012', label: 'stays' } },
];

async function makeObjects(token: Device): Promise<void> {
  for (const call of MADE) expect((await token.perform(call)).violations).toEqual([]);
}

/** The factory's authentication key may leave too. */
const FACTORY_KEY = 'authentication-key-0x0001';
const LEAVING = MADE.length - 1;

type Objects = readonly StoredObject[];

const leaving = (objects: Objects): Objects => objects.filter(({ label }) => Buffer.from(label).toString() !== 'stays');

/** A file of each object that may leave, each whole, and nothing else beside them. */
async function expectBackedUp(site: YubiSite, before: Objects): Promise<void> {
  expect(await objectsOn(site, 'token')).toEqual(before);
  const expected = leaving(before);
  expect(filesIn(site)).toEqual([...expected.map(nameOf), FACTORY_KEY].map((name) => `${name}.wrapped`).sort());
  for (const object of expected) {
    const blob = readFileSync(join(site.dir, 'backup', `${nameOf(object)}.wrapped`));
    const opened = openCcm(Buffer.from(WRAP_KEY, 'hex'), blob);
    if (opened === null) throw new Error(`the file of ${nameOf(object)} does not open`);
    const { type, id, label, capabilities, body } = decodeWrappedObject(opened);
    expect({ type, id, label, capabilities }).toEqual({
      type: object.type,
      id: object.id,
      label: object.label,
      capabilities: object.capabilities,
    });
    expect(Buffer.from(body).includes(Buffer.from(object.material))).toBe(true);
  }
}

async function expectRestored(site: YubiSite, before: Objects): Promise<void> {
  const byName = (objects: Objects): Objects => [...objects].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  expect(byName(await objectsOn(site, 'spare'))).toEqual(byName(leaving(before).map(arrived)));
}

interface Way {
  readonly route: BackupRoute;
  readonly counts: Readonly<Record<string, number>>;
  readonly exitCode: number;
  readonly expectDone: (site: YubiSite, before: Objects) => Promise<void>;
}

/** What the other device has already, its factory key, is never written over: that one file fails. */
const WAYS: readonly [Way, Way] = [
  {
    route: 'backup',
    counts: { total: LEAVING + 2, migrated: LEAVING + 1, skipped: 1, failed: 0, pending: 0, needsAttention: 0 },
    exitCode: 0,
    expectDone: expectBackedUp,
  },
  {
    route: 'restore',
    counts: { total: LEAVING + 1, migrated: LEAVING, skipped: 0, failed: 1, pending: 0, needsAttention: 0 },
    exitCode: 1,
    expectDone: expectRestored,
  },
];

async function expectDone(way: Way, site: YubiSite, before: Objects, result: RunResult): Promise<void> {
  const { counts, exitCode } = way;
  expect(result).toMatchObject({ state: 'done', exitCode, error: null, leftovers: [], counts });
  await way.expectDone(site, before);
  expect((await journalOf(site, result.run)).open).toBe(0);
}

/** A desk on which the way's run can begin. */
async function deskFor(way: Way): Promise<{ readonly desk: BackupDesk; readonly before: Objects }> {
  const desk = await newBackupDesk(makeObjects);
  const before = await objectsOn(desk.site, 'token');
  if (way.route === 'restore') expect(await desk.run('backup')).toMatchObject({ state: 'done', exitCode: 0 });
  return { desk, before };
}

const named = (image: Image, again?: Image) => (error: Error) => {
  const where = [image, again].flatMap((each) => (each === undefined ? [] : [`${each.point} of ${each.seq}`]));
  throw new Error(`stopped ${where.join(' and again ')}: ${error.message}`, { cause: error });
};

describe.each(WAYS)('a $route stopped at any write of the journal', (way) => {
  it('ends as if it had not been stopped', async () => {
    const { desk, before } = await deskFor(way);
    const expectEnd = async (site: YubiSite, id: string, tuning?: JournalTuning): Promise<void> => {
      let result: RunResult;
      try {
        result = await desk.resume(way.route, site, id, tuning === undefined ? {} : { tuning });
      } catch (error) {
        if (!(error instanceof KeyferryError) || error.code !== 'run-finished') throw error;
        return await way.expectDone(site, before);
      }
      await expectDone(way, site, before, result);
    };

    const first = camera(desk.site);
    const whole = await desk.run(way.route, { tuning: first.tuning });
    await expectDone(way, desk.site, before, whole);
    const { entries } = await journalOf(desk.site, whole.run);
    // A before and an after for each entry but the two that the journal is made with.
    expect(first.images).toHaveLength((entries.length - 2) * 2);

    let twice = 0;
    for (const [index, image] of first.images.entries()) {
      const nth = 1 + ((index * 7919) % (first.images.length - index + 4));
      const second = camera(image.site, index % 4 === 0 ? nth : Number.POSITIVE_INFINITY);
      await expectEnd(image.site, whole.run, second.tuning).catch(named(image));
      for (const again of second.images) {
        twice += 1;
        await expectEnd(again.site, whole.run).catch(named(image, again));
        again.site.remove();
      }
      image.site.remove();
    }
    expect(twice).toBeGreaterThan(first.images.length / 8);
  }, 300_000);
});

const [BACKUP, RESTORE] = WAYS;

/** `backup put-wrap-key 1`: the first such command of the way's run. */
type Place = readonly [name: string, way: Way, command: string, nth: number];
const place = (way: Way, command: string, nth = 1): Place => [`${way.route} ${command} ${nth}`, way, command, nth];

const IMPORTS = Array.from({ length: LEAVING + 1 }, (_, index) => place(RESTORE, 'import-wrapped', index + 1));
const CHANGES = [
  ...IMPORTS,
  place(RESTORE, 'put-wrap-key'),
  place(RESTORE, 'delete-object'),
  place(BACKUP, 'put-wrap-key'),
  place(BACKUP, 'delete-object'),
];
const EXPORTS = [place(BACKUP, 'export-wrapped'), place(BACKUP, 'export-wrapped', 4)];

describe.each(['lose-reply', 'drop-before'])('%s, after which the device is lost,', (kind) => {
  it.each(CHANGES)('at %s pauses the run, which then ends as if it had not been', async (_name, way, command, nth) => {
    const { desk, before } = await deskFor(way);
    const paused = await desk.run(way.route, { values: { faults: [{ command, kind, nth }] } });
    expect(paused).toMatchObject({ state: 'paused', exitCode: 7, error: { code: 'device-lost', outcome: 'unknown' } });
    await expectDone(way, desk.site, before, await desk.resume(way.route, desk.site, paused.run));
  });
});

/** By its end, or by somebody on the way: nothing is believed of what such an error says, and the device is asked. */
describe('a session that is gone', () => {
  it.each([...CHANGES, ...EXPORTS])('at %s is another one, and the run goes on', async (_name, way, command, nth) => {
    const { desk, before } = await deskFor(way);
    const result = await desk.run(way.route, { values: { faults: [{ command, kind: 'outer-error', error: 3, nth }] } });
    await expectDone(way, desk.site, before, result);
  });
});

/** It is kept nowhere. */
describe('a run that goes on without the wrap key', () => {
  it.each(WAYS)('ends where the device has it already ($route)', async (way) => {
    const { desk, before } = await deskFor(way);
    const faults = [{ command: 'delete-object', kind: 'drop-before', nth: 1 }];
    const paused = await desk.run(way.route, { values: { faults } });
    expect(paused.state).toBe('paused');
    await expectDone(way, desk.site, before, await desk.resume(way.route, desk.site, paused.run, { wrapKey: null }));
  });

  it.each(WAYS)('says that it needs it where the device does not, and goes on once it has it ($route)', async (way) => {
    const { desk, before } = await deskFor(way);
    const faults = [{ command: 'put-wrap-key', kind: 'drop-before', nth: 1 }];
    const paused = await desk.run(way.route, { values: { faults } });
    const again = await desk.resume(way.route, desk.site, paused.run, { wrapKey: null });
    expect(again).toMatchObject({
      state: 'paused',
      exitCode: 2,
      error: {
        code: 'input-invalid',
        message: expect.stringMatching(/^step wrapper \(\w+\.put-wrap-key\) needs wrap_key, which is kept nowhere/),
        hint: expect.stringContaining('-i wrap_key=prompt'),
      },
    });
    await expectDone(way, desk.site, before, await desk.resume(way.route, desk.site, paused.run));
  });
});

describe('a run that is cancelled without the wrap key', () => {
  it.each(['lose-reply', 'drop-before'])('leaves the device as it was, after %s of putting it', async (kind) => {
    const { desk, before } = await deskFor(BACKUP);
    const faults = [{ command: 'put-wrap-key', kind, nth: 1 }];
    const paused = await desk.run('backup', { values: { faults } });
    const ended = await desk.resume('backup', desk.site, paused.run, { wrapKey: null, mode: 'cancel' });
    expect(ended).toMatchObject({ state: 'cancelled', exitCode: 0, error: null, leftovers: [] });
    expect(await objectsOn(desk.site, 'token')).toEqual(before);
    expect((await journalOf(desk.site, paused.run)).open).toBe(0);
  });
});

describe('a full log', () => {
  const LATER = [...IMPORTS.slice(2, 3), ...EXPORTS, place(RESTORE, 'put-wrap-key'), place(BACKUP, 'delete-object')];

  it.each(LATER)('at %s stops the run with a reason; freed, it ends as if there had been room', async (...at) => {
    const [, way, command, nth] = at;
    const { desk, before } = await deskFor(way);
    const faults = [{ command, kind: 'log-full', nth }];
    const paused = await desk.run(way.route, { values: { faults } });
    expect(paused).toMatchObject({ state: 'paused', error: { code: 'device-refused', outcome: 'not-applied' } });
    expect(paused.error?.message).toMatch(/audit log is full and force-audit is on \(log-full\)/);
    await expectDone(way, desk.site, before, await desk.resume(way.route, desk.site, paused.run));
  });
});

describe('a file that was cut', () => {
  const CUT = 'symmetric-key-0x0010.wrapped';
  /** Nothing of nonce, header, key and tag, which are 13, 59, 32 and 16 bytes. */
  it.each([0, 1, 13, 28, 29, 72, 104, 119])('to %d bytes fails by its name, and the others arrive', async (bytes) => {
    const { desk, before } = await deskFor(RESTORE);
    truncateSync(join(desk.site.dir, 'backup', CUT), bytes);
    const result = await desk.run('restore');
    expect(result).toMatchObject({ state: 'done', exitCode: 1, leftovers: [] });
    expect(result.counts).toMatchObject({ migrated: LEAVING - 1, failed: 2, needsAttention: 0 });
    const whole = before.filter((object) => `${nameOf(object)}.wrapped` !== CUT);
    await expectRestored(desk.site, whole);
    const { entries, open } = await journalOf(desk.site, result.run);
    expect(open).toBe(0);
    const failed = entries.flatMap(({ entry }) => (entry.kind === 'item' && entry.state === 'failed' ? [entry] : []));
    const at = filesIn(desk.site).indexOf(CUT);
    expect(failed.map(({ item }) => item)).toContain(at);
  });

  it('by another wrap key nothing arrives, and nothing is left', async () => {
    const { desk, before } = await deskFor(RESTORE);
    const result = await desk.run('restore', { wrapKey: '00'.repeat(32) });
    expect(result).toMatchObject({ state: 'done', exitCode: 1, leftovers: [], counts: { migrated: 0, failed: 7 } });
    expect(await objectsOn(desk.site, 'spare')).toEqual([]);
    await expectRestored(
      desk.site,
      before.filter(() => false),
    );
  });
});
