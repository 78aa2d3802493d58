import { describe, expect, it } from 'vitest';
import { CKF } from '../../../../src/adapters/pkcs11/constants.ts';
import type { Cryptoki, TokenInfo } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import { selectToken } from '../../../../src/adapters/pkcs11/slot.ts';

const token = (slot: bigint, label: string, serial: string, flags: number = CKF.TOKEN_INITIALIZED): TokenInfo => ({
  slot,
  label,
  serial,
  flags,
  manufacturer: '',
  model: '',
  firmware: '',
  hardware: false,
  maxSessions: 0,
});

function moduleOf(...tokens: TokenInfo[]): Cryptoki {
  const answers: Partial<Cryptoki> = {
    C_GetSlotList: () => tokens.map(({ slot }) => slot),
    C_GetTokenInfo: (slot) => tokens.find((each) => each.slot === slot) ?? token(slot, '', ''),
  };
  return answers as Cryptoki;
}

const two = moduleOf(token(1n, 'alpha', 'A1'), token(7n, 'beta', 'B2'), token(9n, '', '', 0));
const twins = moduleOf(token(1n, 'alpha', 'A1'), token(7n, 'alpha', 'B2'));

describe('which slot holds the token', () => {
  it.each([
    [{ token: 'beta' }, 7n],
    [{ serial: 'A1' }, 1n],
    [{ slot: 7 }, 7n],
    [{ slot: 1, token: 'alpha' }, 1n],
  ])('finds %o', (selector, slot) => {
    expect(selectToken('device', two, selector).slot).toBe(slot);
  });

  it('takes the only token there is without being told', () => {
    expect(selectToken('device', moduleOf(token(3n, 'only', 'X')), {}).label).toBe('only');
  });

  it.each([[{ token: 'gamma' }], [{ slot: 9 }], [{ slot: 1, token: 'beta' }], [{ serial: 'a1' }]])(
    'does not find %o, and says what there is',
    (selector) => {
      expect(() => selectToken('device', two, selector)).toThrow(
        expect.objectContaining({
          code: 'token-not-found',
          message: expect.stringContaining('"alpha" (slot 1, serial A1)'),
        }),
      );
    },
  );

  it('says when there is none at all', () => {
    expect(() => selectToken('device', moduleOf(), { token: 'x' })).toThrow(
      expect.objectContaining({ code: 'token-not-found', message: expect.stringContaining('no initialised token') }),
    );
  });

  it('never chooses between several', () => {
    expect(() => selectToken('device', twins, { token: 'alpha' })).toThrow(
      expect.objectContaining({ code: 'token-ambiguous' }),
    );
    expect(() => selectToken('device', two, {})).toThrow(expect.objectContaining({ code: 'token-ambiguous' }));
    expect(selectToken('device', twins, { token: 'alpha', serial: 'B2' }).slot).toBe(7n);
  });
});
