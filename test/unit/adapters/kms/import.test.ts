import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createdKey, importInto, openKms } from '../../../support/kms-device-fixtures.ts';

describe('import-key-material', () => {
  it('brings an AES key in', async () => {
    const device = await openKms();
    const key = await createdKey(device);
    const { outputs, violations } = await importInto(device, key, randomBytes(32));
    expect(violations).toEqual([]);
    expect(outputs.key_material_id).toMatch(/^[0-9a-f]{64}$/);
    await device.close();
  });
});
