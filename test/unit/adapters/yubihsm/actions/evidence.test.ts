import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../../../src/adapters/adapter.ts';
import { OPTION, setOption } from '../../../../../src/adapters/yubihsm/commands/device-option.ts';
import { setLogIndex } from '../../../../../src/adapters/yubihsm/commands/set-log-index.ts';
import { EVIDENCE_COMMANDS } from '../../../../../src/adapters/yubihsm/objects/permissions.ts';
import { COMMAND } from '../../../../../src/adapters/yubihsm/wire/command-codes.ts';
import type { DeviceLog } from '../../../../../src/adapters/yubihsm/wire/log-entry.ts';
import { spkiSha256 } from '../../../../../src/keys/public-key.ts';
import {
  type Bend,
  findingsOf,
  make,
  refusalOf,
  type YubiHsmSite,
  yubihsmSite,
} from '../../../../support/yubihsm-adapter-devices.ts';

let site: YubiHsmSite;
const open = async (rights = {}) => {
  site = await yubihsmSite();
  return await site.open(rights);
};
const openBent = async (bend: Bend) => {
  site = await yubihsmSite();
  return await site.openBent(bend);
};
afterEach(async () => site?.close());

/** What the device of this firmware does not record by itself. */
async function record(...names: readonly (keyof typeof COMMAND)[]): Promise<void> {
  const value = Uint8Array.from(names.flatMap((name) => [COMMAND[name], 1]));
  await site.admin.call(setOption, { option: OPTION.commandAudit, value });
}

const SIGNER = { type: 'ec', curve: 'P-256', label: 'signer', id: '0100' };

describe('attest', () => {
  it('certifies a key that the device made, with its rights', async () => {
    const device = await open();
    const key = await make(device, { ...SIGNER, domains: '1,4', extractable: true });
    expect(await findingsOf(device, 'attest', { key })).toEqual([]);
    const { outputs } = await device.perform({ action: 'attest', args: { key } });
    expect(outputs).toMatchObject({
      serial: '12345678',
      firmware: '2.4.1',
      id: '0100',
      origin: 'generated',
      is_local: true,
      domains: '1,4',
      capabilities: ['sign-ecdsa', 'exportable-under-wrap'],
      spki_sha256: spkiSha256(await device.publicKey(key)),
    });
    const own = new X509Certificate(String(outputs.certificate));
    expect(own.verify(new X509Certificate(String(outputs.issuer_certificate)).publicKey)).toBe(true);
    expect(await device.reconcile({ action: 'attest', args: { key } }, null)).toEqual({ state: 'absent' });
  });

  it('attests RSA keys too, and no others than asymmetric ones', async () => {
    const device = await open();
    const rsa = await make(device, { type: 'rsa', bits: 2048, id: '0101' });
    expect((await device.perform({ action: 'attest', args: { key: rsa } })).outputs.id).toBe('0101');
    for (const args of [{ id: '0102' }, { type: 'ed25519', id: '0103' }]) {
      const key = await make(device, args);
      expect((await findingsOf(device, 'attest', { key })).join()).toContain('the device attests RSA and EC keys, not');
      expect((await refusalOf(device.perform({ action: 'attest', args: { key } }))).code).toBe('capability-missing');
    }
  });

  it('names the capability that the session lacks', async () => {
    const device = await open({ without: ['sign-attestation-certificate'] });
    const key = await make(device, SIGNER);
    expect(await findingsOf(device, 'attest', { key })).toEqual([
      'block: the authentication key 0x0a01 of token lacks sign-attestation-certificate',
    ]);
    expect((await refusalOf(device.perform({ action: 'attest', args: { key } }))).code).toBe('key-not-permitted');
  });

  const of =
    (name: keyof typeof COMMAND, change: (reply: Uint8Array) => unknown): Bend =>
    (command, reply) =>
      command.code === COMMAND[name] ? change(reply as Uint8Array) : reply;
  const certify = 'sign-attestation-certificate';
  it.each<[string, Bend, string]>([
    [
      'altered',
      of(certify, (der) => der.map((byte, at) => (at === der.length - 1 ? byte ^ 1 : byte))),
      'not signed by the attesting key',
    ],
    ['no certificate', of(certify, () => Uint8Array.of(0x30, 0)), 'cannot be read'],
    [
      'for other rights',
      of('get-object-info', (info) => ({ ...info, capabilities: 0xffn })),
      'it does not say of capabilities',
    ],
    [
      'of another origin and id',
      of('get-object-info', (info) => ({ ...info, origin: 2 })),
      'it does not say of origin what',
    ],
    [
      'of another label',
      of('get-object-info', (info) => ({
        ...info,
        label: (info as never as { label: Uint8Array }).label.map((byte) => byte),
        domains: 1,
      })),
      'it does not say of domains',
    ],
  ])('refuses a certificate that is %s', async (_, bend, reason) => {
    let isOn = false;
    const device = await openBent((...call) => (isOn ? bend(...call) : call[1]));
    const key = await make(device, SIGNER);
    isOn = true;
    const error = await refusalOf(device.perform({ action: 'attest', args: { key } }));
    expect(error.code).toBe('attestation-failed');
    expect(error.message).toContain(reason);
  });

  it('refuses a certificate for another public key', async () => {
    const device = await open();
    const key = await make(device, SIGNER);
    await make(device, { ...SIGNER, id: '0105', label: 'other' });
    const { outputs } = await device.perform({
      action: 'attest',
      args: { key: await make(device, { ...SIGNER, id: '0106' }) },
    });
    const other = new Uint8Array(new X509Certificate(String(outputs.certificate)).raw);
    const bent = await site.openBent((command, reply) => (command.code === COMMAND[certify] ? other : reply));
    expect((await refusalOf(bent.perform({ action: 'attest', args: { key } }))).message).toContain(
      'for another public key',
    );
  });
});

describe('read-log and acknowledge-log', () => {
  it('gives the entries as they follow each other, and goes on from an earlier one', async () => {
    const device = await open();
    const before = await device.perform({ action: 'read-log', args: {} });
    expect(before.violations).toEqual([]);
    expect(Number(before.outputs.count)).toBeGreaterThan(0);
    await make(device, SIGNER);
    const after = await device.perform({ action: 'read-log', args: { after: before.outputs.last_digest } });
    expect(after.violations).toEqual([]);
    expect(after.outputs.last_digest).toMatch(/^[0-9a-f]{32}$/);
    const from = await device.perform({ action: 'read-log', args: { from: before.outputs.first_number } });
    expect(from.outputs.first_number).toBe(before.outputs.first_number);
    expect(await device.reconcile({ action: 'read-log', args: {} }, null)).toEqual({ state: 'absent' });
  });

  it('names commands, objects and results in words', async () => {
    const device = await open();
    await record('generate-asymmetric-key');
    await make(device, SIGNER);
    await refusalOf(make(device, SIGNER));
    const { outputs } = await device.perform({ action: 'read-log', args: {} });
    const entries = outputs.entries as readonly Readonly<Record<string, unknown>>[];
    expect(entries.map(({ command }) => command)).toContain('boot');
    const common = { command: 'generate-asymmetric-key', session_key: '0x0a01' };
    expect(entries.slice(-2)).toMatchObject([
      { ...common, result: 'ok' },
      { ...common, result: 'object-exists' },
    ]);
  });

  const bent = (change: (log: DeviceLog) => DeviceLog) =>
    openBent((command, reply) => (command.code === COMMAND['get-log-entries'] ? change(reply as DeviceLog) : reply));
  it.each<[string, (log: DeviceLog) => DeviceLog, string]>([
    [
      'altered',
      (log) => ({ ...log, entries: log.entries.map((entry, at) => (at === 1 ? { ...entry, targetKey: 7 } : entry)) }),
      'is broken',
    ],
    ['cut in the middle', (log) => ({ ...log, entries: log.entries.filter((_, at) => at !== 1) }), 'is broken'],
    [
      'not whole',
      (log) => ({ ...log, unloggedBoots: 1, unloggedAuthentications: 2 }),
      'did not log 1 boots and 2 logins',
    ],
  ])('finds a log that is %s', async (_, change, reason) => {
    const device = await bent(change);
    await record('generate-asymmetric-key');
    await make(device, SIGNER);
    await make(device, { ...SIGNER, id: '0101' });
    const { violations } = await device.perform({ action: 'read-log', args: {} });
    expect(violations[0]).toMatchObject({ code: 'verification-failed', message: expect.stringContaining(reason) });
  });

  it('says beforehand which commands the device does not record', async () => {
    const device = await open();
    const [found] = await findingsOf(device, 'read-log', {});
    expect(found).toBe(
      'note: the audit log of token does not record anything that makes, moves or destroys objects (option command-audit)',
    );
    // Said once, by the step that reads the whole log.
    expect(await findingsOf(device, 'read-log', { 'only-new': true })).toEqual([]);
    await record('put-opaque');
    expect(await findingsOf(device, 'read-log', {})).toEqual([
      expect.stringMatching(
        /^note: the audit log of token does not record .*, get-rsa-wrapped-key, .* \(option command-audit\)$/,
      ),
    ]);
    await record(...EVIDENCE_COMMANDS);
    expect(await findingsOf(device, 'read-log', {})).toEqual([]);
  });

  it('finds that entries are missing since the last time', async () => {
    const device = await open();
    for (const args of [{ after: '0'.repeat(32) }, { from: 60_000 }]) {
      const { violations } = await device.perform({ action: 'read-log', args });
      expect(violations).toMatchObject([{ code: 'verification-failed' }]);
    }
  });

  describe('read again by the same process', () => {
    const read = (device: Device, args = {}) =>
      device.perform({ action: 'read-log', args: { 'only-new': true, ...args } });

    it('gives only what is new', async () => {
      const device = await open();
      await record('generate-asymmetric-key');
      const first = await read(device);
      expect(Number(first.outputs.count)).toBeGreaterThan(0);
      expect((await read(device)).outputs).toMatchObject({ count: 0, entries: [], missing: 0, last_number: -1 });
      await make(device, SIGNER);
      const next = await read(device);
      expect(next.outputs).toMatchObject({ count: 1, missing: 0, entries: [{ command: 'generate-asymmetric-key' }] });
      expect(next.outputs.first_number).toBe(Number(first.outputs.last_number) + 1);
      expect((await read(device, { 'only-new': false })).outputs.count).toBe(Number(first.outputs.count) + 1);
    });

    it('counts what the device wrote over before anybody read it', async () => {
      const device = await open();
      await record('get-pseudo-random');
      const first = await read(device);
      for (let more = 0; more < 65; more += 1) await device.perform({ action: 'get-random', args: { bytes: 1 } });
      const { outputs, violations } = await read(device);
      expect([outputs.count, outputs.missing, violations]).toEqual([62, 3, []]);
      expect(outputs.last_number).toBe(Number(first.outputs.last_number) + 65);
    });

    it.each<[string, (log: DeviceLog) => DeviceLog]>([
      [
        'another entry in its place',
        (log) => ({
          ...log,
          entries: log.entries.slice(-1).map((entry) => ({ ...entry, digest: new Uint8Array(16) })),
        }),
      ],
      [
        'a next one that does not follow',
        (log) => ({
          ...log,
          entries: log.entries
            .slice(-1)
            .map((entry) => ({ ...entry, number: entry.number + 1, digest: new Uint8Array(16) })),
        }),
      ],
    ])('finds a log that was exchanged: %s', async (_, change) => {
      let reads = 0;
      const device = await bent((log) => {
        reads += 1;
        return reads === 1 ? log : change(log);
      });
      expect((await read(device)).violations).toEqual([]);
      expect((await read(device)).violations).toMatchObject([
        { code: 'verification-failed', message: expect.stringContaining('which was read before') },
      ]);
    });
  });

  it('gives places free up to an entry, once', async () => {
    const device = await open();
    const { outputs } = await device.perform({ action: 'read-log', args: {} });
    await device.perform({ action: 'acknowledge-log', args: { number: outputs.last_number } });
    const later = await device.perform({ action: 'read-log', args: { after: outputs.last_digest } });
    expect(Number(later.outputs.count)).toBeLessThan(Number(outputs.count) + 2);
    const error = await refusalOf(device.perform({ action: 'acknowledge-log', args: { number: 60_000 } }));
    expect(error).toMatchObject({ code: 'device-refused', outcome: 'not-applied' });
  });

  it('names the capability that the session lacks', async () => {
    const device = await open({ without: ['get-log-entries'] });
    for (const [action, args] of [
      ['read-log', {}],
      ['acknowledge-log', { number: 1 }],
    ] as const) {
      expect(await findingsOf(device, action, args)).toEqual([
        'block: the authentication key 0x0a01 of token lacks get-log-entries',
      ]);
      expect((await refusalOf(device.perform({ action, args }))).code).toBe('key-not-permitted');
    }
  });
});

describe('a log that is nearly full', () => {
  it('stops a plan only with force-audit and where commands are recorded, and says what to do', async () => {
    const device = await open();
    const calls = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ type: 'aes', bits: 128, label: `k${at}` }));
    const levels = async (count: number) => (await device.preview('generate-key', calls(count), null)).flat();
    expect(await levels(62)).toEqual([]);
    await site.admin.call(setOption, { option: OPTION.forceAudit, value: Uint8Array.of(1) });
    expect(await levels(62)).toEqual([]);
    await record('generate-symmetric-key');
    const [found] = await levels(62);
    expect(found).toMatchObject({
      level: 'block',
      reason: expect.stringMatching(
        /^the audit log of token has room for \d+ more of 62 entries, and force-audit is on: keep what it holds \(read-log\)/,
      ),
    });
    expect(await levels(1)).toEqual([]);
  });

  it('ends in a refusal of the device that changes nothing, and goes on once it is read', async () => {
    const device = await open();
    await record('generate-symmetric-key');
    await site.admin.call(setOption, { option: OPTION.forceAudit, value: Uint8Array.of(1) });
    let refused = null;
    for (let count = 0; refused === null && count < 80; count += 1) {
      refused = await make(device, { label: `key ${count}` }).then(
        () => null,
        (error: unknown) => error,
      );
    }
    expect(refused).toMatchObject({
      code: 'device-refused',
      outcome: 'not-applied',
      scope: 'run',
      native: { name: 'log-full' },
    });
    const { outputs } = await device.perform({ action: 'read-log', args: {} });
    await site.admin.call(setLogIndex, { number: Number(outputs.last_number) });
    await make(device, { label: 'goes on' });
  });
});
