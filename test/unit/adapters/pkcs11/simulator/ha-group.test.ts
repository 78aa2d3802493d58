import { describe, expect, it } from 'vitest';
import { CKA, CKR, CKU } from '../../../../../src/adapters/pkcs11/constants.ts';
import {
  GENERIC_PERSONALITY,
  type TokenPersonality,
} from '../../../../../src/adapters/pkcs11/simulator/personality.ts';
import { KeyferryError } from '../../../../../src/errors/keyferry-error.ts';
import { aModule, makeAes, makeRsa, shown, USER_PIN } from '../../../../support/cryptoki-module.ts';
import { refusalOf, template } from '../../../../support/cryptoki-templates.ts';

const [base] = GENERIC_PERSONALITY.tokens;
const token = (values: Partial<TokenPersonality>): TokenPersonality => {
  if (base === undefined) throw new Error('the generic personality has no token');
  return { ...base, ...values };
};
const tokens = [
  token({ slot: 0, serial: 'A', label: 'member-a' }),
  token({ slot: 1, serial: 'B', label: 'member-b' }),
  token({ slot: 5, serial: 'HA', label: 'group', members: ['A', 'B'] }),
];

const aGroup = () => {
  const group = aModule({ personality: { tokens }, slot: 5n });
  const { module } = group;
  const member = (slot: bigint) => {
    const session = module.C_OpenSession(slot);
    module.C_Login(session, CKU.USER, USER_PIN);
    return { module, session };
  };
  return { group, a: member(0n), b: member(1n) };
};

describe('an HA group', () => {
  it('puts what is made through it on every member, under handles of its own', async () => {
    const { group, a, b } = aGroup();
    const key = await makeAes(group, { LABEL: 'shared' });
    const [onA] = a.module.findObjects(a.session, template({ LABEL: 'shared' }));
    const [onB] = b.module.findObjects(b.session, template({ LABEL: 'shared' }));
    expect(group.module.findObjects(group.session, template({ LABEL: 'shared' }))).toEqual([key]);
    expect(new Set([key, onA, onB]).size).toBe(3);
    expect(shown(a, onA ?? 0n, CKA.CHECK_VALUE)).toEqual(shown(group, key, CKA.CHECK_VALUE));
  });

  it('sees what one member alone holds, and destroys and changes on all', async () => {
    const { group, a, b } = aGroup();
    await makeAes(a, { LABEL: 'only-a' });
    expect(group.module.findObjects(group.session, template({ LABEL: 'only-a' }))).toHaveLength(1);
    expect(b.module.findObjects(b.session, template({ LABEL: 'only-a' }))).toEqual([]);
    const key = await makeAes(group, { LABEL: 'shared' });
    group.module.C_SetAttributeValue(group.session, key, template({ LABEL: 'renamed' }));
    expect(a.module.findObjects(a.session, template({ LABEL: 'renamed' }))).toHaveLength(1);
    expect(b.module.findObjects(b.session, template({ LABEL: 'renamed' }))).toHaveLength(1);
    group.module.C_DestroyObject(group.session, key);
    expect(a.module.findObjects(a.session, template({ LABEL: 'renamed' }))).toEqual([]);
    expect(b.module.findObjects(b.session, template({ LABEL: 'renamed' }))).toEqual([]);
  });

  it('keeps the key when one member loses it', async () => {
    const { group, a } = aGroup();
    const pair = await makeRsa(group, { TOKEN: true, LABEL: 'pair' }, { TOKEN: true });
    const [onA] = a.module.findObjects(a.session, template({ LABEL: 'pair' }));
    a.module.C_DestroyObject(a.session, onA ?? 0n);
    expect(shown(group, pair.publicKey, CKA.MODULUS)).toHaveLength(256);
  });

  it('does not take the handle of a member', async () => {
    const { group, a } = aGroup();
    const onA = await makeAes(a);
    expect(refusalOf(() => group.module.C_GetAttributeValue(group.session, onA, [CKA.LABEL]))).toBe(
      CKR.OBJECT_HANDLE_INVALID,
    );
  });

  it('needs members that exist', () => {
    const broken = [token({ slot: 5, serial: 'HA', members: ['nowhere'] })];
    expect(() => aModule({ personality: { tokens: broken }, slot: 5n })).toThrow(KeyferryError);
  });
});
