import { describe, expect, test } from 'vitest';
import { CKA, CKF, CKM, CKR, CKU } from '../../../../../src/adapters/pkcs11/constants.ts';
import type { Attribute } from '../../../../../src/adapters/pkcs11/cryptoki.ts';
import { FLAG } from '../../../../../src/adapters/pkcs11/simulator/attribute-table.ts';
import { boolValue, ulongValue } from '../../../../../src/adapters/pkcs11/simulator/attribute-values.ts';
import type { Authority } from '../../../../../src/adapters/pkcs11/simulator/authority.ts';
import { HandleSpace } from '../../../../../src/adapters/pkcs11/simulator/handle-space.ts';
import { Partition } from '../../../../../src/adapters/pkcs11/simulator/partition.ts';
import { GENERIC_PERSONALITY } from '../../../../../src/adapters/pkcs11/simulator/personality.ts';
import { refuse } from '../../../../../src/adapters/pkcs11/simulator/refusal.ts';
import { createSimulatedModule } from '../../../../../src/adapters/pkcs11/simulator/simulated-module.ts';
import { LooseObject, type SimulatedObject } from '../../../../../src/adapters/pkcs11/simulator/simulated-object.ts';
import { ObjectIndex, Slot } from '../../../../../src/adapters/pkcs11/simulator/slot.ts';
import { seededRandom } from '../../../../../src/adapters/simulation/seeded-random.ts';

const STAMP = 0x8000_0001;

/** Lets everything through and notes what it was asked; a test replaces what it is about. */
class OpenAuthority implements Authority {
  readonly asked: string[] = [];
  hidden = new Set<number>();
  forbidden: string | null = null;
  mask = 0;

  tokenFlags(): number {
    return CKF.USER_PIN_INITIALIZED;
  }
  login(role: string, pin: string): void {
    this.asked.push(`login ${role}`);
    if (pin !== 'right') refuse(CKR.PIN_INCORRECT);
  }
  isVisible(object: SimulatedObject): boolean {
    return !this.hidden.has(object.uid);
  }
  view(object: SimulatedObject): SimulatedObject {
    const { uid, index, keyType, flags, keyGenMechanism, isCheckValueEmpty, values, material, keyObject, session } =
      object;
    if (this.mask === 0) return object;
    return new LooseObject({
      ...{
        uid,
        index,
        class: object.class,
        keyType,
        keyGenMechanism,
        isCheckValueEmpty,
        values,
        material,
        keyObject,
        session,
      },
      flags: flags & ~this.mask,
    });
  }
  permit(_object: SimulatedObject, act: string): void {
    this.asked.push(act);
    if (act === this.forbidden) refuse(CKR.ACTION_PROHIBITED);
  }
  stamp(objects: readonly SimulatedObject[]): void {
    for (const object of objects) object.values.set(STAMP, ulongValue(1));
    this.asked.push(`stamp ${objects.length}`);
  }
  removed(): void {
    this.asked.push('removed');
  }
}

function setUp() {
  const authority = new OpenAuthority();
  const objects = new ObjectIndex(true);
  const token = GENERIC_PERSONALITY.tokens[0];
  if (token === undefined) throw new Error('no token');
  const partition = new Partition(GENERIC_PERSONALITY, token, { stateDir: null, onNewObject: (o) => objects.add(o) });
  const handles = new HandleSpace(seededRandom(1));
  const slot = new Slot({ token, partitions: [partition], objects, handles, authority });
  let isClosed = false;
  const tokens = {
    slots: new Map([[0, slot]]),
    close: () => {
      isClosed = true;
    },
  };
  const module = createSimulatedModule({
    stateDir: null,
    personality: GENERIC_PERSONALITY,
    tokens,
    firstSession: 4096,
    cryptoWorkers: 0,
  });
  module.C_Initialize();
  const session = module.C_OpenSession(0n);
  return { authority, partition, module, session, isClosed: () => isClosed };
}

const flag = (type: number, value: boolean): Attribute => ({ type, value: boolValue(value) });
const AES: Attribute[] = [
  { type: CKA.VALUE_LEN, value: ulongValue(16) },
  flag(CKA.TOKEN, true),
  flag(CKA.EXTRACTABLE, true),
];
const ECB = { type: CKM.AES_ECB };

async function loggedIn() {
  const parts = setUp();
  parts.module.C_Login(parts.session, CKU.USER, 'right');
  const key = await parts.module.C_GenerateKey(parts.session, { type: CKM.AES_KEY_GEN }, AES);
  return { ...parts, key };
}

const ckr = (value: number) => expect.objectContaining({ value });

describe('a token with an authority', () => {
  test("asks it who may log in, not the token's own PIN", () => {
    const { module, session, authority } = setUp();
    expect(session).toBe(4096n);
    expect(module.C_GetTokenInfo(0n).flags & CKF.USER_PIN_INITIALIZED).not.toBe(0);
    expect(() => module.C_Login(session, CKU.USER, '1234')).toThrow(ckr(CKR.PIN_INCORRECT));
    module.C_Login(session, CKU.USER, 'right');
    expect(authority.asked).toEqual(['login user', 'login user']);
    expect(module.C_GetTokenInfo(0n).flags & CKF.USER_PIN_COUNT_LOW).toBe(0);
  });

  test('stamps new objects, with attributes that nobody is shown', async () => {
    const { module, session, key, authority, partition } = await loggedIn();
    expect(authority.asked).toContain('stamp 1');
    expect([...partition.objects.values()][0]?.value(STAMP)).toEqual(Buffer.from(ulongValue(1)));
    expect(module.C_GetAttributeValue(session, key, [STAMP])).toEqual([{ type: STAMP, value: null }]);
  });

  test('hides objects from look-ups and from those who know the handle', async () => {
    const { module, session, key, authority, partition } = await loggedIn();
    authority.hidden = new Set(partition.objects.keys());
    expect(module.findObjects(session, [])).toEqual([]);
    expect(() => module.C_GetAttributeValue(session, key, [CKA.CLASS])).toThrow(ckr(CKR.OBJECT_HANDLE_INVALID));
    await expect(module.encrypt(session, ECB, key, new Uint8Array(16))).rejects.toEqual(ckr(CKR.KEY_HANDLE_INVALID));
    authority.hidden.clear();
    expect(module.findObjects(session, [])).toEqual([key]);
  });

  test('shows and uses objects as it views them, under the same handle', async () => {
    const { module, session, key, authority } = await loggedIn();
    authority.mask = FLAG.ENCRYPT;
    expect(module.C_GetAttributeValue(session, key, [CKA.ENCRYPT])[0]?.value).toEqual(boolValue(false));
    expect(module.findObjects(session, [flag(CKA.ENCRYPT, false)])).toEqual([key]);
    await expect(module.encrypt(session, ECB, key, new Uint8Array(16))).rejects.toEqual(
      ckr(CKR.KEY_FUNCTION_NOT_PERMITTED),
    );
  });

  test.each(['use', 'wrap-out', 'destroy', 'change'])('obeys it on %s, and only there', async (act) => {
    const { module, session, key, authority } = await loggedIn();
    const other = await module.C_GenerateKey(session, { type: CKM.AES_KEY_GEN }, AES);
    const kw = { type: CKM.AES_KEY_WRAP };
    const wrapped = await module.C_WrapKey(session, kw, key, other);
    authority.forbidden = act;
    const template: Attribute[] = [
      { type: CKA.CLASS, value: ulongValue(4) },
      { type: CKA.KEY_TYPE, value: ulongValue(0x1f) },
    ];
    const calls: Record<string, readonly (() => unknown)[]> = {
      use: [
        () => module.encrypt(session, ECB, key, new Uint8Array(16)),
        () => module.C_UnwrapKey(session, kw, key, wrapped, template),
      ],
      'wrap-out': [() => module.C_WrapKey(session, kw, key, other)],
      change: [() => module.C_SetAttributeValue(session, key, [flag(CKA.SIGN, false)])],
      destroy: [() => module.C_DestroyObject(session, other)],
    };
    for (const [name, each] of Object.entries(calls)) {
      for (const call of each) {
        // Wrapping is a use of the wrapping key as well.
        const isForbidden = name === act || (act === 'use' && name === 'wrap-out');
        const outcome = await Promise.resolve()
          .then(call)
          .then(
            () => 'done',
            (error: { value?: number }) => error.value,
          );
        expect([name, outcome]).toEqual([name, isForbidden ? CKR.ACTION_PROHIBITED : 'done']);
      }
    }
    expect(authority.asked.includes('removed')).toBe(act !== 'destroy');
  });

  test('closes the tokens that it was given', async () => {
    const { module, isClosed } = setUp();
    await module.close();
    expect(isClosed()).toBe(true);
  });
});
