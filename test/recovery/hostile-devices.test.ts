/** Devices and couriers that do not do what they say. Whatever they do, no key is wrapped for a stranger and no wrong key counts as moved. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BoundDevice, Device } from '../../src/adapters/adapter.ts';
import { CLOUDHSM_CKM } from '../../src/adapters/cloudhsm/profile.ts';
import { LUNA_CKM } from '../../src/adapters/luna-classic/profile.ts';
import { CKA, CKM } from '../../src/adapters/pkcs11/constants.ts';
import type { Attribute, Cryptoki } from '../../src/adapters/pkcs11/cryptoki.ts';
import type { Personality } from '../../src/adapters/pkcs11/simulator/personality.ts';
import type { KeyRef } from '../../src/keys/key-record.ts';
import type { RunResult } from '../../src/workflows/engine.ts';
import { expectMigrated, expectMoved, expectUntouched } from '../support/engine-end-state.ts';
import {
  changed,
  EVERY_WRITE,
  journalOf,
  mainPlaybook,
  planOf,
  resume,
  run,
  runPlan,
} from '../support/engine-harness.ts';
import { openModules } from '../support/engine-modules.ts';
import { type BentRun, plannedOn, runOn } from '../support/engine-runs.ts';
import { keysOn, newSite, openDevices, openedDevices, type SeenKey, type Site } from '../support/engine-site.ts';

const strangersPem = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' }).toString();

/** Without the throw-away key: the first real one finds out. */
const withoutCanary = () => mainPlaybook((text) => changed(text, /canary:\n.*\n.*\n/, ''));

function expectRefused({ site, before, result, devices }: BentRun, code: string): void {
  expect(result).toMatchObject({
    state: 'failed',
    exitCode: 1,
    error: { code },
    leftovers: [],
    counts: { migrated: 0, pending: 3 },
  });
  expect(devices.calls('classic', 'C_WrapKey')).toBe(0);
  expectUntouched(site, before);
}

const errorsOf = async ({ site, result }: { site: Site; result: RunResult }) =>
  (await journalOf(site, result.run)).entries.flatMap(({ entry }) =>
    entry.kind === 'item' ? [{ item: entry.item, state: entry.state, code: entry.error?.code ?? null }] : [],
  );

/** A device one of whose actions gives something else. */
function answering(bound: BoundDevice, action: string, outputs: Readonly<Record<string, unknown>>): BoundDevice {
  const device = new Proxy<Device>(bound.device, {
    get(target, name) {
      const own: unknown = Reflect.get(target, name);
      if (typeof own !== 'function') return own;
      if (name !== 'perform') return own.bind(target);
      return async (call: Parameters<Device['perform']>[0]) => {
        const result = await target.perform(call);
        return call.action === action ? { ...result, outputs: { ...result.outputs, ...outputs } } : result;
      };
    },
  });
  return { ...bound, device };
}

describe('a public key swapped between export and import', () => {
  it('by the device that exports it is refused before any wrap', async () => {
    const site = await newSite({ count: 3 });
    const before = keysOn(site, 'classic');
    const planners = await openDevices(site);
    const plan = await planOf(site, planners, mainPlaybook());
    await planners.close();
    const devices = await openModules(site);
    const bound = new Map(devices.bound);
    const pem = { kind: 'public-key', pem: strangersPem() };
    bound.set('cluster', answering(devices.of('cluster'), 'export-public-key', { pem }));
    const result = await runPlan(site, plan, { opened: openedDevices(bound) });
    expectRefused({ site, before, result, devices }, 'wrapping-key-swapped');
    await devices.close();
    await plan.dispose();
  });

  it('on its way as a file is refused before any wrap', async () => {
    const site = await newSite({ count: 3 });
    const received = join(site.dir, 'received.pem');
    writeFileSync(received, strangersPem(), { mode: 0o600 });
    const playbook = mainPlaybook((text) =>
      changed(
        changed(text, 'public-key: "${{ steps.public.pem }}"', 'public-key: "${{ steps.received.data }}"'),
        '  - id: wrapper\n',
        [
          '  - do: file.write',
          `    with: { path: ${join(site.dir, 'sent.pem')}, data: "\${{ steps.public.pem }}" }`,
          '  - id: received',
          '    do: file.read',
          `    with: { path: ${received}, as: public-key }`,
          '  - id: wrapper\n',
        ].join('\n'),
      ),
    );
    expectRefused(await runOn({}, { site, playbook }), 'wrapping-key-swapped');
  });

  it('on the source while the run was stopped is refused by the process that takes it up', async () => {
    const site = await newSite({ count: 3 });
    const before = keysOn(site, 'classic');
    const images: Site[] = [];
    const done = await run(site, {
      tuning: {
        ...EVERY_WRITE,
        onWrite: (point) => {
          if (point === 'after-commit' && images.length === 0 && keysOn(site, 'cluster').some(isMoved))
            images.push(site.copy());
        },
      },
    });
    expect(done.state).toBe('done');
    const [image] = images;
    if (image === undefined) throw new Error('no image was taken');
    await swapWrapper(image);
    const moved = keysOn(image, 'cluster').filter(isMoved);
    const devices = await openModules(image);
    const result = await resume(image, done.run, { opened: devices });
    await devices.close();
    expect(result).toMatchObject({ state: 'failed', exitCode: 1, error: { code: 'wrapping-key-swapped' } });
    expect(devices.calls('classic', 'C_WrapKey')).toBe(0);
    expectMoved(image, before, moved);
  });
});

const isMoved = (key: SeenKey): boolean => key.class === 'secret' && key.label.startsWith('payments-');

/** As an intruder with the partition's PIN would: the same name, another key. */
async function swapWrapper(site: Site): Promise<void> {
  const devices = await openDevices(site);
  const { device } = devices.of('classic');
  for await (const batch of device.inventory({ kcv: false })) {
    for (const record of batch.filter((each) => each.class === 'public')) {
      const key: KeyRef = { kind: 'key', device: 'classic', locator: record.locator };
      await device.perform({ action: 'delete-key', args: { key } });
      await device.perform({
        action: 'import-public-key',
        args: {
          'public-key': { kind: 'public-key', pem: strangersPem() },
          label: record.label,
          id: record.id,
          purpose: 'wrapping',
        },
      });
    }
  }
  await devices.close();
}

describe('a device that widens the rights of a wrapping key', () => {
  it.each(['cluster', 'classic'] as const)('on the %s stops the run before any wrap', async (role) => {
    expectRefused(await runOn({ [role]: { defects: { widensWrappingKeys: true } } }), 'wrapping-key-widened');
  });
});

/** LOCAL reads false from the nth reading on. */
function foreignFrom(nth: number): (real: Cryptoki) => Partial<Cryptoki> {
  let reads = 0;
  return (real) => ({
    C_GetAttributeValue: (session, object, types) => {
      const isAsked = types.includes(CKA.LOCAL);
      if (isAsked) reads += 1;
      return real
        .C_GetAttributeValue(session, object, types)
        .map((each) => (each.type === CKA.LOCAL && reads >= nth ? { ...each, value: Uint8Array.of(0) } : each));
    },
  });
}

describe('an unwrapping key that was not made on the target', () => {
  it('is refused when the device says so at once', async () => {
    expectRefused(await runOn({ cluster: { bend: foreignFrom(1) } }), 'wrapping-key-not-local');
  });

  it('is refused when the device says so only right before the first wrap', async () => {
    let isImported = false;
    const run = await runOn({
      classic: {
        before: (call) => {
          if (call === 'C_CreateObject') isImported = true;
        },
      },
      cluster: {
        bend: (real) => ({
          C_GetAttributeValue: (session, object, types) =>
            real
              .C_GetAttributeValue(session, object, types)
              .map((each) => (each.type === CKA.LOCAL && isImported ? { ...each, value: Uint8Array.of(0) } : each)),
        }),
      },
    });
    expectRefused(run, 'wrapping-key-not-local');
    const { entries } = await journalOf(run.site, run.result.run);
    expect(entries.some(({ entry }) => entry.kind === 'check' && entry.result === 'failed')).toBe(true);
  });
});

describe('a device that makes arrived keys extractable', () => {
  const defects = { unwrappedExtractable: true };

  it('fails the canary, and no real key is touched', async () => {
    const { site, before, result, devices } = await runOn({ cluster: { defects } });
    expect(result).toMatchObject({ state: 'failed', exitCode: 1, error: { code: 'canary-failed' }, leftovers: [] });
    expect(devices.calls('classic', 'C_WrapKey')).toBe(1);
    expectUntouched(site, before);
  });

  it('without a canary fails the first key, removes it and starts no other', async () => {
    const bent = await runOn({ cluster: { defects } }, { playbook: withoutCanary() });
    expect(bent.result).toMatchObject({
      state: 'paused',
      exitCode: 1,
      error: { code: 'run-stopped' },
      counts: { failed: 1, pending: 2, migrated: 0 },
    });
    expect(await errorsOf(bent)).toEqual([{ item: 0, state: 'failed', code: 'attribute-mismatch' }]);
    expect(keysOn(bent.site, 'cluster').filter(({ class: keyClass }) => keyClass === 'secret')).toEqual([]);
    const ended = await resume(bent.site, bent.result.run, { mode: 'cancel' });
    expect(ended).toMatchObject({ state: 'cancelled', exitCode: 1, leftovers: [], counts: { failed: 1, pending: 2 } });
    expectUntouched(bent.site, bent.before);
  });
});

describe('a device that wraps keys that are not extractable', () => {
  const modules = { classic: { defects: { wrapsUnextractable: true } } };

  it('gets none of them to wrap: they are skipped', async () => {
    const site = await newSite({ count: 4, nonextractableShare: 0.5 });
    const { before, result, devices } = await runOn(modules, { site });
    expect(result).toMatchObject({ state: 'done', exitCode: 0, counts: { migrated: 2, skipped: 2 } });
    // The canary and the two that may leave.
    expect(devices.calls('classic', 'C_WrapKey')).toBe(3);
    const extractable = before.filter((key) => key.extractable);
    expect(extractable).toHaveLength(2);
    expectMoved(site, before, extractable);
  });

  it('blocks them when the playbook does not check', async () => {
    const site = await newSite({ count: 4, nonextractableShare: 0.5 });
    const playbook = mainPlaybook((text) => changed(text, / {2}- do: classic.require-attribute\n.*\n.*\n/, ''));
    const { items } = await plannedOn(site, modules, playbook);
    expect(items.map(({ action }) => action).sort()).toEqual(['block', 'block', 'move', 'move']);
  });
});

describe('a mechanism that means something else', () => {
  /** PKCS#1 v1.5 where OAEP was asked for. */
  const paddedOtherwise = (real: Cryptoki): Partial<Cryptoki> => ({
    C_WrapKey: (session, _mechanism, wrappingKey, key) =>
      real.C_WrapKey(session, { type: CKM.RSA_PKCS }, wrappingKey, key),
  });
  const blind = { classic: { bend: paddedOtherwise, probe: false } };

  it('is found out when the device is opened, and blocks the plan', async () => {
    const site = await newSite({ count: 3 });
    const { items, blocks } = await plannedOn(site, { classic: { bend: paddedOtherwise } });
    expect(items.filter(({ action }) => action === 'move')).toEqual([]);
    expect([...blocks, ...items.map(({ reason }) => reason)].join('\n')).toContain('rsa-oaep-sha1');
  });

  it('is found out by the canary where it cannot be tried', async () => {
    const { site, before, result, devices } = await runOn(blind);
    expect(result).toMatchObject({ state: 'failed', exitCode: 1, error: { code: 'canary-failed' }, leftovers: [] });
    expect(devices.calls('classic', 'C_WrapKey')).toBe(1);
    expectUntouched(site, before);
  });

  it('without a canary fails the first key and starts no other', async () => {
    const bent = await runOn(blind, { playbook: withoutCanary() });
    expect(bent.result).toMatchObject({ state: 'paused', error: { code: 'run-stopped' }, counts: { failed: 1 } });
    expect(await errorsOf(bent)).toEqual([{ item: 0, state: 'failed', code: 'device-refused' }]);
    await resume(bent.site, bent.result.run, { mode: 'cancel' });
    expectUntouched(bent.site, bent.before);
  });
});

/** Unwraps nothing and makes a key of its own, where the arriving key is called so. */
function inventing(label: RegExp): (real: Cryptoki) => Partial<Cryptoki> {
  const length: Attribute = { type: CKA.VALUE_LEN, value: Uint8Array.of(32, 0, 0, 0, 0, 0, 0, 0) };
  return (real) => ({
    C_UnwrapKey: async (session, mechanism, unwrappingKey, wrapped, template) => {
      const name = template.find(({ type }) => type === CKA.LABEL)?.value ?? new Uint8Array();
      return label.test(Buffer.from(name).toString())
        ? await real.C_GenerateKey(session, { type: CKM.AES_KEY_GEN }, [...template, length])
        : await real.C_UnwrapKey(session, mechanism, unwrappingKey, wrapped, template);
    },
  });
}

describe('a device that makes another key than the one it was sent', () => {
  it('fails the canary, and nothing is left', async () => {
    const { site, before, result } = await runOn({ cluster: { bend: inventing(/canary/) } });
    expect(result).toMatchObject({ state: 'failed', error: { code: 'canary-failed' }, leftovers: [] });
    expectUntouched(site, before);
  });

  it('without a canary fails the first key with exit code 5, and removes the wrong one', async () => {
    const bent = await runOn({ cluster: { bend: inventing(/payments/) } }, { playbook: withoutCanary() });
    expect(bent.result).toMatchObject({ state: 'paused', exitCode: 5, counts: { failed: 1, migrated: 0 } });
    expect(await errorsOf(bent)).toEqual([{ item: 0, state: 'failed', code: 'verification-failed' }]);
    await resume(bent.site, bent.result.run, { mode: 'cancel' });
    expectUntouched(bent.site, bent.before);
  });

  it('fails only the keys it does that to, and removes what it made', async () => {
    const playbook = mainPlaybook((text) => changed(text, /stop-when: .*/, 'stop-when: failed > 10'));
    const { site, before, result } = await runOn({ cluster: { bend: inventing(/payments-000[23]/) } }, { playbook });
    expect(result).toMatchObject({ state: 'done', exitCode: 5, leftovers: [], counts: { migrated: 1, failed: 2 } });
    const states = await errorsOf({ site, result });
    expect(states.map(({ state, code }) => `${state} ${code}`).sort()).toEqual([
      'failed verification-failed',
      'failed verification-failed',
      'migrated null',
    ]);
    expectMoved(
      site,
      before,
      before.filter((key) => key.label === 'payments-0001'),
    );
  });
});

describe('modules that lack what others have', () => {
  const lacking =
    (...types: readonly number[]) =>
    (given: Personality): Personality => ({
      ...given,
      mechanisms: given.mechanisms.filter(({ type }) => !types.includes(type)),
    });
  const AES = [CKM.AES_ECB, CKM.AES_CBC, CKM.AES_CBC_PAD];
  const OTHERS = [CKM.DES3_ECB, CKM.DES3_CBC, CKM.AES_CMAC, CKM.DES3_CMAC, CKM.SHA256_HMAC];
  const KEY_WRAP = [LUNA_CKM.AES_KW, LUNA_CKM.AES_KWP, ...Object.values(CLOUDHSM_CKM)];

  it('no AES key wrap: the keys move all the same', async () => {
    const personality = lacking(...KEY_WRAP);
    const { site, before, result } = await runOn({ classic: { personality }, cluster: { personality } });
    await expectMigrated(site, before, result);
  });

  it('no way to compare keys on the target: the plan blocks every key', async () => {
    const site = await newSite({ count: 3 });
    const { items } = await plannedOn(site, {
      cluster: { personality: lacking(...AES, ...OTHERS, ...KEY_WRAP) },
    });
    expect(items.map(({ action }) => action)).toEqual(['block', 'block', 'block']);
    expect(items[0]?.reason).toContain('could not be compared');
  });

  it('the same behind a plan that was made before: the canary finds no proof, and nothing is moved', async () => {
    const { site, before, result } = await runOn({ cluster: { personality: lacking(...AES, ...KEY_WRAP) } });
    expect(result).toMatchObject({ state: 'failed', error: { code: 'canary-failed' }, leftovers: [] });
    expectUntouched(site, before);
  });

  it('no OAEP on the target: the plan is blocked', async () => {
    const site = await newSite({ count: 3 });
    const { blocks } = await plannedOn(site, { cluster: { personality: lacking(CKM.RSA_PKCS_OAEP) } });
    expect(blocks.join('\n')).toContain('cluster cannot unwrap with rsa-oaep-sha1');
  });
});
