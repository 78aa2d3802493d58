import { afterEach, describe, expect, it } from 'vitest';
import { capabilityNames } from '../../../../../src/adapters/yubihsm/wire/capabilities.ts';
import { COMMAND } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import { KeyferryError } from '../../../../../src/errors/keyferry-error.ts';
import type { KeyRef } from '../../../../../src/keys/key-record.ts';
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

const AES = { type: 'aes', bits: 256, label: 'payments' };

describe('generate-key', () => {
  it.each([
    [{ type: 'aes', bits: 128 }, 'symmetric-key', { class: 'secret', type: 'aes', bits: 128 }],
    [{ type: 'generic-secret', bits: 256 }, 'hmac-key', { class: 'secret', type: 'generic-secret', bits: 256 }],
    [{ type: 'rsa', bits: 2048 }, 'asymmetric-key', { class: 'private', type: 'rsa', bits: 2048 }],
    [{ type: 'ec', curve: 'secp256k1' }, 'asymmetric-key', { class: 'private', type: 'ec', curve: 'secp256k1' }],
    [{ type: 'ec', bits: 384 }, 'asymmetric-key', { class: 'private', type: 'ec', curve: 'P-384', bits: 384 }],
    [{ type: 'ed25519' }, 'asymmetric-key', { class: 'private', type: 'other', bits: 256 }],
  ] as const)('makes %o as %s', async (args, objectType, record) => {
    const device = await open();
    const { outputs, violations } = await device.perform({
      action: 'generate-key',
      args: { label: 'made', id: '0a1b', ...args },
    });
    expect(violations).toEqual([]);
    expect(await site.objects()).toEqual([`${objectType}/0a1b`]);
    const read = await device.read(outputs.key as KeyRef);
    expect(read).toMatchObject({ id: '0a1b', label: 'made', exportable: false, ...record });
    expect(read.attributes).toMatchObject({ extractable: false, sensitive: true, local: true, neverExtractable: true });
  });

  it('gives the rights that usage needs, and named ones where they are named', async () => {
    const device = await open();
    await make(device, { ...AES, id: '0001', extractable: true, attributes: { decrypt: false } });
    expect(capabilityNames((await site.info('symmetric-key', 1))?.capabilities ?? 0n)).toEqual([
      'exportable-under-wrap',
      'encrypt-ecb',
      'encrypt-cbc',
    ]);
    await make(device, { type: 'rsa', bits: 2048, id: '0002', capabilities: ['decrypt-oaep'], extractable: true });
    expect(capabilityNames((await site.info('asymmetric-key', 2))?.capabilities ?? 0n)).toEqual([
      'decrypt-oaep',
      'exportable-under-wrap',
    ]);
  });

  it('makes a transit key that exports and imports, and nothing else', async () => {
    const device = await open();
    const key = await make(device, { ...AES, purpose: 'wrapping', id: '0003', delegated: ['sign-ecdsa'] });
    const info = await site.info('wrap-key', 3);
    expect(capabilityNames(info?.capabilities ?? 0n)).toEqual(['export-wrapped', 'import-wrapped']);
    expect(capabilityNames(info?.delegatedCapabilities ?? 0n)).toEqual(['sign-ecdsa']);
    expect((await device.read(key)).attributes).toMatchObject({
      wrap: true,
      unwrap: true,
      encrypt: false,
      decrypt: false,
    });
  });

  it.each([
    [{ ...AES, bits: 512 }, 'A YubiHSM has no AES key in bits of 512, only 128, 192, 256.'],
    [{ ...AES, type: 'des3' }, 'A YubiHSM generates aes, generic-secret, rsa, ec, ed25519, not des3.'],
    [{ type: 'rsa', label: 'a' }, 'A key of type rsa needs "bits".'],
    [{ type: 'ec', label: 'a' }, 'A key of type ec needs "curve".'],
    [{ ...AES, label: 'a'.repeat(41) }, 'its label has 41 bytes, and a YubiHSM keeps 40 at most'],
    [{ ...AES, attributes: { wrap: true } }, 'a key of type aes on a YubiHSM cannot be made with wrap'],
    [
      { ...AES, attributes: { sensitive: false } },
      'a key of type aes on a YubiHSM cannot be made with sensitive=false',
    ],
    [
      { ...AES, type: 'rsa', bits: 2048, purpose: 'wrapping' },
      'a wrapping key must be AES (RSA: generate-rsa-key-pair)',
    ],
    [{ ...AES, id: 'ffff' }, 'The argument "id" must be an object id: up to four hex digits, not 0000 or ffff.'],
    [{ ...AES, domains: '17' }, 'The argument "domains" must be a list of domains from 1 to 16, or all.'],
    [{ ...AES, capabilities: ['fly'] }, 'The argument "capabilities" must be a list of capabilities; "fly" is none.'],
  ])('refuses %o, in the plan and in the run', async (args, reason) => {
    const device = await open();
    expect(await findingsOf(device, 'generate-key', args)).toEqual([`block: ${reason}`]);
    const error = await refusalOf(device.perform({ action: 'generate-key', args }));
    expect(error.outcome).toBe('not-applied');
    expect(error.message).toContain(reason.replace(/\.$/, ''));
    expect(await site.objects()).toEqual([]);
  });

  it.each([
    [{ without: ['generate-symmetric-key'] }, 'lacks generate-symmetric-key'],
    [{ delegatedWithout: ['encrypt-cbc'] }, 'may not give encrypt-cbc (its delegated capabilities lack it)'],
  ])('names what a session with %o lacks', async (rights, reason) => {
    const device = await open({}, rights);
    const [found] = await findingsOf(device, 'generate-key', AES);
    expect(found).toBe(`block: the authentication key 0x0a01 of token ${reason}`);
    expect(await refusalOf(device.perform({ action: 'generate-key', args: AES }))).toMatchObject({
      code: 'capability-missing',
      outcome: 'not-applied',
    });
  });

  it('names the domain that the session is not in, and makes keys in its own', async () => {
    const device = await open({}, { domains: 0b101 });
    expect(await findingsOf(device, 'generate-key', { ...AES, domains: '1,2' })).toEqual([
      'block: the authentication key 0x0a01 of token is not in domain 2',
    ]);
    await make(device, { ...AES, id: '0007' });
    expect((await site.info('symmetric-key', 7))?.domains).toBe(0b101);
  });

  it('says which firmware it would take', async () => {
    const device = await open({ firmware: '2.2' });
    const [found] = await findingsOf(device, 'generate-key', AES);
    expect(found).toContain('firmware 2.2.0 of token does not have the algorithm aes256');
    expect((await device.describe()).capabilities.generate).toEqual(['generic-secret', 'rsa', 'ec']);
  });

  it('finds an id that is taken, and the device keeps what has it', async () => {
    const device = await open();
    await make(device, { ...AES, id: '0100' });
    expect(await findingsOf(device, 'generate-key', { ...AES, id: '0100' })).toEqual([
      'block: symmetric-key 0x0100 is on token already',
    ]);
    expect(await findingsOf(device, 'generate-key', { ...AES, type: 'rsa', bits: 2048, id: '0100' })).toEqual([]);
    const error = await refusalOf(make(device, { ...AES, id: '0100' }));
    expect(error).toMatchObject({ code: 'device-refused', outcome: 'not-applied', native: { name: 'object-exists' } });
  });

  it('settles a generation whose reply was lost as done', async () => {
    const device = await open({ faults: [{ command: 'generate-symmetric-key', kind: 'lose-reply', nth: 1 }] });
    const call = { action: 'generate-key', args: AES };
    const { expectation } = await device.expect(call, null);
    expect((await refusalOf(device.perform({ ...call, expectation }))).outcome).toBe('unknown');
    const settled = await device.reconcile({ ...call, expectation }, null);
    expect(settled).toMatchObject({
      state: 'done',
      violations: [],
      outputs: { key: { locator: { id: expectation.kind === 'marker' ? expectation.id : '' } } },
    });
    expect(await site.objects()).toHaveLength(1);
  });

  it('settles a generation that never arrived as absent', async () => {
    const device = await open({ faults: [{ command: 'generate-symmetric-key', kind: 'drop-before', nth: 1 }] });
    const call = { action: 'generate-key', args: { ...AES, id: '0100' } };
    const { expectation } = await device.expect(call, null);
    expect(expectation).toMatchObject({ kind: 'count', named: 0 });
    expect((await refusalOf(device.perform({ ...call, expectation }))).outcome).toBe('unknown');
    expect(await device.reconcile({ ...call, expectation }, null)).toEqual({ state: 'absent' });
  });

  it('takes nobody else’s object for the one that was to be made', async () => {
    const device = await open();
    const call = { action: 'generate-key', args: AES };
    const { expectation } = await device.expect(call, null);
    const id = expectation.kind === 'marker' ? expectation.id : '';
    await make(device, { ...AES, label: 'another', id });
    const settled = await device.reconcile({ ...call, expectation }, null);
    expect(settled).toMatchObject({
      state: 'ambiguous',
      reason: expect.stringContaining('is not what was to be made'),
    });
    const named = { ...call, args: { ...AES, label: 'another', id } };
    const later = await device.expect(named, null);
    expect(later.expectation).toMatchObject({ kind: 'count', named: 1 });
    expect(await device.reconcile({ ...named, expectation: later.expectation }, null)).toEqual({ state: 'absent' });
    const none = await device.reconcile(call, null);
    expect(none.state).toBe('ambiguous');
  });

  it('does not take a failure to look at what it made for a key that was not made', async () => {
    site = await yubihsmSite();
    let isMade = false;
    const device = await site.openBent((command, reply) => {
      if (command.code === COMMAND['generate-symmetric-key']) isMade = true;
      if (isMade && command.code === COMMAND['get-object-info']) throw new KeyferryError('device-lost', 'gone.');
      return reply;
    });
    const error = await refusalOf(device.perform({ action: 'generate-key', args: AES }));
    expect(error).toMatchObject({ code: 'device-lost', outcome: 'unknown' });
    expect(await site.objects()).toHaveLength(1);
  });

  it('tells what the device did otherwise than asked', async () => {
    site = await yubihsmSite();
    const device = await site.openBent((command, reply) =>
      command.code === COMMAND['get-object-info']
        ? { ...(reply as object), capabilities: 0xffn, delegatedCapabilities: 0xffffn }
        : reply,
    );
    const plain = await device.perform({ action: 'generate-key', args: AES });
    expect(plain.violations.map(({ code }) => code)).toEqual(['attribute-mismatch']);
    const args = { ...AES, purpose: 'wrapping', delegated: ['get-opaque'] };
    const { violations } = await device.perform({ action: 'generate-key', args });
    expect(violations.map(({ code }) => code)).toEqual(['wrapping-key-widened', 'wrapping-key-widened']);
  });
});

describe('generate-rsa-key-pair and generate-ec-key-pair', () => {
  const PAIR = { purpose: 'wrapping', label: 'route', 'modulus-bits': 2048 };

  it('makes one object with both halves, under which keys can only come in', async () => {
    const device = await open();
    const { outputs } = await device.perform({ action: 'generate-rsa-key-pair', args: { ...PAIR, id: '0200' } });
    expect(await site.objects()).toEqual(['wrap-key/0200']);
    expect(capabilityNames((await site.info('wrap-key', 0x200))?.capabilities ?? 0n)).toEqual(['import-wrapped']);
    const halves = [outputs.public_key, outputs.private_key] as KeyRef[];
    expect(halves.map(({ locator }) => locator.class)).toEqual(['public', 'private']);
    await device.perform({ action: 'delete-key', args: { key: halves[0] } });
    expect(await site.objects()).toEqual(['wrap-key/0200']);
    await device.perform({ action: 'delete-key', args: { key: halves[1] } });
    expect(await site.objects()).toEqual([]);
    expect((await refusalOf(device.perform({ action: 'delete-key', args: { key: halves[0] } }))).code).toBe(
      'key-not-found',
    );
  });

  it('says what a device with older firmware can do instead', async () => {
    const device = await open({ firmware: '2.3' });
    const [found] = await findingsOf(device, 'generate-rsa-key-pair', PAIR);
    expect(found).toContain(
      'firmware 2.3.1 of token has no RSA wrap keys (2.4 has): have keys sent to it under an AES wrap key',
    );
    expect((await refusalOf(device.perform({ action: 'generate-rsa-key-pair', args: PAIR }))).code).toBe(
      'capability-missing',
    );
  });

  it('makes no wrapping pair that could leave, and none of odd lengths', async () => {
    const device = await open();
    expect(await findingsOf(device, 'generate-rsa-key-pair', { ...PAIR, extractable: true })).toEqual([
      'block: the private half of a wrapping pair must not be extractable',
    ]);
    expect(await findingsOf(device, 'generate-rsa-key-pair', { ...PAIR, 'modulus-bits': 2500 })).toEqual([
      'block: A YubiHSM has no RSA key in bits of 2500, only 2048, 3072, 4096.',
    ]);
  });

  it('refuses to rely on a wrapping pair that the device did not make', async () => {
    site = await yubihsmSite();
    const device = await site.openBent((command, reply) =>
      command.code === COMMAND['get-object-info'] ? { ...(reply as object), origin: 2 } : reply,
    );
    const { violations } = await device.perform({ action: 'generate-rsa-key-pair', args: PAIR });
    expect(violations.map(({ code }) => code)).toEqual(['wrapping-key-not-local']);
  });

  it('settles a pair whose reply was lost, with its public key', async () => {
    const device = await open({ faults: [{ command: 'generate-asymmetric-key', kind: 'lose-reply', nth: 1 }] });
    const call = { action: 'generate-ec-key-pair', args: { curve: 'P-256', label: 'signer' } };
    const { expectation } = await device.expect(call, null);
    expect((await refusalOf(device.perform({ ...call, expectation }))).outcome).toBe('unknown');
    const settled = await device.reconcile({ ...call, expectation }, null);
    if (settled.state !== 'done') throw new Error(settled.state);
    expect(settled.outputs.spki_sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(await device.read(settled.outputs.private_key as KeyRef)).toMatchObject({ curve: 'P-256', label: 'signer' });
  });
});
