import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lunaClassic } from '../../../../src/adapters/luna-classic/adapter.ts';
import { lunaClassicPersonality } from '../../../../src/adapters/luna-classic/simulator/personality.ts';
import { CKA, CKM } from '../../../../src/adapters/pkcs11/constants.ts';
import { listKeys, makeKey, openContext, openSimulated } from '../../../support/pkcs11-devices.ts';

const stateDir = (): string => join(mkdtempSync(join(tmpdir(), 'keyferry-luna-')), 'state');

describe('luna-classic', () => {
  it('keeps keys and serial number in its state folder', async () => {
    const state = stateDir();
    const first = await openSimulated(lunaClassic, { state });
    await makeKey(first, { label: 'kept', id: '01' });
    const { serial } = await first.describe();
    await first.close();
    const again = await openSimulated(lunaClassic, { state }, 'another-name');
    expect((await again.describe()).serial).toBe(serial);
    expect((await listKeys(again)).map(({ label }) => label)).toEqual(['kept']);
    await again.close();
  });

  it('gives two devices two serial numbers', async () => {
    const [one, two] = [
      await openSimulated(lunaClassic, { state: stateDir() }),
      await openSimulated(lunaClassic, { state: stateDir() }),
    ];
    expect((await one.describe()).serial).not.toBe((await two.describe()).serial);
    await Promise.all([one.close(), two.close()]);
  });

  it('refuses a state folder whose serial number was overwritten', async () => {
    const state = stateDir();
    await (await openSimulated(lunaClassic, { state })).close();
    expect(readFileSync(join(state, 'serial'), 'utf8')).toMatch(/^SIM/);
    writeFileSync(join(state, 'serial'), 'nonsense');
    await expect(openSimulated(lunaClassic, { state })).rejects.toMatchObject({ code: 'simulator-state' });
  });

  it('keeps the PIN that the token was born with, and refuses another', async () => {
    const state = stateDir();
    const settings = { name: 'classic', adapter: 'luna-classic', driver: 'simulated', values: { state, pin: {} } };
    await (await lunaClassic.open(settings, openContext('right-pin'))).close();
    await expect(lunaClassic.open(settings, openContext('wrong-pin'))).rejects.toMatchObject({ code: 'login-refused' });
    await expect(lunaClassic.open(settings, openContext('right-pin'))).rejects.toMatchObject({ code: 'login-risky' });
    const device = await lunaClassic.open(settings, { ...openContext('right-pin'), retryPin: true });
    expect((await device.describe()).trust).toBe('simulated');
    await device.close();
  });

  it('does RSA-OAEP with SHA-1 only and has the vendor numbers for AES key wrap', () => {
    const { mechanisms } = lunaClassicPersonality({
      label: undefined,
      serial: 'S',
      pin: undefined,
      defects: {},
      members: 1,
    });
    expect(mechanisms.find(({ type }) => type === CKM.RSA_PKCS_OAEP)?.oaep).toBeUndefined();
    expect(mechanisms.map(({ type }) => type)).toEqual(expect.arrayContaining([0x80000170, 0x80000171]));
    expect(mechanisms.map(({ type }) => type)).not.toContain(CKM.AES_KEY_WRAP);
  });

  it('lets an imported public key wrap only when the template says so', () => {
    const { defaults } = lunaClassicPersonality({
      label: undefined,
      serial: 'S',
      pin: undefined,
      defects: {},
      members: 1,
    });
    expect(defaults.at(-1)).toMatchObject({ way: 'create', attributes: { [CKA.WRAP]: false } });
  });

  it('shows an HA group as one token over its members', async () => {
    const device = await openSimulated(lunaClassic, { 'ha-members': 3, token: 'group' });
    await makeKey(device, { label: 'cloned' });
    const { label, model } = await device.describe();
    expect([label, model]).toEqual(['group', 'Luna HA group (simulated)']);
    expect(await listKeys(device)).toHaveLength(1);
    await device.close();
  });
});
