import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../../../src/adapters/adapter.ts';
import { capabilityNames } from '../../../../../src/adapters/yubihsm/wire/capabilities.ts';
import { COMMAND } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { ClearKey } from '../../../../../src/keys/clear-key.ts';
import type { KeyRef } from '../../../../../src/keys/key-record.ts';
import { pemFromSpki, spkiSha256 } from '../../../../../src/keys/public-key.ts';
import { Secret } from '../../../../../src/keys/secret.ts';
import {
  findingsOf,
  make,
  refusalOf,
  type SiteOptions,
  type YubiHsmSite,
  yubihsmSite,
} from '../../../../support/yubihsm-adapter-devices.ts';

let site: YubiHsmSite;
const open = async (options: SiteOptions = {}, rights = {}) => {
  site = await yubihsmSite(options);
  return await site.open(rights);
};
afterEach(async () => site?.close());

const BYTES = Uint8Array.from({ length: 32 }, (_, index) => index * 7 + 3);
const clear = (bytes = BYTES) => new ClearKey('aes', Uint8Array.from(bytes));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('get-random', () => {
  it('gives bytes of the device, others each time', async () => {
    const device = await open();
    const ask = async () => (await device.perform({ action: 'get-random', args: { bytes: 32 } })).outputs.material;
    const [one, two] = [(await ask()) as ClearKey, (await ask()) as ClearKey];
    expect(one.reveal()).toHaveLength(32);
    expect(hexOf(one.reveal())).not.toBe(hexOf(two.reveal()));
    expect(String(one)).toBe('[redacted]');
  });

  it('refuses lengths that are none, and a session that may not', async () => {
    const device = await open({}, { without: ['get-pseudo-random'] });
    expect(await findingsOf(device, 'get-random', { bytes: 32 })).toEqual([
      'block: the authentication key 0x0a01 of token lacks get-pseudo-random',
    ]);
    expect((await refusalOf(device.perform({ action: 'get-random', args: { bytes: 32 } }))).code).toBe(
      'key-not-permitted',
    );
    for (const bytes of [0, -1, 5000]) {
      expect((await refusalOf(device.perform({ action: 'get-random', args: { bytes } }))).code).toBe(
        'argument-invalid',
      );
    }
  });
});

describe('import-key and put-symmetric-key', () => {
  const args = { material: clear(), label: 'escrow', extractable: true };

  it.each(['import-key', 'put-symmetric-key'])('%s puts a key and compares it with its bytes', async (action) => {
    const device = await open();
    expect(await findingsOf(device, action, args)).toEqual([]);
    const { outputs, violations } = await device.perform({ action, args });
    expect(violations).toEqual([]);
    expect(outputs).toMatchObject({ method: 'encrypt-ecb', kcv: expect.stringMatching(/^[0-9a-f]{6}$/) });
    const record = await device.read(outputs.key as KeyRef);
    expect(record).toMatchObject({ bits: 256, exportable: true, kcv: outputs.kcv });
    expect(record.attributes).toMatchObject({ local: false, neverExtractable: false });
  });

  it.each(['lose-reply', 'drop-before'] as const)(
    'settles after %s by the fingerprint in the intent, without the bytes',
    async (kind) => {
      const device = await open({ faults: [{ command: 'put-symmetric-key', kind, nth: 1 }] });
      const call = { action: 'put-symmetric-key', args, salt: new Uint8Array(16).fill(5) };
      const { expectation } = await device.expect(call, null);
      expect(expectation).toMatchObject({
        kind: 'count',
        named: 0,
        locator: { fingerprint: { method: 'encrypt-ecb' } },
      });
      expect((await refusalOf(device.perform({ ...call, expectation }))).outcome).toBe('unknown');
      const { material: _gone, ...rest } = args;
      const settled = await device.reconcile({ ...call, args: rest, expectation }, null);
      expect(settled).toMatchObject(
        kind === 'drop-before'
          ? { state: 'absent' }
          : { state: 'done', violations: [], outputs: { method: 'encrypt-ecb' } },
      );
    },
  );

  it('sees that another key has the id and label of the one it sent', async () => {
    const device = await open();
    const call = { action: 'import-key', args, salt: new Uint8Array(16) };
    const { expectation } = await device.expect(call, null);
    const id = expectation.kind === 'count' ? expectation.locator.id : '';
    await make(device, { label: 'escrow', id });
    expect(await device.reconcile({ ...call, expectation }, null)).toMatchObject({
      state: 'ambiguous',
      reason: expect.stringContaining('is not the key that was to arrive'),
    });
  });

  it('tells when the device holds another key than it was given', async () => {
    site = await yubihsmSite();
    const device = await site.openBent((command, reply) =>
      command.code === COMMAND['encrypt-ecb'] ? new Uint8Array(32) : reply,
    );
    const { violations } = await device.perform({ action: 'import-key', args });
    expect(violations).toMatchObject([{ code: 'verification-failed' }]);
  });

  it.each([
    [{ material: clear(new Uint8Array(20)) }, 'it holds 20 bytes, and an AES key has 16, 24 or 32'],
    [{ material: clear(new Uint8Array(32)) }, 'all its bytes are the same, which is no key'],
    [{ material: { bytes: BYTES } }, 'must be a key in clear'],
    [{ capabilities: ['encrypt-cbc'] }, 'could not be compared with its bytes'],
    [{ label: undefined }, 'it needs "label", or a key that it is "like"'],
  ])('refuses %o in the plan and in the run', async (more, reason) => {
    const device = await open();
    const wrong = { ...args, ...more };
    expect((await findingsOf(device, 'import-key', wrong)).join()).toContain(reason);
    const error = await refusalOf(device.perform({ action: 'import-key', args: wrong }));
    expect(error.outcome).toBe('not-applied');
    expect(error.message).not.toContain(hexOf(BYTES).slice(0, 8));
    expect(await site.objects()).toEqual([]);
  });

  it('names the firmware that has AES keys', async () => {
    const device = await open({ firmware: '2.2' });
    expect(await findingsOf(device, 'import-key', args)).toEqual([
      'block: firmware 2.2.0 of token has no AES keys (2.3 has): keep the bytes as an opaque object, or use a newer device',
    ]);
  });

  it('finds the material of a key that it is like under another name', async () => {
    const device = await open();
    const there = await make(device, args, { action: 'import-key' });
    const salt = new Uint8Array(16).fill(2);
    const fingerprint = await device.fingerprint({ key: there, salt, methods: ['encrypt-ecb'] });
    const like = { ...there, locator: { ...there.locator, serial: 'another', id: '0777', fingerprint } };
    const [findings] = await device.preview('import-key', [{ material: clear(), like }], salt);
    expect(findings?.[0]).toMatchObject({ level: 'duplicate' });
  });
});

describe('export-key', () => {
  const exportable = { label: 'payments', id: '0100', extractable: true };
  const exported = async (device: Awaited<ReturnType<typeof open>>, key: KeyRef) =>
    (await device.perform({ action: 'export-key', args: { key } })).outputs.material as ClearKey;

  it('says beforehand when what comes out cannot be compared with the key', async () => {
    const device = await open();
    const blind = {
      type: 'aes',
      bits: 256,
      label: 'cbc',
      id: '0101',
      extractable: true,
      capabilities: ['encrypt-cbc'],
    };
    const key = await make(device, blind);
    const found = await findingsOf(device, 'export-key', { key });
    expect(found).toEqual([
      expect.stringMatching(/^note: in clear on this computer/),
      expect.stringMatching(/^note: what comes out is not compared with the symmetric-key 0x0101 "cbc"/),
    ]);
    expect((await exported(device, key)).reveal()).toHaveLength(32);
  });

  it('gives the key that was put, and leaves no wrap key behind', async () => {
    const device = await open();
    const key = await make(device, { material: clear(), ...exportable }, { action: 'import-key' });
    const [why, ...more] = await findingsOf(device, 'export-key', { key });
    expect([why, more]).toEqual([expect.stringMatching(/^note: in clear on this computer/), []]);
    const material = await exported(device, key);
    expect(hexOf(material.reveal())).toBe(hexOf(BYTES));
    expect(material.usage).toMatchObject({ encrypt: true, decrypt: true, wrap: false });
    expect(await site.objects()).toEqual(['symmetric-key/0100']);
  });

  it.each([
    ['put-public-wrap-key', 'lose-reply'],
    ['put-public-wrap-key', 'drop-before'],
    ['get-rsa-wrapped-key', 'lose-reply'],
    ['get-rsa-wrapped-key', 'outer-error'],
    ['get-rsa-wrapped-key', 'log-full'],
    ['delete-object', 'lose-reply'],
  ] as const)('leaves no wrap key behind when %s goes wrong (%s)', async (command, kind) => {
    const device = await open({ faults: [{ command, kind, nth: 1 }] });
    const key = await make(device, exportable);
    const material = await exported(device, key).catch(() => null);
    expect(material === null).toBe(command !== 'delete-object');
    expect(await site.objects()).toEqual(['symmetric-key/0100']);
  });

  it.each(['lose-reply', 'drop-before', 'corrupt-reply', 'outer-error'] as const)(
    'may be made anew when nothing is left of a wrap key whose reply was lost (%s)',
    async (kind) => {
      const device = await open({ faults: [{ command: 'put-public-wrap-key', kind, nth: 1 }] });
      const key = await make(device, exportable);
      const error = await refusalOf(exported(device, key));
      expect(error).toMatchObject({ code: 'device-busy', outcome: 'not-applied', scope: 'transient' });
      expect(error.message).toMatch(
        /put-public-wrap-key for its one-use wrap key had no answer.*is not on the device now\.$/,
      );
      expect(await site.objects()).toEqual(['symmetric-key/0100']);
      expect((await exported(device, key)).reveal()).toHaveLength(32);
    },
  );

  it('names the wrap key that it could not delete, then and in the next plan', async () => {
    const device = await open({
      faults: [
        { command: 'put-public-wrap-key', kind: 'lose-reply', nth: 1 },
        { command: 'delete-object', kind: 'log-full' },
      ],
    });
    const key = await make(device, exportable);
    const [, ...before] = await findingsOf(device, 'export-key', { key });
    expect(before).toEqual([]);
    const error = await refusalOf(exported(device, key));
    expect(error).toMatchObject({ code: 'device-lost', outcome: 'unknown' });
    const [left] = (await site.objects()).filter((name) => name.startsWith('public-wrap-key/'));
    const id = `0x${left?.split('/')[1]}`;
    expect(error.message).toContain(`The public wrap key ${id} "keyferry one-use export" may still be there`);
    const [, ...after] = await findingsOf(device, 'export-key', { key });
    expect(after).toEqual([expect.stringContaining(`left the public wrap key ${id} "keyferry one-use export" on`)]);
  });

  describe('cut off by the end of its process', () => {
    const [ours, theirs] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
    const wrapKeys = async () => (await site.objects()).filter((name) => name.startsWith('public-wrap-key/'));
    const exportOf = async (device: Device, key: KeyRef, salt: Uint8Array) =>
      (await device.perform({ action: 'export-key', args: { key }, salt })).outputs.material as ClearKey;

    /** Nothing deletes what these exports put there, as if the process had been killed. */
    async function leftBy(...salts: readonly Uint8Array[]): Promise<KeyRef> {
      const faults = Array.from({ length: 4 * salts.length }, (_, index) => ({
        command: 'delete-object',
        nth: index + 1,
      }));
      const device = await open({ faults: faults.map((fault) => ({ ...fault, kind: 'log-full' as const })) });
      const key = await make(device, exportable);
      for (const salt of salts) await exportOf(device, key, salt).catch(() => null);
      expect(await wrapKeys()).toHaveLength(salts.length);
      return key;
    }

    it('leaves a wrap key that the same run removes when it goes on', async () => {
      const key = await leftBy(ours);
      const device = await site.open();
      expect((await exportOf(device, key, ours)).reveal()).toHaveLength(32);
      expect(await wrapKeys()).toEqual([]);
    });

    it("and no other run's", async () => {
      const key = await leftBy(theirs, ours);
      const device = await site.open();
      await exportOf(device, key, ours);
      expect(await wrapKeys()).toHaveLength(1);
      const [, note] = await findingsOf(device, 'export-key', { key });
      expect(note).toContain('left the public wrap key');
      await exportOf(device, key, theirs);
      expect(await wrapKeys()).toEqual([]);
    });

    it('takes none from exports of its own that are under way', async () => {
      const device = await open();
      const key = await make(device, exportable);
      const all = await Promise.all(Array.from({ length: 6 }, () => exportOf(device, key, ours)));
      expect(new Set(all.map((material) => hexOf(material.reveal()))).size).toBe(1);
      expect(await wrapKeys()).toEqual([]);
    });
  });

  it('refuses what cannot leave, what is no AES key, and old firmware', async () => {
    const device = await open({}, { delegatedWithout: ['decrypt-cbc'] });
    const cannot = await make(device, { label: 'stuck', id: '0001', attributes: { decrypt: false } });
    const mac = await make(device, { type: 'generic-secret', bits: 256, id: '0002', extractable: true });
    const admin = await site.open();
    const strong = await make(admin, { ...exportable, id: '0003' });
    for (const [key, reason] of [
      [cannot, 'symmetric-key 0x0001 lacks exportable-under-wrap: it can never leave this device'],
      [mac, 'only AES keys are exported in clear, not the hmac-key 0x0002 "key"'],
      [strong, 'the authentication key may not delegate decrypt-cbc to a wrap key'],
    ] as const) {
      expect(await findingsOf(device, 'export-key', { key })).toEqual([`block: ${reason}`]);
      const error = await refusalOf(exported(device, key));
      expect(error).toMatchObject({ code: 'key-not-extractable', outcome: 'not-applied' });
      expect(error.message).toContain(reason);
    }
    await site.close();
    const old = await open({ firmware: '2.3' });
    const key = await make(old, exportable);
    expect((await findingsOf(old, 'export-key', { key })).join()).toContain(
      'firmware 2.3.1 of token has no RSA wrap (2.4 has)',
    );
    expect((await refusalOf(exported(old, key))).code).toBe('capability-missing');
  });

  it('does not hand out what is not the key', async () => {
    site = await yubihsmSite();
    const device = await site.openBent((command, reply) =>
      command.code === COMMAND['encrypt-ecb'] ? new Uint8Array(32).fill(1) : reply,
    );
    const key = await make(device, exportable);
    expect((await refusalOf(exported(device, key))).code).toBe('verification-failed');
    const bent = await site.openBent((command, reply) =>
      command.code === COMMAND['get-rsa-wrapped-key'] ? (reply as Uint8Array).map((byte) => byte ^ 1) : reply,
    );
    expect((await refusalOf(exported(bent, key))).code).toBe('mechanism-invalid');
    expect(await site.objects()).toEqual(['symmetric-key/0100']);
  });
});

describe('put-wrap-key', () => {
  const HEX = 'aabbccddeeff00112233445566778899';

  it('makes a wrap key of a secret, of the length that it has', async () => {
    const device = await open();
    const key = await make(
      device,
      { secret: new Secret(HEX), label: 'backup', id: '0300' },
      { action: 'put-wrap-key' },
    );
    const info = await site.info('wrap-key', 0x300);
    expect(capabilityNames(info?.capabilities ?? 0n)).toEqual(['export-wrapped', 'import-wrapped']);
    expect((await device.read(key)).bits).toBe(128);
  });

  it.each(['not hex at all', HEX.slice(2), `${HEX}0`])('never repeats a secret that is no key', async (text) => {
    const device = await open();
    const args = { secret: new Secret(text), label: 'backup' };
    const error = await refusalOf(device.perform({ action: 'put-wrap-key', args }));
    expect(error).toMatchObject({ code: 'argument-invalid', outcome: 'not-applied' });
    expect(error.message).not.toContain(text);
    const [found] = await findingsOf(device, 'put-wrap-key', args);
    expect(found).toContain('must be 32, 48 or 64 hex digits');
    expect(found).not.toContain(text);
    expect(
      (await refusalOf(device.perform({ action: 'put-wrap-key', args: { secret: text, label: 'a' } }))).message,
    ).not.toContain(text);
  });

  it('settles a put whose reply was lost', async () => {
    const device = await open({ faults: [{ command: 'put-wrap-key', kind: 'lose-reply', nth: 1 }] });
    const call = { action: 'put-wrap-key', args: { secret: new Secret(HEX), label: 'backup' } };
    const { expectation } = await device.expect(call, null);
    expect((await refusalOf(device.perform({ ...call, expectation }))).outcome).toBe('unknown');
    expect(await device.reconcile({ ...call, expectation }, null)).toMatchObject({ state: 'done', violations: [] });
  });
});

describe('put-public-wrap-key and import-public-key', () => {
  const pair = (publicExponent = 65_537) => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent });
    const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
    return { artifact: { kind: 'public-key', pem: pemFromSpki(spki) }, hash: spkiSha256(spki) };
  };

  it('shows the key as the device holds it', async () => {
    const device = await open();
    const { artifact, hash } = pair();
    const args = { 'public-key': artifact, label: 'kms', purpose: 'wrapping', id: '0200' };
    const { outputs, violations } = await device.perform({ action: 'import-public-key', args });
    expect(violations).toEqual([]);
    expect(outputs.spki_sha256).toBe(hash);
    expect(await device.read(outputs.key as KeyRef)).toMatchObject({ class: 'public', type: 'rsa', exportable: true });
    await device.perform({ action: 'delete-key', args: { key: outputs.key } });
    expect(await site.objects()).toEqual([]);
  });

  it('answers done, with the violation, where the key there is another one or nobody knows any more', async () => {
    const device = await open();
    const call = { action: 'put-public-wrap-key', args: { 'public-key': pair().artifact, label: 'kms' } };
    const { expectation } = await device.expect(call, null);
    await device.perform({ ...call, expectation });
    expect(await device.reconcile({ ...call, expectation }, null)).toMatchObject({ state: 'done', violations: [] });
    for (const other of [pair().artifact, undefined]) {
      const later = { ...call, args: { ...call.args, 'public-key': other }, expectation };
      const settled = await device.reconcile(later, null);
      expect(settled).toMatchObject({ state: 'done', violations: [{ code: 'wrapping-key-swapped' }] });
    }
  });

  it('refuses other exponents, other types and private keys', async () => {
    const device = await open();
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const cases: readonly (readonly [unknown, string])[] = [
      [pair(3).artifact, 'with the exponent 65537 only'],
      [{ kind: 'public-key', pem: ec.publicKey.export({ type: 'spki', format: 'pem' }) }, 'not RSA'],
      [{ kind: 'public-key', pem: ec.privateKey.export({ type: 'pkcs8', format: 'pem' }) }, 'A private key was given'],
      ['text', 'must be a public key'],
    ];
    for (const [key, reason] of cases) {
      const args = { 'public-key': key, label: 'kms' };
      expect((await findingsOf(device, 'put-public-wrap-key', args)).join()).toContain(reason);
      expect((await refusalOf(device.perform({ action: 'put-public-wrap-key', args }))).message).toContain(reason);
    }
    expect(await site.objects()).toEqual([]);
  });
});

describe('put-opaque and get-opaque', () => {
  it('keeps bytes and gives them back, if it is allowed', async () => {
    const device = await open();
    const object = await make(
      device,
      { data: clear(), label: 'note', algorithm: 'opaque-data', id: '0400' },
      { action: 'put-opaque', output: 'object' },
    );
    expect(object.locator).toMatchObject({ class: 'secret', type: 'other', id: '0400' });
    const { outputs } = await device.perform({ action: 'get-opaque', args: { object } });
    expect(hexOf((outputs.material as ClearKey).reveal())).toBe(hexOf(BYTES));
    const hidden = await make(
      device,
      { data: BYTES, label: 'hidden', algorithm: 'opaque-data', capabilities: ['exportable-under-wrap'] },
      { action: 'put-opaque', output: 'object' },
    );
    expect((await findingsOf(device, 'get-opaque', { object: hidden })).join()).toContain('lacks get-opaque');
    expect((await refusalOf(device.perform({ action: 'get-opaque', args: { object: hidden } }))).code).toBe(
      'key-not-permitted',
    );
    const key = await make(device, { label: 'a key' });
    expect((await findingsOf(device, 'get-opaque', { object: key })).join()).toContain('is no opaque object');
    await device.perform({ action: 'delete-object', args: { object } });
    expect((await refusalOf(device.perform({ action: 'delete-object', args: { object } }))).code).toBe('key-not-found');
  });

  it('refuses nothing, too much, and what is no bytes', async () => {
    const device = await open();
    for (const [data, reason] of [
      [new Uint8Array(0), 'holds 1 to 1968 bytes, not 0'],
      [new Uint8Array(3000), 'holds 1 to 1968 bytes, not 3000'],
      ['text', 'must be bytes'],
    ] as const) {
      const args = { data, label: 'note', algorithm: 'opaque-data' };
      expect((await findingsOf(device, 'put-opaque', args)).join()).toContain(reason);
      expect((await refusalOf(device.perform({ action: 'put-opaque', args }))).outcome).toBe('not-applied');
    }
    expect(await site.objects()).toEqual([]);
  });

  it('settles a put whose reply was lost', async () => {
    const device = await open({ faults: [{ command: 'put-opaque', kind: 'lose-reply', nth: 1 }] });
    const call = { action: 'put-opaque', args: { data: BYTES, label: 'note', algorithm: 'opaque-data' } };
    const { expectation } = await device.expect(call, null);
    expect((await refusalOf(device.perform({ ...call, expectation }))).outcome).toBe('unknown');
    expect(await device.reconcile({ ...call, expectation }, null)).toMatchObject({ state: 'done', violations: [] });
  });
});
