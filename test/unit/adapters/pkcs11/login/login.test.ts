import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { CKF, CKR } from '../../../../../src/adapters/pkcs11/constants.ts';
import { type Cryptoki, CryptokiError, type TokenInfo } from '../../../../../src/adapters/pkcs11/cryptoki.ts';
import { createLoginGuard } from '../../../../../src/adapters/pkcs11/login.ts';
import { KeyferryError } from '../../../../../src/errors/keyferry-error.ts';
import { Secret } from '../../../../../src/keys/secret.ts';

const RIGHT = new Secret('right-pin-7731');
const WRONG = new Secret('wrong-pin-9942');

class FakeToken {
  flags = 0;
  serial = 'SERIAL1';
  /** What C_Login throws instead of looking at the PIN. */
  fault: Error | undefined;
  readonly tried: string[] = [];

  info(): TokenInfo {
    const { flags, serial } = this;
    return {
      slot: 1n,
      label: 'fake',
      serial,
      manufacturer: '',
      model: '',
      firmware: '',
      flags,
      hardware: false,
      maxSessions: 0,
    };
  }

  login(pin: string): void {
    this.tried.push(pin);
    if (this.fault !== undefined) throw this.fault;
    if (pin !== RIGHT.reveal()) throw new CryptokiError('C_Login', CKR.PIN_INCORRECT);
  }

  module(): Cryptoki {
    return {
      C_GetTokenInfo: () => this.info(),
      C_Login: (_session: bigint, _user: number, pin: string) => this.login(pin),
    } as unknown as Cryptoki;
  }
}

let home: string;
let token: FakeToken;

beforeEach(() => {
  home = join(mkdtempSync(join(tmpdir(), 'keyferry-login-')), 'home');
  token = new FakeToken();
});

async function login(pin: Secret, options: { retryPin?: boolean; home?: string } = {}): Promise<string> {
  const guard = createLoginGuard({
    home: options.home ?? home,
    device: 'cluster',
    retryPin: options.retryPin ?? false,
  });
  try {
    await guard.login(token.module(), 5n, token.info(), pin);
    return 'in';
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error;
    expect(`${error.message}${error.hint}`).not.toContain(pin.reveal());
    expect(error.device).toBe('cluster');
    return error.code;
  }
}

const memory = (): string => readFileSync(join(home, 'refused-pins.json'), 'utf8');
const states = (): string[] =>
  Object.values((JSON.parse(memory()) as { pins: Record<string, { state: string }> }).pins).map(({ state }) => state);

describe('a login', () => {
  test('with the right PIN leaves nothing to remember', async () => {
    expect(await login(RIGHT)).toBe('in');
    expect(states()).toEqual([]);
    expect(await login(RIGHT)).toBe('in');
  });

  test('is noted as being tried before the device sees the PIN', async () => {
    let during: string[] = [];
    const module = {
      ...token.module(),
      C_Login: () => {
        during = states();
      },
    } as unknown as Cryptoki;
    await createLoginGuard({ home, device: 'cluster', retryPin: false }).login(module, 5n, token.info(), RIGHT);
    expect(during).toEqual(['trying']);
  });

  test('counts as done when the user is logged in already', async () => {
    token.fault = new CryptokiError('C_Login', CKR.USER_ALREADY_LOGGED_IN);
    expect(await login(RIGHT)).toBe('in');
    expect(states()).toEqual([]);
  });
});

describe('a refused PIN', () => {
  test.each([CKR.PIN_INCORRECT, CKR.PIN_INVALID, CKR.PIN_LEN_RANGE, CKR.PIN_EXPIRED])(
    'with return value 0x%x is never tried again by itself',
    async (value) => {
      token.fault = new CryptokiError('C_Login', value);
      expect(await login(WRONG)).toBe('login-refused');
      token.fault = undefined;
      expect(await login(WRONG)).toBe('login-remembered');
      expect(token.tried).toHaveLength(1);
    },
  );

  test('does not stand in the way of another PIN or another token', async () => {
    await login(WRONG);
    expect(await login(RIGHT)).toBe('in');
    token.serial = 'SERIAL2';
    expect(await login(WRONG)).toBe('login-refused');
    expect(token.tried).toHaveLength(3);
  });

  test('is tried once more with --retry-pin, and remembered again', async () => {
    await login(WRONG);
    expect(await login(WRONG, { retryPin: true })).toBe('login-refused');
    expect(await login(WRONG)).toBe('login-remembered');
    expect(token.tried).toHaveLength(2);
  });

  test('is tried once by five logins at the same time', async () => {
    const codes = await Promise.all([1, 2, 3, 4, 5].map(() => login(WRONG)));
    expect(codes.filter((code) => code === 'login-refused')).toHaveLength(1);
    expect(codes.filter((code) => code === 'login-remembered')).toHaveLength(4);
    expect(token.tried).toHaveLength(1);
  });

  test('cannot be read from the memory, which is for its owner only', async () => {
    await login(WRONG);
    expect(memory()).not.toContain(WRONG.reveal());
    expect(statSync(join(home, 'refused-pins.json')).mode & 0o777).toBe(0o600);
    expect(statSync(home).mode & 0o777).toBe(0o700);
  });
});

describe('a login whose end is not known', () => {
  test('is settled by the flags: no wrong PIN counted, so the same PIN may be tried', async () => {
    token.fault = new Error('as if the process had died here');
    await expect(login(RIGHT)).rejects.toThrow('as if');
    expect(states()).toEqual(['trying']);
    token.fault = undefined;
    expect(await login(RIGHT)).toBe('in');
    expect(states()).toEqual([]);
  });

  test('is settled by the flags: a wrong PIN was counted, so none is tried', async () => {
    token.fault = new Error('as if the process had died here');
    await expect(login(WRONG)).rejects.toThrow('as if');
    token.fault = undefined;
    token.flags |= CKF.USER_PIN_COUNT_LOW;
    expect(await login(WRONG)).toBe('login-risky');
    expect(token.tried).toHaveLength(1);
  });

  test('happens a few times only, on a device that keeps no flags', async () => {
    token.fault = new CryptokiError('C_Login', CKR.DEVICE_ERROR);
    for (let n = 0; n < 4; n += 1) expect(await login(RIGHT)).toBe('device-unreachable');
    expect(await login(RIGHT)).toBe('login-remembered');
    expect(token.tried).toHaveLength(4);
    token.fault = undefined;
    expect(await login(RIGHT, { retryPin: true })).toBe('in');
    expect(await login(RIGHT)).toBe('in');
  });

  test('is forgotten when the device cannot have looked at the PIN', async () => {
    token.fault = new CryptokiError('C_Login', CKR.USER_PIN_NOT_INITIALIZED);
    expect(await login(RIGHT)).toBe('device-unreachable');
    token.fault = undefined;
    expect(await login(RIGHT)).toBe('in');
  });
});

describe('a token in danger', () => {
  test.each([
    ['locked', CKF.USER_PIN_LOCKED, 'pin-locked', 'pin-locked'],
    ['at its final try', CKF.USER_PIN_FINAL_TRY | CKF.USER_PIN_COUNT_LOW, 'login-risky', 'login-risky'],
    ['with a wrong PIN counted', CKF.USER_PIN_COUNT_LOW, 'login-risky', 'in'],
  ])('%s is not tried', async (_name, flags, code, withRetry) => {
    token.flags = flags;
    expect(await login(RIGHT)).toBe(code);
    expect(token.tried).toEqual([]);
    expect(await login(RIGHT, { retryPin: true })).toBe(withRetry);
  });

  test('that locks itself at the try is called locked', async () => {
    token.fault = new CryptokiError('C_Login', CKR.PIN_LOCKED);
    expect(await login(RIGHT)).toBe('pin-locked');
  });

  test('is judged by its flags now, not by those read earlier', async () => {
    const before = token.info();
    token.flags = CKF.USER_PIN_FINAL_TRY;
    const guard = createLoginGuard({ home, device: 'cluster', retryPin: false });
    await expect(guard.login(token.module(), 5n, before, RIGHT)).rejects.toMatchObject({ code: 'login-risky' });
  });
});

describe('without a working memory no PIN is tried', () => {
  test.each(['{', '[]', '{"format":2,"key":"","pins":{}}', ''])('damaged: %s', async (text) => {
    await login(RIGHT);
    writeFileSync(join(home, 'refused-pins.json'), text);
    expect(await loginCode(home)).toBe('file-unreadable');
    expect(token.tried).toHaveLength(1);
  });

  test('a home that cannot be made', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'keyferry-login-')), 'file');
    writeFileSync(file, '');
    expect(await loginCode(join(file, 'home'))).toBe('state-unwritable');
    expect(token.tried).toEqual([]);
  });
});

async function loginCode(at: string): Promise<string> {
  const guard = createLoginGuard({ home: at, device: 'cluster', retryPin: false });
  const error: unknown = await guard.login(token.module(), 5n, token.info(), RIGHT).catch((caught: unknown) => caught);
  return error instanceof KeyferryError ? error.code : 'in';
}
