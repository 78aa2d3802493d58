import { describe, expect, it } from 'vitest';
import { asKeyferryError } from '../../../../src/adapters/pkcs11/ckr-errors.ts';
import { CKR, ckrName } from '../../../../src/adapters/pkcs11/constants.ts';
import { CryptokiError } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import { KeyferryError } from '../../../../src/errors/keyferry-error.ts';

const converted = (value: number, effect: 'reading' | 'changing' | 'checking') =>
  asKeyferryError(new CryptokiError('C_UnwrapKey', value), { device: 'cluster', operation: 'unwrap it', effect });

describe('what a return value means', () => {
  it.each([
    ['KEY_UNEXTRACTABLE', 'key-not-extractable'],
    ['KEY_NOT_WRAPPABLE', 'key-not-extractable'],
    ['KEY_FUNCTION_NOT_PERMITTED', 'key-not-permitted'],
    ['MECHANISM_INVALID', 'mechanism-invalid'],
    ['MECHANISM_PARAM_INVALID', 'mechanism-invalid'],
    ['TEMPLATE_INCONSISTENT', 'device-refused'],
    ['ATTRIBUTE_TYPE_INVALID', 'device-refused'],
    ['DEVICE_MEMORY', 'device-refused'],
    ['OBJECT_HANDLE_INVALID', 'key-not-found'],
    ['PIN_LOCKED', 'pin-locked'],
    ['SESSION_COUNT', 'device-busy'],
  ] as const)('CKR_%s proves that nothing was done', (name, code) => {
    expect(converted(CKR[name], 'changing')).toMatchObject({
      code,
      outcome: 'not-applied',
      device: 'cluster',
      native: { name: `CKR_${name}`, value: CKR[name] },
    });
  });

  it.each([
    ['DEVICE_ERROR', 'outcome-unknown'],
    ['GENERAL_ERROR', 'outcome-unknown'],
    ['FUNCTION_FAILED', 'outcome-unknown'],
    ['HOST_MEMORY', 'outcome-unknown'],
    ['DEVICE_REMOVED', 'device-lost'],
    ['TOKEN_NOT_PRESENT', 'device-lost'],
    ['SESSION_HANDLE_INVALID', 'device-lost'],
  ] as const)('CKR_%s leaves it open after a changing call, and settles a read', (name, code) => {
    expect(converted(CKR[name], 'changing')).toMatchObject({ code, outcome: 'unknown' });
    const read = converted(CKR[name], 'reading');
    expect(read).toMatchObject({ outcome: 'not-applied', code: code === 'outcome-unknown' ? 'device-busy' : code });
  });

  it('never takes a code that nobody knows for a refusal', () => {
    expect(converted(0x80000123, 'changing')).toMatchObject({
      code: 'outcome-unknown',
      outcome: 'unknown',
      native: { name: 'CKR_0x80000123' },
    });
  });

  it('leaves it open when the look after a change fails, whatever the reason', () => {
    for (const value of Object.values(CKR)) {
      expect(converted(value, 'checking'), ckrName(value)).toMatchObject({ outcome: 'unknown' });
    }
    const refused = new KeyferryError('key-not-found', 'gone');
    const context = { device: 'cluster', operation: 'read it back', effect: 'checking' } as const;
    expect(asKeyferryError(refused, context)).toMatchObject({ code: 'key-not-found', outcome: 'unknown' });
  });

  it('hands bugs back as they are', () => {
    const bug = new TypeError('x is undefined');
    expect(asKeyferryError(bug, { device: 'cluster', operation: 'unwrap it', effect: 'changing' })).toBe(bug);
  });
});
