import { afterEach, describe, expect, it } from 'vitest';
import type { Device, InventoryQuery } from '../../../../src/adapters/adapter.ts';
import { COMMAND } from '../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { fingerprintOf, PROBE_MESSAGE } from '../../../../src/keys/fingerprint.ts';
import type { KeyRecord, KeyRef } from '../../../../src/keys/key-record.ts';
import { listKeys as listObjects, SALT } from '../../../support/pkcs11-devices.ts';
import {
  findingsOf,
  make,
  openYubiHsm,
  refusalOf,
  type SiteOptions,
  type YubiHsmSite,
  yubihsmSite,
} from '../../../support/yubihsm-adapter-devices.ts';

let site: YubiHsmSite;
const open = async (options: SiteOptions = {}, rights = {}): Promise<Device> => {
  site = await yubihsmSite(options);
  return await site.open(rights);
};
afterEach(async () => site?.close());

/** Without what is no key: opaques, authentication keys. */
const listKeys = async (device: Device, query: InventoryQuery = {}): Promise<KeyRecord[]> =>
  (await listObjects(device, query)).filter(({ handle }) => !/^(opaque|authentication-key)/.test(handle));

describe('the inventory', () => {
  it('lists what is no key too, by whether it may leave, and without a use', async () => {
    const device = await open();
    const opaque = { data: new Uint8Array(8), algorithm: 'opaque-data', label: 'note' };
    await make(device, { ...opaque, id: '0005' }, { action: 'put-opaque', output: 'object' });
    await make(device, { ...opaque, id: '0006', extractable: true }, { action: 'put-opaque', output: 'object' });
    // Yubico's tools make these; keyferry knows no action for them. Header, and nonce id with key, or the template.
    const put = async (code: number, start: string, rest: string): Promise<void> => {
      const head = `${start.slice(0, 4)}${'61'.padEnd(80, '0')}ffff0000000000010000${start.slice(4)}`;
      const payload = Buffer.from(head + rest, 'hex');
      await site.admin.call({ code, effect: 'change', encode: () => payload, decode: () => undefined }, undefined);
    };
    await put(COMMAND['put-otp-aead-key'], '000725', '01020304'.repeat(5));
    await put(COMMAND['put-template'], '000824', 'cafe');
    const records = (await listObjects(device)).sort((one, other) => one.id.localeCompare(other.id));
    const lines = records.map(({ handle, class: keyClass, type, bits, exportable }) => [
      handle,
      keyClass,
      type,
      bits,
      exportable,
    ]);
    expect(lines.filter(([handle]) => !String(handle).startsWith('auth'))).toEqual([
      ['opaque/0005', 'secret', 'other', 0, false],
      ['opaque/0006', 'secret', 'other', 0, true],
      ['otp-aead-key/0007', 'secret', 'other', 0, true],
      ['template/0008', 'secret', 'other', 0, true],
    ]);
    expect(lines.filter(([handle]) => String(handle).startsWith('auth')).length).toBeGreaterThan(0);
    expect(records.find(({ handle }) => handle === 'opaque/0005')?.reason).toBe(
      'opaque 0x0005 lacks exportable-under-wrap: it can never leave this device',
    );
    for (const { attributes } of records) {
      const { encrypt, decrypt, sign, verify, wrap, unwrap, derive } = attributes;
      expect([encrypt, decrypt, sign, verify, wrap, unwrap, derive]).toEqual(Array(7).fill(undefined));
    }
    expect(records.map(({ kcv }) => kcv)).toEqual(records.map(() => null));
  });

  it('lists keys of every type with what they may do', async () => {
    const device = await open();
    await make(device, { id: '0001', label: 'aes', extractable: true });
    await make(device, { id: '0002', label: 'mac', type: 'generic-secret', bits: 384 });
    await make(device, { id: '0003', label: 'ec', type: 'ec', curve: 'P-521' });
    await make(device, { id: '0004', label: 'transit', purpose: 'wrapping' });
    const opaque = { data: new Uint8Array(8), algorithm: 'opaque-data', id: '0005', label: 'note' };
    await make(device, opaque, { action: 'put-opaque', output: 'object' });
    const records = (await listKeys(device)).sort((one, other) => one.id.localeCompare(other.id));
    expect(records.map(({ handle, class: keyClass, type, bits }) => [handle, keyClass, type, bits])).toEqual([
      ['symmetric-key/0001', 'secret', 'aes', 256],
      ['hmac-key/0002', 'secret', 'generic-secret', 384],
      ['asymmetric-key/0003', 'private', 'ec', 521],
      ['wrap-key/0004', 'secret', 'aes', 256],
    ]);
    expect(
      records.map(({ attributes: { encrypt, sign, verify, wrap, unwrap } }) => [encrypt, sign, verify, wrap, unwrap]),
    ).toEqual([
      [true, false, false, false, false],
      [false, true, true, false, false],
      [false, true, false, false, false],
      [false, false, false, true, true],
    ]);
    expect(records.map(({ reason }) => reason)).toEqual([
      null,
      'hmac-key 0x0002 lacks exportable-under-wrap: it can never leave this device',
      'asymmetric-key 0x0003 lacks exportable-under-wrap: it can never leave this device',
      'wrap-key 0x0004 lacks exportable-under-wrap: it can never leave this device',
    ]);
    expect(records[0]?.kcv).toMatch(/^[0-9a-f]{6}$/);
    expect(records.slice(1).map(({ kcv }) => kcv)).toEqual([null, null, null]);
  });

  it('gives only the classes asked for, with fingerprints where keys can make them', async () => {
    const device = await open();
    await make(device, { id: '0001' });
    await make(device, { id: '0002', type: 'generic-secret', bits: 256 });
    await make(device, { id: '0003', type: 'ec', curve: 'P-256' });
    const fingerprint = { salt: SALT, methods: ['encrypt-ecb', 'mac', 'public-key'] as const };
    const all = await listKeys(device, { fingerprint, kcv: false });
    const methods = all.map(({ id, locator }) => [id, locator.fingerprint?.method]).sort();
    expect(methods).toEqual([
      ['0001', 'encrypt-ecb'],
      ['0002', 'mac'],
      ['0003', 'public-key'],
    ]);
    expect(all.every(({ kcv }) => kcv === null)).toBe(true);
    expect((await listKeys(device, { classes: ['private'] })).map(({ id }) => id)).toEqual(['0003']);
  });

  it('goes on where an object disappears while it is read', async () => {
    site = await yubihsmSite();
    const device = await site.openBent((command, reply) =>
      command.code === COMMAND['list-objects'] ? [...(reply as object[]), { type: 8, id: 0x7777, sequence: 0 }] : reply,
    );
    await make(device, { id: '0001' });
    expect((await listKeys(device)).map(({ id }) => id)).toEqual(['0001']);
  });

  it('sees nothing outside its domains', async () => {
    const device = await open({}, { domains: 0b1 });
    const other = await site.open({ domains: 0b10 });
    const key = await make(other, { id: '0001' });
    expect(await listKeys(device)).toEqual([]);
    expect((await refusalOf(device.read(key))).code).toBe('key-not-found');
    // Ids are the device's, whoever sees the object that has one.
    const error = await refusalOf(make(device, { id: '0001' }));
    expect(error).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
  });
});

describe('find-keys and find-objects', () => {
  it('finds by name, class, type and id', async () => {
    const device = await open();
    await make(device, { id: '0001', label: 'payments-1' });
    await make(device, { id: '0002', label: 'payments-2', type: 'ec', curve: 'P-256' });
    const ids = async (args: object) => {
      const { outputs } = await device.perform({ action: 'find-keys', args: { ...args } });
      return (outputs.keys as KeyRef[]).map(({ locator }) => locator.id);
    };
    expect(await ids({})).toEqual(['0001', '0002']);
    expect(await ids({ 'label-prefix': 'payments-' })).toEqual(['0001', '0002']);
    expect(await ids({ label: 'payments-2' })).toEqual(['0002']);
    expect(await ids({ class: 'private' })).toEqual(['0002']);
    expect(await ids({ type: 'aes' })).toEqual(['0001']);
    expect(await ids({ id: '01' })).toEqual(['0001']);
    expect(await ids({ label: 'nothing' })).toEqual([]);
  });

  it('finds objects of any type by what they are and may do', async () => {
    const device = await open();
    await make(device, { id: '0001', domains: '1,2', extractable: true });
    await make(device, { id: '0002', domains: '2' });
    const lines = async (args: object) => {
      const { outputs } = await device.perform({ action: 'find-objects', args: { ...args } });
      expect(outputs.count).toBe((outputs.lines as unknown[]).length);
      return (outputs.lines as { id: string; type: string; reason: string }[]).map(({ id, type }) => `${type}/${id}`);
    };
    expect(await lines({ type: 'authentication-key' })).toEqual(['authentication-key/0001', 'authentication-key/0a01']);
    expect(await lines({ type: 'symmetric-key' })).toEqual(['symmetric-key/0001', 'symmetric-key/0002']);
    expect(await lines({ type: 'symmetric-key', domains: '1,2' })).toEqual(['symmetric-key/0001']);
    expect(await lines({ algorithm: 'aes256', capabilities: ['exportable-under-wrap', 'encrypt-ecb'] })).toEqual([
      'symmetric-key/0001',
    ]);
    expect(await lines({ label: 'test session' })).toEqual(['authentication-key/0a01']);
    expect(await lines({ id: '0002' })).toEqual(['symmetric-key/0002']);
  });

  it('shows a label up to its first zero byte, as Yubico’s tools do: the factory’s has bytes behind it', async () => {
    const device = await open();
    const label = 'DEFAULT AUTHKEY CHANGE THIS ASAP';
    const { outputs } = await device.perform({ action: 'find-objects', args: { label } });
    expect(outputs.lines).toMatchObject([{ type: 'authentication-key', id: '0001', label }]);
    const records = (await listObjects(device)).filter(({ locator }) => locator.id === '0001');
    expect(records).toMatchObject([{ label, labelIsHex: false }]);
    expect(records[0]?.locator.label).toBe(`${Buffer.from(label).toString('hex')}00c0ffeec0ffee01`.slice(0, 80));
  });

  it('reads the device’s own facts', async () => {
    const device = await open();
    const { outputs } = await device.perform({ action: 'device-info', args: {} });
    expect(outputs).toMatchObject({
      serial: '12345678',
      firmware: '2.4.1',
      force_audit: 'off',
      log_total: 62,
      total_objects: 256,
    });
    expect(outputs.algorithms).toContain('aes256');
    const blind = await site.open({ without: ['get-option'] });
    expect((await blind.perform({ action: 'device-info', args: {} })).outputs.force_audit).toBe('unknown');
  });
});

describe('locators', () => {
  it('never guesses between an AES key and an AES wrap key of one id and label', async () => {
    const device = await open();
    const key = await make(device, { id: '0100', label: 'twin' });
    await make(device, { id: '0100', label: 'twin', purpose: 'wrapping' });
    const error = await refusalOf(device.read(key));
    expect(error).toMatchObject({ code: 'key-ambiguous', outcome: 'not-applied' });
    expect(error.message).toContain('symmetric-key and wrap-key both are the secret key "twin" (id 0100)');
    expect((await refusalOf(device.perform({ action: 'delete-key', args: { key } }))).code).toBe('key-ambiguous');
    const settled = await device.reconcile({ action: 'delete-key', args: { key } }, null);
    expect(settled.state).toBe('ambiguous');
    // The wrap key can make no fingerprint, so the one that can is the key.
    const [listed] = await listKeys(device, { fingerprint: { salt: SALT, methods: ['encrypt-ecb'] } }).then((all) =>
      all.filter(({ locator }) => locator.fingerprint !== null),
    );
    if (listed === undefined) throw new Error('not fingerprinted');
    expect((await device.read({ ...key, locator: listed.locator })).handle).toBe('symmetric-key/0100');
    await device.perform({ action: 'delete-key', args: { key: { ...key, locator: listed.locator } } });
    expect(await site.objects()).toEqual(['wrap-key/0100']);
  });

  it.each([
    ['a renamed key', { label: '00ff' }],
    ['another device', { serial: '1' }],
    ['another id', { id: '0101' }],
    ['an id that is none', { id: '00112233' }],
    ['another type', { type: 'generic-secret' as const }],
  ])('takes no object for %s', async (_, change) => {
    const device = await open();
    const key = await make(device, { id: '0100', label: 'one' });
    const other = { ...key, locator: { ...key.locator, ...change } };
    expect((await refusalOf(device.read(other))).code).toBe('key-not-found');
    expect((await refusalOf(device.perform({ action: 'delete-key', args: { key: other } }))).code).toBe(
      'key-not-found',
    );
    expect(await site.objects()).toEqual(['symmetric-key/0100']);
  });
});

describe('using keys', () => {
  it('makes the MAC that other devices make of the same key', async () => {
    const device = await open();
    const key = await make(device, { type: 'generic-secret', bits: 256 });
    const made = await device.fingerprint({ key, salt: SALT, methods: ['encrypt-ecb', 'mac'] });
    expect(made?.method).toBe('mac');
    expect(made?.value).not.toBe(fingerprintOf('mac', SALT, PROBE_MESSAGE).value);
    const other = await make(device, { type: 'generic-secret', bits: 512 });
    expect(await device.fingerprint({ key: other, salt: SALT, methods: ['mac'] })).toBeNull();
  });

  it('does without what the key or the session may not do', async () => {
    const device = await open({}, { without: ['encrypt-ecb', 'sign-hmac'] });
    expect((await device.describe()).capabilities.fingerprints).toEqual(['decrypt-ecb', 'public-key']);
    const key = await make(device, { id: '0001' });
    expect((await device.fingerprint({ key, salt: SALT, methods: ['encrypt-ecb', 'decrypt-ecb'] }))?.method).toBe(
      'decrypt-ecb',
    );
    expect((await device.read(key)).kcv).toBeNull();
    expect(await device.challenge({ key, kind: 'encrypt', data: new Uint8Array(32) })).toBeNull();
    expect(await device.challenge({ key, kind: 'wrap', data: new Uint8Array(16) })).toBeNull();
    const answer = { key, kind: 'wrap', challenge: new Uint8Array(24), data: new Uint8Array(16) } as const;
    expect(await device.answer(answer)).toBeNull();
    const mute = await make(device, { id: '0002', capabilities: ['encrypt-cbc'] });
    expect(
      await device.fingerprint({ key: mute, salt: SALT, methods: ['encrypt-ecb', 'decrypt-ecb', 'mac', 'wrap-kw'] }),
    ).toBeNull();
    expect(await device.answer({ ...answer, kind: 'encrypt', key: mute })).toBeNull();
  });

  it('has no public half of a secret key, nor of one on an unknown curve', async () => {
    const device = await open();
    const aes = await make(device, { id: '0001' });
    expect((await refusalOf(device.publicKey(aes))).code).toBe('capability-missing');
    const ed25519 = await make(device, { id: '0002', type: 'ed25519' });
    expect(await device.publicKey(ed25519)).toHaveLength(44);
    await site.close();
    site = await yubihsmSite();
    const bent = await site.openBent((command, reply) =>
      command.code === COMMAND['get-public-key'] ? { ...(reply as object), algorithm: 17 } : reply,
    );
    const ec = await make(bent, { id: '0003', type: 'ec', curve: 'P-384' });
    expect((await refusalOf(bent.publicKey(ec))).code).toBe('reply-malformed');
  });

  it('checks attributes, in the plan and in the run', async () => {
    const device = await open();
    const key = await make(device, { id: '0100', label: 'k' });
    const reason = 'symmetric-key 0x0100 lacks exportable-under-wrap: it can never leave this device';
    const wanted = { key, name: 'extractable', value: true };
    expect(await findingsOf(device, 'require-attribute', wanted)).toEqual([`skip: ${reason}`]);
    expect((await refusalOf(device.perform({ action: 'require-attribute', args: wanted }))).message).toContain(reason);
    expect(await findingsOf(device, 'require-attribute', { key, name: 'encrypt', value: true })).toEqual([]);
    expect(await findingsOf(device, 'require-attribute', { key, name: 'sign', value: true })).toEqual([
      'skip: not sign',
    ]);
    expect((await findingsOf(device, 'require-attribute', { key, name: 'trusted', value: true })).join()).toContain(
      'does not say',
    );
    expect((await refusalOf(device.perform({ action: 'require-attribute', args: { key, name: 'nice' } }))).code).toBe(
      'argument-invalid',
    );
    const { outputs } = await device.perform({ action: 'get-attributes', args: { key } });
    expect(outputs).toMatchObject({ label: 'k', id: '0100', bits: 256, extractable: false, curve: '', trusted: false });
  });
});

describe('delete-key and delete-object', () => {
  it.each(['lose-reply', 'drop-before'] as const)('settles a deletion after %s', async (kind) => {
    const device = await open({ faults: [{ command: 'delete-object', kind, nth: 1 }] });
    const key = await make(device, { id: '0100' });
    const call = { action: 'delete-key', args: { key } };
    expect((await refusalOf(device.perform(call))).outcome).toBe('unknown');
    const settled = await device.reconcile(call, null);
    expect(settled.state).toBe(kind === 'lose-reply' ? 'done' : 'absent');
    expect(await site.objects()).toEqual(kind === 'lose-reply' ? [] : ['symmetric-key/0100']);
  });

  it('names the capability that is lacking, and deletes nothing', async () => {
    const device = await open({}, { without: ['delete-symmetric-key'] });
    const key = await make(device, { id: '0100' });
    expect(await findingsOf(device, 'delete-key', { key })).toEqual([
      'block: the authentication key 0x0a01 of token lacks delete-symmetric-key',
    ]);
    expect(await refusalOf(device.perform({ action: 'delete-key', args: { key } }))).toMatchObject({
      code: 'key-not-permitted',
      outcome: 'not-applied',
    });
    expect(await site.objects()).toEqual(['symmetric-key/0100']);
  });

  it('never deletes the authentication key that it is logged in with', async () => {
    const device = await open();
    const { outputs } = await device.perform({ action: 'find-objects', args: { type: 'authentication-key' } });
    const [factory, own] = outputs.objects as KeyRef[];
    const error = await refusalOf(device.perform({ action: 'delete-object', args: { object: own } }));
    expect(error.message).toContain('the authentication key 0x0a01 is the one that keyferry is logged in with');
    expect(await findingsOf(device, 'delete-object', { object: factory })).toEqual([]);
  });
});

describe('what it is', () => {
  it.each([
    ['2.2', ['aes-ccm-yubihsm'], ['generic-secret', 'rsa', 'ec'], ['mac', 'public-key']],
    [
      '2.3',
      ['aes-ccm-yubihsm'],
      ['aes', 'generic-secret', 'rsa', 'ec'],
      ['encrypt-ecb', 'decrypt-ecb', 'mac', 'public-key'],
    ],
  ] as const)('offers on firmware %s what that has', async (firmware, wrap, generate, fingerprints) => {
    const device = await open({ firmware });
    const { capabilities } = await device.describe();
    expect(capabilities).toMatchObject({ wrap, unwrap: wrap, generate, fingerprints, uniqueIds: true, sessions: 1 });
  });

  it('counts the places that are free, and fills them', async () => {
    const device = await open();
    const before = (await device.describe()).capabilities.capacity ?? 0;
    const simulated = await openYubiHsm();
    const made = await simulated.fill?.({ count: 4, type: 'aes-128', prefix: 'k-', nonextractableShare: 0.5 });
    expect(made).toBe(4);
    const records = await listKeys(simulated);
    expect(records.map(({ label }) => label).sort()).toEqual(['k-0001', 'k-0002', 'k-0003', 'k-0004']);
    expect(records.filter(({ exportable }) => exportable)).toHaveLength(2);
    const wrong = { count: 1, type: 'des3', prefix: 'k-', nonextractableShare: 0 } as const;
    expect((await refusalOf(simulated.fill?.(wrong) ?? Promise.resolve())).code).toBe('argument-invalid');
    await simulated.close();
    await make(device, { id: '0100' });
    expect((await device.describe()).capabilities.capacity).toBe(before - 1);
  });
});
