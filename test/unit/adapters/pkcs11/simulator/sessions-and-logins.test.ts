import { describe, expect, it } from 'vitest';
import { CKA, CKF, CKO, CKR, CKU } from '../../../../../src/adapters/pkcs11/constants.ts';
import { GENERIC_PERSONALITY } from '../../../../../src/adapters/pkcs11/simulator/personality.ts';
import { aModule, makeAes, OFFICER_PIN, USER_PIN } from '../../../../support/cryptoki-module.ts';
import { refusalOf, slowRefusalOf, template } from '../../../../support/cryptoki-templates.ts';

const tokenWith = (values: object) => ({
  personality: { tokens: GENERIC_PERSONALITY.tokens.map((token) => ({ ...token, ...values })) },
});

describe('initialising', () => {
  it('refuses every call before C_Initialize and after C_Finalize', () => {
    const { module, session } = aModule();
    module.C_Finalize();
    expect(refusalOf(() => module.C_GetSlotList(true))).toBe(CKR.CRYPTOKI_NOT_INITIALIZED);
    expect(refusalOf(() => module.findObjects(session, []))).toBe(CKR.CRYPTOKI_NOT_INITIALIZED);
    expect(refusalOf(() => module.C_Finalize())).toBe(CKR.CRYPTOKI_NOT_INITIALIZED);
    module.C_Initialize();
    expect(refusalOf(() => module.C_Initialize())).toBe(CKR.CRYPTOKI_ALREADY_INITIALIZED);
  });

  it('ends sessions and logins with C_Finalize', () => {
    const { module, session } = aModule();
    module.C_Finalize();
    module.C_Initialize();
    expect(refusalOf(() => module.findObjects(session, []))).toBe(CKR.SESSION_HANDLE_INVALID);
    const next = module.C_OpenSession(0n);
    expect(refusalOf(() => module.C_Logout(next))).toBe(CKR.USER_NOT_LOGGED_IN);
  });

  it('refuses slots that are not there', () => {
    const { module } = aModule();
    expect(refusalOf(() => module.C_OpenSession(7n))).toBe(CKR.SLOT_ID_INVALID);
    expect(refusalOf(() => module.C_GetTokenInfo(7n))).toBe(CKR.SLOT_ID_INVALID);
    expect(refusalOf(() => module.C_GetMechanismInfo(0n, 0x7777))).toBe(CKR.MECHANISM_INVALID);
  });
});

describe('sessions', () => {
  it('allows no more than the token does', () => {
    const { module } = aModule(tokenWith({ maxSessions: 2 }));
    const second = module.C_OpenSession(0n);
    expect(refusalOf(() => module.C_OpenSession(0n))).toBe(CKR.SESSION_COUNT);
    module.C_CloseSession(second);
    expect(module.C_OpenSession(0n)).not.toBe(second);
  });

  it('destroys session objects with their session, and keeps token objects', async () => {
    const under = aModule();
    const other = under.module.C_OpenSession(0n);
    const mine = await makeAes({ module: under.module, session: other }, { TOKEN: false, LABEL: 'session' });
    await makeAes(under, { LABEL: 'token' });
    expect(under.module.findObjects(under.session, template({ LABEL: 'session' }))).toEqual([mine]);
    under.module.C_CloseSession(other);
    expect(under.module.findObjects(under.session, template({ LABEL: 'session' }))).toEqual([]);
    expect(under.module.findObjects(under.session, template({ LABEL: 'token' }))).toHaveLength(1);
    expect(refusalOf(() => under.module.C_CloseSession(other))).toBe(CKR.SESSION_HANDLE_INVALID);
  });

  it('logs out when the last session of the token closes', () => {
    const { module, session } = aModule();
    module.C_CloseSession(session);
    const next = module.C_OpenSession(0n);
    expect(refusalOf(() => module.C_Logout(next))).toBe(CKR.USER_NOT_LOGGED_IN);
  });
});

describe('logins', () => {
  it('apply to all sessions of the token', async () => {
    const { module, session } = aModule({ login: false });
    const other = module.C_OpenSession(0n);
    module.C_Login(other, CKU.USER, USER_PIN);
    await makeAes({ module, session });
    expect(refusalOf(() => module.C_Login(session, CKU.USER, USER_PIN))).toBe(CKR.USER_ALREADY_LOGGED_IN);
    expect(refusalOf(() => module.C_Login(session, CKU.SO, OFFICER_PIN))).toBe(CKR.USER_ANOTHER_ALREADY_LOGGED_IN);
    expect(refusalOf(() => module.C_Login(session, 9, USER_PIN))).toBe(CKR.USER_TYPE_INVALID);
  });

  it('hide private objects from strangers and from the SO, and show public ones', async () => {
    const under = aModule();
    const { module, session } = under;
    const hidden = await makeAes(under, { LABEL: 'private' });
    await makeAes(under, { LABEL: 'public', PRIVATE: false });
    module.C_Logout(session);
    expect(module.findObjects(session, template({ CLASS: CKO.SECRET_KEY }))).toHaveLength(1);
    expect(refusalOf(() => module.C_GetAttributeValue(session, hidden, [CKA.LABEL]))).toBe(CKR.OBJECT_HANDLE_INVALID);
    expect(await slowRefusalOf(makeAes(under))).toBe(CKR.USER_NOT_LOGGED_IN);
    module.C_Login(session, CKU.SO, OFFICER_PIN);
    expect(module.findObjects(session, template({ LABEL: 'private' }))).toEqual([]);
    expect(await slowRefusalOf(makeAes(under))).toBe(CKR.USER_NOT_LOGGED_IN);
  });

  it('destroy private session objects with C_Logout', async () => {
    const under = aModule();
    await makeAes(under, { TOKEN: false, LABEL: 'gone' });
    await makeAes(under, { TOKEN: false, PRIVATE: false, LABEL: 'stays' });
    under.module.C_Logout(under.session);
    under.module.C_Login(under.session, CKU.USER, USER_PIN);
    expect(under.module.findObjects(under.session, template({ LABEL: 'gone' }))).toEqual([]);
    expect(under.module.findObjects(under.session, template({ LABEL: 'stays' }))).toHaveLength(1);
  });
});

describe('wrong PINs', () => {
  const flagsOf = (module: ReturnType<typeof aModule>['module']) => module.C_GetTokenInfo(0n).flags;

  it('are counted, shown in the flags, and lock the token', () => {
    const { module, session } = aModule({ ...tokenWith({ maxFailedLogins: 3 }), login: false });
    expect(flagsOf(module) & CKF.USER_PIN_COUNT_LOW).toBe(0);
    expect(refusalOf(() => module.C_Login(session, CKU.USER, 'wrong'))).toBe(CKR.PIN_INCORRECT);
    expect(flagsOf(module) & CKF.USER_PIN_COUNT_LOW).not.toBe(0);
    expect(flagsOf(module) & CKF.USER_PIN_FINAL_TRY).toBe(0);
    expect(refusalOf(() => module.C_Login(session, CKU.USER, 'wrong'))).toBe(CKR.PIN_INCORRECT);
    expect(flagsOf(module) & CKF.USER_PIN_FINAL_TRY).not.toBe(0);
    expect(refusalOf(() => module.C_Login(session, CKU.USER, 'wrong'))).toBe(CKR.PIN_INCORRECT);
    expect(flagsOf(module) & CKF.USER_PIN_LOCKED).not.toBe(0);
    expect(refusalOf(() => module.C_Login(session, CKU.USER, USER_PIN))).toBe(CKR.PIN_LOCKED);
  });

  it('are forgotten after a right one', () => {
    const { module, session } = aModule({ ...tokenWith({ maxFailedLogins: 2 }), login: false });
    expect(refusalOf(() => module.C_Login(session, CKU.USER, 'wrong'))).toBe(CKR.PIN_INCORRECT);
    module.C_Login(session, CKU.USER, USER_PIN);
    expect(flagsOf(module) & CKF.USER_PIN_COUNT_LOW).toBe(0);
    expect(flagsOf(module) & CKF.USER_PIN_INITIALIZED).not.toBe(0);
  });

  it('say when a role has no PIN', () => {
    const { module, session } = aModule({ ...tokenWith({ officerPin: null }), login: false });
    expect(refusalOf(() => module.C_Login(session, CKU.SO, OFFICER_PIN))).toBe(CKR.USER_PIN_NOT_INITIALIZED);
  });
});
