/** The playbook of two copies, stopped before and after every write of its journal and taken up again. */
import { describe, expect, it } from 'vitest';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { KeyRecord } from '../../src/keys/key-record.ts';
import { ClusterSite } from '../support/cluster-site.ts';

const ROLES = {
  owner: { user: 'crypto_user3' },
  wrapper: { user: 'crypto_user5' },
  unwrapper: { user: 'crypto_user4' },
};

async function keysOf(site: ClusterSite, role: keyof typeof ROLES): Promise<KeyRecord[]> {
  const { device } = await site.open(role, ROLES[role]);
  try {
    const found: KeyRecord[] = [];
    for await (const records of device.inventory({})) found.push(...records);
    return found.sort((one, other) => one.label.localeCompare(other.label));
  } finally {
    await device.close();
  }
}

/** Two copies that belong to the owner, each shared with one user, each with one half of the rights, and nothing else anywhere. */
async function expectSplit(site: ClusterSite): Promise<void> {
  const [unwrapOnly, wrapOnly, ...others] = await keysOf(site, 'owner');
  expect(others.map(({ label }) => label)).toEqual([]);
  expect(wrapOnly).toMatchObject({
    label: 'split-wrap-only',
    attributes: { wrap: true, unwrap: false, encrypt: false, decrypt: false, extractable: false },
  });
  expect(unwrapOnly).toMatchObject({
    label: 'split-unwrap-only',
    attributes: { wrap: false, unwrap: true, encrypt: false, decrypt: false, extractable: false },
  });
  expect((await keysOf(site, 'wrapper')).map(({ id }) => id)).toEqual([wrapOnly?.id]);
  expect((await keysOf(site, 'unwrapper')).map(({ id }) => id)).toEqual([unwrapOnly?.id]);
}

describe('split-wrap-roles', () => {
  it('leaves two copies and nothing else, wherever it is stopped', async () => {
    const site = new ClusterSite({ playbook: 'split-wrap-roles.yaml', roles: ROLES });
    const whole = await site.run();
    expect(whole).toMatchObject({ state: 'done', exitCode: 0, leftovers: [], error: null });
    await expectSplit(site);
    const images = await site.develop(whole.run);
    expect(images.length).toBeGreaterThan(50);

    for (const image of images) {
      image.restore();
      try {
        const result = await site.resume(image.run);
        expect(result).toMatchObject({ state: 'done', exitCode: 0, leftovers: [], error: null });
      } catch (error) {
        if (!(error instanceof KeyferryError && error.code === 'run-finished')) {
          throw new Error(`stopped ${image.name}: ${String(error)}`, { cause: error });
        }
      }
      await expectSplit(site).catch((error: Error) => {
        throw new Error(`stopped ${image.name}: ${error.message}`, { cause: error });
      });
    }
  }, 600_000);

  it('fails where the user who is to prove a refusal has not got the key', async () => {
    const site = new ClusterSite({ playbook: 'split-wrap-roles.yaml', roles: { ...ROLES, wrapper: ROLES.unwrapper } });
    // The wrapping copy is shared with crypto_user5, and the device that is to prove it is crypto_user4.
    expect(await site.run()).toMatchObject({ state: 'failed', exitCode: 1, error: { code: 'key-not-found' } });
    const left = (await keysOf(site, 'owner')).map(({ label }) => label);
    expect(left).toEqual(['split-unwrap-only', 'split-wrap-only']);
  });
});
