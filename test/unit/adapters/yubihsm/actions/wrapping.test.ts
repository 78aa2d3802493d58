import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../../../src/adapters/adapter.ts';
import type { CapabilityName } from '../../../../../src/adapters/yubihsm/wire/capabilities.ts';
import { capabilityNames } from '../../../../../src/adapters/yubihsm/wire/capabilities.ts';
import { COMMAND } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { digestOfLabel } from '../../../../../src/adapters/yubihsm/wire/oaep.ts';
import { rsaUnwrap, rsaWrap } from '../../../../../src/adapters/yubihsm/wire/rsa-wrap.ts';
import type { KeyRef } from '../../../../../src/keys/key-record.ts';
import { pemFromSpki } from '../../../../../src/keys/public-key.ts';
import type { WrappedKey } from '../../../../../src/keys/wrapped-key.ts';
import {
  findingsOf,
  make,
  refusalOf,
  type SiteOptions,
  type YubiHsmSite,
  yubihsmSite,
} from '../../../../support/yubihsm-adapter-devices.ts';

const sites: YubiHsmSite[] = [];
async function newSite(options: SiteOptions = {}): Promise<YubiHsmSite> {
  const site = await yubihsmSite(options);
  sites.push(site);
  return site;
}
afterEach(async () => {
  for (const site of sites.splice(0)) await site.close();
});

const PAIR = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pemOf = (pair: typeof PAIR) => ({
  kind: 'public-key',
  pem: pemFromSpki(new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' }))),
});
const SHA256 = { hash: 'sha256', mgf1Hash: 'sha256', labelDigest: digestOfLabel('sha256') } as const;

const putPublic = (device: Device, args: Readonly<Record<string, unknown>> = {}) =>
  make(device, { 'public-key': pemOf(PAIR), label: 'kms', ...args }, { action: 'put-public-wrap-key' });
const transit = (device: Device, args: Readonly<Record<string, unknown>> = {}) =>
  make(device, { purpose: 'wrapping', label: 'backup', ...args });
const EXPORTABLE = { extractable: true, id: '0100', label: 'payments' };

describe('wrap-key, export-wrapped and export-rsa-wrapped', () => {
  it.each([
    ['rsa', { type: 'rsa', bits: 2048 }],
    ['ec', { type: 'ec', curve: 'P-384' }],
  ])('gives a private key (%s) as PKCS#8 under a public wrap key', async (_, args) => {
    const device = await (await newSite()).open();
    const key = await make(device, { ...EXPORTABLE, ...args });
    const call = { key, 'wrapping-key': await putPublic(device, { like: key }) };
    expect(await findingsOf(device, 'export-rsa-wrapped', call)).toEqual([]);
    const { outputs } = await device.perform({ action: 'export-rsa-wrapped', args: call });
    const data = outputs.data as WrappedKey;
    expect(data.mechanism).toBe('rsa-aes-kwp-sha256');
    const der = rsaUnwrap(data.bytes, PAIR.privateKey, SHA256);
    const opened = createPrivateKey({ key: Buffer.from(der ?? []), format: 'der', type: 'pkcs8' });
    const spki = createPublicKey(opened).export({ type: 'spki', format: 'der' });
    expect(spki.equals(await device.publicKey(key))).toBe(true);
  });

  it('delegates exactly what the key can do that the wrap key is made for', async () => {
    const site = await newSite();
    const device = await site.open();
    const key = await make(device, { ...EXPORTABLE, type: 'ec', curve: 'P-256', domains: '2,3' });
    await putPublic(device, { like: key, id: '0200' });
    const info = await site.info('public-wrap-key', 0x200);
    expect(capabilityNames(info?.delegatedCapabilities ?? 0n)).toEqual(['sign-ecdsa', 'exportable-under-wrap']);
    expect(capabilityNames(info?.capabilities ?? 0n)).toEqual(['export-wrapped']);
    expect(info?.domains).toBe(0b110);
  });

  const refusals: readonly (readonly [
    string,
    Readonly<Record<string, unknown>>,
    Readonly<Record<string, unknown>>,
    string,
    string,
  ])[] = [
    [
      'cannot leave',
      { extractable: false },
      {},
      'key-not-extractable',
      'symmetric-key 0x0100 lacks exportable-under-wrap: it can never leave this device',
    ],
    [
      'can do what the wrap key does not delegate',
      {},
      { delegated: ['exportable-under-wrap', 'encrypt-ecb', 'encrypt-cbc', 'decrypt-ecb'] satisfies CapabilityName[] },
      'key-not-permitted',
      'the public-wrap-key 0x0200 "kms" does not delegate decrypt-cbc, which the symmetric-key 0x0100 "payments" has',
    ],
    [
      'shares no domain with the wrap key',
      { domains: '1' },
      { domains: '2' },
      'key-not-permitted',
      'the public-wrap-key 0x0200 "kms" is in domain 2, the symmetric-key 0x0100 "payments" in 1: they share none',
    ],
  ];
  it.each(refusals)('refuses a key that %s, in the plan and in the run', async (_, keyArgs, wrapArgs, code, reason) => {
    const device = await (await newSite()).open();
    const key = await make(device, { ...EXPORTABLE, ...keyArgs });
    const args = {
      key,
      'wrapping-key': await putPublic(device, { id: '0200', ...wrapArgs }),
      mechanism: 'rsa-aes-kwp-sha256',
    };
    expect(await findingsOf(device, 'wrap-key', args)).toEqual([`block: ${reason}`]);
    const error = await refusalOf(device.perform({ action: 'wrap-key', args }));
    expect(error).toMatchObject({ code, outcome: 'not-applied' });
    expect(error.message).toContain(reason);
  });

  it('names every reason at once, and only that the key is wrong where the wrap key is of another kind', async () => {
    const device = await (await newSite()).open({ without: ['export-wrapped'] });
    const key = await make(device, { type: 'generic-secret', bits: 256, id: '0100', label: 'mac' });
    const mechanism = 'rsa-aes-kwp-sha256';
    expect(await findingsOf(device, 'wrap-key', { key, mechanism })).toEqual([
      'block: hmac-key 0x0100 lacks exportable-under-wrap: it can never leave this device',
      'block: the hmac-key 0x0100 "mac" does not: only asymmetric and symmetric keys leave as key material; whole objects leave for another YubiHSM',
      'block: the authentication key 0x0a01 of token lacks export-wrapped',
    ]);
    const aes = await make(device, { ...EXPORTABLE, id: '0101' });
    expect(await findingsOf(device, 'wrap-key', { key: aes, 'wrapping-key': key, mechanism })).toEqual([
      'block: the hmac-key 0x0100 "mac" is not a public wrap key, which this mechanism needs',
    ]);
    expect(
      (await refusalOf(device.perform({ action: 'wrap-key', args: { key: aes, 'wrapping-key': key, mechanism } })))
        .code,
    ).toBe('argument-invalid');
  });

  it('names the route that old firmware can take', async () => {
    const device = await (await newSite({ firmware: '2.2' })).open();
    const key = await make(device, { ...EXPORTABLE, type: 'ec', curve: 'P-256' });
    const reason =
      'firmware 2.2.0 of token has no RSA wrap (2.4 has): use the AES-CCM backup route (export-wrapped) to a YubiHSM with 2.4, and go on from there';
    expect(await findingsOf(device, 'export-rsa-wrapped', { key })).toEqual([`block: ${reason}`]);
    expect((await device.describe()).capabilities.wrap).toEqual(['aes-ccm-yubihsm']);
    const error = await refusalOf(device.perform({ action: 'export-rsa-wrapped', args: { key, 'wrapping-key': key } }));
    expect(error).toMatchObject({ code: 'capability-missing', outcome: 'not-applied' });
    const [old] = await findingsOf(device, 'put-public-wrap-key', { 'public-key': pemOf(PAIR), label: 'kms' });
    expect(old).toContain('firmware 2.2.0 of token has no public wrap keys, and exports nothing under RSA (2.4 has)');
    expect(await findingsOf(device, 'wrap-key', { key, mechanism: 'rsa-oaep-sha256' })).toEqual([
      'block: token cannot wrap keys with rsa-oaep-sha256, but with aes-ccm-yubihsm',
    ]);
  });

  it('does not pass on what cannot be the wrapped key', async () => {
    const site = await newSite();
    const device = await site.openBent((command, reply) =>
      command.code === COMMAND['get-rsa-wrapped-key'] ? (reply as Uint8Array).subarray(0, 280) : reply,
    );
    const key = await make(device, EXPORTABLE);
    const args = { key, 'wrapping-key': await putPublic(device), mechanism: 'rsa-aes-kwp-sha256' };
    expect(await refusalOf(device.perform({ action: 'wrap-key', args }))).toMatchObject({ code: 'mechanism-invalid' });
  });
});

/** A device with an exportable key and its export for another one that holds the same wrap key. */
async function twoDevices(
  mechanism: 'aes-ccm' | 'rsa',
  firstOptions: SiteOptions = {},
  secondOptions: SiteOptions = {},
) {
  const [from, to] = [await newSite(firstOptions), await newSite({ serial: 87_654_321, ...secondOptions })];
  const [source, target] = [await from.open(), await to.open()];
  const key = await make(source, { ...EXPORTABLE, attributes: { decrypt: false }, domains: '3' });
  if (mechanism === 'rsa') {
    const pair = await target.perform({
      action: 'generate-rsa-key-pair',
      args: { purpose: 'wrapping', label: 'route', 'modulus-bits': 2048 },
    });
    const pem = await target.perform({ action: 'get-public-key', args: { key: pair.outputs.public_key } });
    const wrapper = await make(
      source,
      { 'public-key': pem.outputs.pem, label: 'route' },
      { action: 'put-public-wrap-key' },
    );
    return { from, to, source, target, key, wrapper, unwrapper: pair.outputs.private_key as KeyRef };
  }
  const secret = await sameWrapKey();
  const wrapper = await make(source, { ...secret, label: 'backup' }, { action: 'put-wrap-key' });
  const unwrapper = await make(target, { ...secret, label: 'backup' }, { action: 'put-wrap-key' });
  return { from, to, source, target, key, wrapper, unwrapper };
}

async function sameWrapKey() {
  const { Secret } = await import('../../../../../src/keys/secret.ts');
  return { secret: new Secret('00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff') };
}

describe('import-wrapped and import-rsa-wrapped', () => {
  it.each([
    ['aes-ccm', 'export-wrapped', {}, 'import-wrapped'],
    ['rsa', 'export-rsa-wrapped', { as: 'object' }, 'import-rsa-wrapped'],
  ] as const)('brings a whole object to another device (%s)', async (mechanism, exporting, more, importing) => {
    const { to, source, target, key, wrapper, unwrapper } = await twoDevices(mechanism);
    const { outputs } = await source.perform({ action: exporting, args: { key, 'wrapping-key': wrapper, ...more } });
    const args = { 'wrapped-key': outputs.data, 'unwrapping-key': unwrapper, like: key };
    expect(await findingsOf(target, importing, args)).toEqual([]);
    const arrived = await target.perform({ action: importing, args });
    expect(arrived.violations).toEqual([]);
    const info = await to.info('symmetric-key', 0x100);
    expect(capabilityNames(info?.capabilities ?? 0n)).toEqual(['exportable-under-wrap', 'encrypt-ecb', 'encrypt-cbc']);
    expect(info?.domains).toBe(0b100);
    const request = { salt: new Uint8Array(16), methods: ['encrypt-ecb'] as const };
    const there = await target.fingerprint({ key: arrived.outputs.key as KeyRef, ...request });
    expect(there).toEqual(await source.fingerprint({ key, ...request }));
    expect((await target.read(arrived.outputs.key as KeyRef)).attributes).toMatchObject({
      local: false,
      extractable: true,
    });
    const twice = await refusalOf(target.perform({ action: importing, args }));
    expect(twice).toMatchObject({ code: 'device-refused', outcome: 'not-applied', native: { name: 'object-exists' } });
    expect(await findingsOf(target, importing, args)).toEqual([
      'block: symmetric-key 0x0100 is on token already, and nothing compares the two',
    ]);
  });

  it('settles an import whose reply was lost, whether or not the playbook says what comes', async () => {
    for (const more of [{}, { like: true }]) {
      const faults = [{ command: 'import-wrapped', kind: 'lose-reply', nth: 1 }] as const;
      const { source, target, key, wrapper, unwrapper } = await twoDevices('aes-ccm', {}, { faults });
      const { outputs } = await source.perform({ action: 'export-wrapped', args: { key, 'wrapping-key': wrapper } });
      const args = {
        'wrapped-key': outputs.data,
        'unwrapping-key': unwrapper,
        ...('like' in more ? { like: key } : {}),
      };
      const call = { action: 'import-wrapped', args };
      const { expectation } = await target.expect(call, null);
      expect(expectation.kind).toBe('like' in more ? 'count' : 'named');
      expect(await target.reconcile({ ...call, expectation }, null)).toEqual({ state: 'absent' });
      expect((await refusalOf(target.perform({ ...call, expectation }))).outcome).toBe('unknown');
      const settled = await target.reconcile({ ...call, expectation }, null);
      expect(settled).toMatchObject({
        state: 'done',
        violations: [],
        outputs: { key: { locator: { id: '0100', type: 'aes' } } },
      });
    }
  });

  it('does not choose between two objects that are new', async () => {
    const { target, unwrapper } = await twoDevices('aes-ccm');
    const call = { action: 'import-wrapped', args: { 'wrapped-key': null, 'unwrapping-key': unwrapper } };
    const { expectation } = await target.expect(call, null);
    await make(target, { label: 'one' });
    await make(target, { label: 'two' });
    const settled = await target.reconcile({ ...call, expectation }, null);
    expect(settled).toMatchObject({
      state: 'ambiguous',
      reason: expect.stringContaining('2 objects on token are new'),
    });
  });

  it('says when another object arrived than the playbook said', async () => {
    const { source, target, key, wrapper, unwrapper } = await twoDevices('aes-ccm');
    const { outputs } = await source.perform({ action: 'export-wrapped', args: { key, 'wrapping-key': wrapper } });
    const like = { ...key, locator: { ...key.locator, id: '0999' } };
    const { violations } = await target.perform({
      action: 'import-wrapped',
      args: { 'wrapped-key': outputs.data, 'unwrapping-key': unwrapper, like },
    });
    expect(violations).toMatchObject([{ code: 'attribute-mismatch', message: expect.stringContaining('0x0100') }]);
  });

  it('creates nothing from an altered object, from key material, or with the wrong wrap key', async () => {
    const { to, source, target, key, wrapper, unwrapper } = await twoDevices('aes-ccm');
    const { outputs } = await source.perform({ action: 'export-wrapped', args: { key, 'wrapping-key': wrapper } });
    const data = outputs.data as WrappedKey;
    const before = await to.objects();
    const perform = (wrapped: WrappedKey, using: KeyRef, action = 'import-wrapped') =>
      refusalOf(target.perform({ action, args: { 'wrapped-key': wrapped, 'unwrapping-key': using, like: key } }));
    const bytes = Uint8Array.from(data.bytes);
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    expect(await perform({ ...data, bytes }, unwrapper)).toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
    });
    expect(await perform({ ...data, mechanism: 'rsa-aes-kwp-sha256' }, unwrapper)).toMatchObject({
      code: 'argument-invalid',
      hint: 'Key material comes in with unwrap-key.',
    });
    const other = await transit(target, { label: 'other' });
    expect(await perform(data, other)).toMatchObject({ outcome: 'not-applied' });
    expect((await perform(data, await make(target, { id: '0333' }))).code).toBe('argument-invalid');
    expect((await perform(data, unwrapper, 'import-rsa-wrapped')).code).toBe('argument-invalid');
    expect((await perform(data, unwrapper, 'unwrap-key')).message).toContain('bring it in with import-wrapped');
    expect((await to.objects()).filter((name) => !before.includes(name))).toHaveLength(2);
  });
});

describe('unwrap-key', () => {
  it('copies rights and domains of another YubiHSM exactly, and is not exportable unless told so', async () => {
    const { to, source, target, key, wrapper, unwrapper } = await twoDevices('rsa');
    const wrap = { key, 'wrapping-key': wrapper, mechanism: 'rsa-aes-kwp-sha256' };
    const { outputs } = await source.perform({ action: 'wrap-key', args: wrap });
    const args = { 'wrapped-key': outputs.data, 'unwrapping-key': unwrapper, like: key };
    expect(await findingsOf(target, 'unwrap-key', args)).toEqual([]);
    expect((await target.perform({ action: 'unwrap-key', args })).violations).toEqual([]);
    const info = await to.info('symmetric-key', 0x100);
    expect(capabilityNames(info?.capabilities ?? 0n)).toEqual(['encrypt-ecb', 'encrypt-cbc']);
    expect(info?.domains).toBe(0b100);
    const second = { ...args, id: '0101', attributes: { extractable: true, decrypt: true }, domains: '5' };
    expect((await target.perform({ action: 'unwrap-key', args: second })).violations).toEqual([]);
    const other = await to.info('symmetric-key', 0x101);
    expect(capabilityNames(other?.capabilities ?? 0n)).toEqual([
      'exportable-under-wrap',
      'decrypt-ecb',
      'encrypt-ecb',
      'decrypt-cbc',
      'encrypt-cbc',
    ]);
    expect(other?.domains).toBe(0b10000);
  });

  const FOREIGN: KeyRef = {
    kind: 'key',
    device: 'classic',
    locator: {
      serial: 'S',
      class: 'secret',
      type: 'aes',
      id: 'aabbccddeeff00112233',
      label: '6b6579',
      fingerprint: null,
    },
  };
  const wrapFor = async (target: Device, pair: KeyRef, payload: Uint8Array): Promise<WrappedKey> => {
    const spki = Buffer.from(await target.publicKey(pair));
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
    return {
      kind: 'wrapped-key',
      mechanism: 'rsa-aes-kwp-sha256',
      bytes: rsaWrap(payload, { publicKey, aesKeyBytes: 32, oaep: SHA256 }),
      payload: { class: 'secret', type: 'aes', bits: payload.length * 8, usage: { encrypt: true, wrap: true } },
    };
  };

  it('takes a key of another device, and says what it loses', async () => {
    const site = await newSite();
    const target = await site.open();
    const pair = await target.perform({
      action: 'generate-rsa-key-pair',
      args: { purpose: 'wrapping', label: 'route', 'modulus-bits': 2048 },
    });
    const unwrapper = pair.outputs.private_key as KeyRef;
    const wrapped = await wrapFor(target, unwrapper, new Uint8Array(32).fill(7));
    const args = { 'wrapped-key': wrapped, 'unwrapping-key': unwrapper, like: FOREIGN };
    expect(await findingsOf(target, 'unwrap-key', args)).toEqual([
      'note: it arrives without wrap, which such a key on token cannot have',
      'note: its id aabbccddeeff00112233 is none that an object can have (four hex digits): it gets a free one',
    ]);
    const call = { action: 'unwrap-key', args };
    const { expectation } = await target.expect(call, null);
    expect(expectation.kind).toBe('marker');
    const { outputs, violations } = await target.perform({ ...call, expectation });
    expect(violations).toEqual([]);
    const id = (outputs.key as KeyRef).locator.id;
    expect(expectation).toEqual({ kind: 'marker', id });
    const info = await site.info('symmetric-key', Number.parseInt(id, 16));
    expect(capabilityNames(info?.capabilities ?? 0n)).toEqual(['encrypt-ecb', 'encrypt-cbc']);
  });

  it.each(['lose-reply', 'drop-before'] as const)('settles an arrival after %s', async (kind) => {
    const site = await newSite({ faults: [{ command: 'put-rsa-wrapped-key', kind, nth: 1 }] });
    const target = await site.open();
    const pair = await target.perform({
      action: 'generate-rsa-key-pair',
      args: { purpose: 'wrapping', label: 'route', 'modulus-bits': 2048 },
    });
    const unwrapper = pair.outputs.private_key as KeyRef;
    const wrapped = await wrapFor(target, unwrapper, new Uint8Array(32).fill(7));
    const call = { action: 'unwrap-key', args: { 'wrapped-key': wrapped, 'unwrapping-key': unwrapper, like: FOREIGN } };
    const { expectation } = await target.expect(call, null);
    expect((await refusalOf(target.perform({ ...call, expectation }))).outcome).toBe('unknown');
    // After a crash the wrapped key is not at hand any more.
    const { 'wrapped-key': _gone, ...args } = call.args;
    const settled = await target.reconcile({ ...call, args, expectation }, null);
    expect(settled).toMatchObject(kind === 'lose-reply' ? { state: 'done', violations: [] } : { state: 'absent' });
  });

  it('sees that another key arrived than was to arrive', async () => {
    const { source, target, key, wrapper, unwrapper } = await twoDevices('rsa');
    const wrap = { key, 'wrapping-key': wrapper, mechanism: 'rsa-aes-kwp-sha1' };
    const { outputs } = await source.perform({ action: 'wrap-key', args: wrap });
    const call = {
      action: 'unwrap-key',
      args: { 'wrapped-key': outputs.data, 'unwrapping-key': unwrapper, like: key },
    };
    const salt = new Uint8Array(16).fill(1);
    const fingerprint = { method: 'encrypt-ecb', value: 'of another key' } as const;
    const { expectation } = await target.expect(call, { fingerprint, salt });
    await target.perform({ ...call, expectation });
    const settled = await target.reconcile({ ...call, expectation }, { fingerprint, salt });
    expect(settled).toMatchObject({
      state: 'ambiguous',
      reason: expect.stringContaining('is not the key that was to arrive'),
    });
  });

  it.each([
    [{ like: { ...FOREIGN, locator: { ...FOREIGN.locator, type: 'des3' } } }, 'a des3 key cannot arrive'],
    [{ like: { ...FOREIGN, locator: { ...FOREIGN.locator, label: '61'.repeat(50) } } }, 'its label has 50 bytes'],
    [{ mechanism: 'rsa-oaep-sha256' }, 'token cannot unwrap keys with rsa-oaep-sha256, but with'],
    [{ capabilities: ['get-opaque'] }, 'does not delegate get-opaque'],
  ])('refuses %o in the plan', async (more, reason) => {
    const target = await (await newSite()).open();
    const pair = await target.perform({
      action: 'generate-rsa-key-pair',
      args: { purpose: 'wrapping', label: 'route', 'modulus-bits': 2048 },
    });
    const wrapped = await wrapFor(target, pair.outputs.private_key as KeyRef, new Uint8Array(32));
    const args = { 'wrapped-key': wrapped, 'unwrapping-key': pair.outputs.private_key, like: FOREIGN, ...more };
    expect((await findingsOf(target, 'unwrap-key', args)).join('; ')).toContain(reason);
    const before = await target.perform({ action: 'find-keys', args: {} });
    expect((await refusalOf(target.perform({ action: 'unwrap-key', args }))).outcome).toBe('not-applied');
    expect(await target.perform({ action: 'find-keys', args: {} })).toEqual(before);
  });

  it('refuses a key of which nobody says what it may do, or how long it is', async () => {
    const target = await (await newSite()).open();
    const pair = await target.perform({
      action: 'generate-rsa-key-pair',
      args: { purpose: 'wrapping', label: 'route', 'modulus-bits': 2048 },
    });
    const wrapped = await wrapFor(target, pair.outputs.private_key as KeyRef, new Uint8Array(32));
    const args = { 'unwrapping-key': pair.outputs.private_key, like: FOREIGN };
    const perform = (more: object) => refusalOf(target.perform({ action: 'unwrap-key', args: { ...args, ...more } }));
    expect((await perform({ 'wrapped-key': { ...wrapped, payload: null } })).message).toContain('how long');
    const bare = { class: 'secret', type: 'aes', bits: 256 };
    expect((await perform({ 'wrapped-key': { ...wrapped, payload: bare } })).message).toContain('what the');
    expect((await perform({ 'wrapped-key': { ...wrapped, payload: { ...bare, type: 'rsa' } } })).code).toBe(
      'argument-invalid',
    );
    expect((await perform({ 'wrapped-key': wrapped, mechanism: 'rsa-aes-kwp-sha1' })).code).toBe('argument-invalid');
    expect((await perform({})).code).toBe('argument-invalid');
  });
});
