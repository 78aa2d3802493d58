/** What a person is told to do for key pairs and for the hybrid: the mechanism and rights that the actions themselves would use. */
import { describe, expect, it } from 'vitest';
import { inWords } from '../../../../../src/adapters/pkcs11/runbook/in-words.ts';
import type { RunbookCall, RunbookKey } from '../../../../../src/adapters/runbook.ts';

const call = (action: string, args: RunbookCall['args']): RunbookCall => ({
  action,
  args,
  device: 'classic',
  title: 'a step',
  stem: 'step1',
  readBy: [],
});

const told = (action: string, args: RunbookCall['args']) => {
  const { lines, outputs } = inWords.write(call(action, args));
  return { text: lines.map((line) => line.text).join('\n'), outputs };
};

describe('a pair', () => {
  it('for wrapping can unwrap and does not leave', () => {
    const { text } = told('generate-rsa-key-pair', { purpose: 'wrapping', label: 'w', 'modulus-bits': 3072 });
    expect(text).toContain('RSA, 3072 bits');
    expect(text).toMatch(/Private half: .*CKA_EXTRACTABLE = false.*CKA_SIGN = false.*CKA_UNWRAP = true/);
  });

  it.each([true, false])('for signing can sign, and leaves as it is asked: %s', (extractable) => {
    for (const [action, more] of [
      ['generate-rsa-key-pair', { 'modulus-bits': 2048 }],
      ['generate-ec-key-pair', { curve: 'P-521' }],
    ] as const) {
      const { text, outputs } = told(action, { purpose: 'signing', label: 's', extractable, ...more });
      const half = new RegExp(`Private half: .*CKA_EXTRACTABLE = ${extractable}.*CKA_SIGN = true.*CKA_UNWRAP = false`);
      expect(text).toMatch(half);
      expect((outputs.private_key as RunbookKey).bits).toBe(action === 'generate-ec-key-pair' ? 521 : 2048);
    }
  });

  it('names the curve', () => {
    const { text } = told('generate-ec-key-pair', { label: 's', curve: 'secp256k1' });
    expect(text).toContain('CKA_EC_PARAMS the object identifier of secp256k1');
  });
});

describe('a wrap', () => {
  it('by the hybrid is not told as OAEP', () => {
    const { text } = told('wrap-key', { mechanism: 'rsa-aes-kwp-sha256' });
    expect(text).toContain('CKM_RSA_AES_KEY_WRAP, ulAESKeyBits 256, hashAlg CKM_SHA256, mgf CKG_MGF1_SHA256');
    expect(text).not.toContain('CKM_RSA_PKCS_OAEP');
    expect(told('wrap-key', { mechanism: 'rsa-oaep-sha1' }).text).toContain('CKM_RSA_PKCS_OAEP, hashAlg CKM_SHA_1');
  });
});
