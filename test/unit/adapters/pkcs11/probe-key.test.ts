import { describe, expect, it } from 'vitest';
import { CKR } from '../../../../src/adapters/pkcs11/constants.ts';
import { CryptokiError } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import { attempt } from '../../../../src/adapters/pkcs11/probe-key.ts';

/** Refuses so many times, then answers. */
function aDevice(refusals: number, value: number) {
  let calls = 0;
  return {
    call: () => {
      calls += 1;
      if (calls <= refusals) throw new CryptokiError('C_WrapKey', value);
      return 'made';
    },
    calls: () => calls,
  };
}

describe('a probe', () => {
  it.each(['DEVICE_ERROR', 'GENERAL_ERROR', 'SESSION_COUNT', 'FUNCTION_FAILED'] as const)(
    'asks again after %s, which may pass',
    async (name) => {
      const device = aDevice(2, CKR[name]);
      expect(await attempt(device.call)).toBe('made');
    },
  );

  it('takes what does not pass for a refusal', async () => {
    const device = aDevice(100, CKR.DEVICE_ERROR);
    expect(await attempt(device.call)).toBeNull();
    expect(device.calls()).toBe(4);
  });

  it('does not ask again what was refused for good', async () => {
    const device = aDevice(1, CKR.MECHANISM_INVALID);
    expect(await attempt(device.call)).toBeNull();
    expect(device.calls()).toBe(1);
  });

  it('hides no error of its own making', async () => {
    await expect(attempt(() => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
  });
});
