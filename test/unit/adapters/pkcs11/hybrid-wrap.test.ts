/** The RSA-AES hybrid: in one call, composed, and refused. What comes out is opened by OpenSSL. */
import { type KeyObject, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Device } from '../../../../src/adapters/adapter.ts';
import { CLOUDHSM_PROFILE } from '../../../../src/adapters/cloudhsm/profile.ts';
import { CKA, CKM, CKO, CKR } from '../../../../src/adapters/pkcs11/constants.ts';
import { type Cryptoki, CryptokiError, type Handle } from '../../../../src/adapters/pkcs11/cryptoki.ts';
import { GENERIC_MECHANISMS } from '../../../../src/adapters/pkcs11/simulator/mechanism-table.ts';
import { CURVES } from '../../../../src/keys/key-spec.ts';
import { clearOf, hybrid, oaep, rsaKeyAt } from '../../../support/pkcs11-bent-wraps.ts';
import { type BentOptions, makeKey, openBent } from '../../../support/pkcs11-devices.ts';
import {
  importWrapper,
  makeSigningPair,
  OUTSIDE,
  openHybrid,
  publicHalfOf,
  wrapWith,
} from '../../../support/pkcs11-private-keys.ts';

const open: Device[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((device) => device.close()));
});

const PROFILE = { ...CLOUDHSM_PROFILE, uniqueIds: false, settle: { reads: 1, intervalMs: 0 } };
const without = (...numbers: readonly number[]) => GENERIC_MECHANISMS.filter(({ type }) => !numbers.includes(type));
/** A module that lacks the one call. */
const PARTS = { mechanisms: without(CKM.RSA_AES_KEY_WRAP) };

async function bent(options: BentOptions = {}) {
  const made = await openBent({ ...options, open: { profile: PROFILE, ...options.open } });
  open.push(made.device);
  /** Everything that lives on the device, in whatever session. */
  const objects = () => made.module.findObjects(made.module.C_OpenSession(0n), []).length;
  return { ...made, objects, wrapper: await importWrapper(made.device, OUTSIDE) };
}

interface Calls {
  readonly wraps: number[];
  readonly generated: Handle[];
}

/** Counts what the module is asked for. */
function counting(): { readonly calls: Calls; readonly bend: (real: Cryptoki) => Partial<Cryptoki> } {
  const calls: Calls = { wraps: [], generated: [] };
  return {
    calls,
    bend: (real) => ({
      C_WrapKey: (session, mechanism, wrapping, key) => {
        calls.wraps.push(mechanism.type);
        return real.C_WrapKey(session, mechanism, wrapping, key);
      },
      C_GenerateKey: async (session, mechanism, template) => {
        const handle = await real.C_GenerateKey(session, mechanism, template);
        calls.generated.push(handle);
        return handle;
      },
    }),
  };
}

const WAYS = [
  ['in one call', {}, [CKM.RSA_AES_KEY_WRAP]],
  ['composed', PARTS, [CKM.RSA_PKCS_OAEP, CKM.AES_KEY_WRAP_KWP]],
] as const;

describe.each(WAYS)('the hybrid %s', (_way, personality, wanted) => {
  it.each(['rsa', ...CURVES])(
    'carries a %s private key as PKCS#8, and leaves nothing behind',
    async (kind) => {
      const { calls, bend } = counting();
      const { device, objects, wrapper } = await bent({ personality, bend });
      const { privateKey } = await makeSigningPair(device, kind);
      const spki = await device.publicKey(privateKey);
      const before = objects();
      for (const [mechanism, hash] of [
        ['rsa-aes-kwp-sha1', 'sha1'],
        ['rsa-aes-kwp-sha256', 'sha256'],
      ] as const) {
        const wrapped = await wrapWith(device, privateKey, wrapper, mechanism);
        expect(calls.wraps.slice(-wanted.length)).toEqual(wanted);
        expect(publicHalfOf(openHybrid(wrapped.bytes, OUTSIDE.privateKey, hash)).equals(spki)).toBe(true);
        expect(wrapped.payload).toMatchObject({ class: 'private', usage: { sign: true } });
        expect(() => openHybrid(wrapped.bytes, OUTSIDE.privateKey, hash === 'sha1' ? 'sha256' : 'sha1')).toThrow();
      }
      expect(objects()).toBe(before);
    },
    20_000,
  );

  it('carries triple DES and HMAC keys of odd lengths', async () => {
    const { device, wrapper } = await bent({ personality });
    for (const [type, bits] of [
      ['des3', 192],
      ['generic-secret', 8],
      ['generic-secret', 104],
      ['generic-secret', 1024],
    ] as const) {
      const key = await makeKey(device, { type, bits, label: `${type}-${bits}` });
      const wrapped = await wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256');
      expect(openHybrid(wrapped.bytes, OUTSIDE.privateKey, 'sha256')).toHaveLength(bits / 8);
    }
  });

  it('refuses a key that is not extractable before the device is asked', async () => {
    const { calls, bend } = counting();
    const { device, wrapper } = await bent({
      personality: { ...personality, defects: { wrapsUnextractable: true } },
      bend,
    });
    const stuck = [
      (await makeSigningPair(device, 'P-256', { extractable: false })).privateKey,
      await makeKey(device, { extractable: false }),
    ];
    const before = { wraps: calls.wraps.length, generated: calls.generated.length };
    for (const key of stuck) {
      const args = { key, 'wrapping-key': wrapper, mechanism: 'rsa-aes-kwp-sha256' };
      expect(await device.preview('wrap-key', [args], null)).toEqual([[{ level: 'block', reason: 'not extractable' }]]);
      await expect(device.perform({ action: 'wrap-key', args })).rejects.toMatchObject({ code: 'key-not-extractable' });
    }
    expect({ wraps: calls.wraps.length, generated: calls.generated.length }).toEqual(before);
  });

  it('refuses a wrapping key that is no RSA public key, or may not wrap', async () => {
    const { device, wrapper } = await bent({ personality });
    const key = await makeKey(device, { label: 'payload' });
    const { publicKey } = await makeSigningPair(device, 'rsa');
    const ec = (await makeSigningPair(device, 'P-256')).publicKey;
    await expect(wrapWith(device, key, key, 'rsa-aes-kwp-sha1')).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(wrapWith(device, key, ec, 'rsa-aes-kwp-sha1')).rejects.toMatchObject({ code: 'argument-invalid' });
    await expect(wrapWith(device, key, publicKey, 'rsa-aes-kwp-sha1')).rejects.toMatchObject({
      code: 'key-not-permitted',
    });
    await expect(wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha384')).rejects.toMatchObject({
      code: 'capability-missing',
    });
  });
});

describe('the one call', () => {
  /** What a module might mean by the number, made of the payload in clear and the wrapping key. */
  const forms: readonly (readonly [string, boolean, (payload: Uint8Array, publicKey: KeyObject) => Uint8Array])[] = [
    ['what the name says', true, (payload, publicKey) => hybrid(payload, publicKey, 'sha256', 32)],
    ['made with SHA-512', false, (payload, publicKey) => hybrid(payload, publicKey, 'sha512', 32)],
    ['made with an inner key of 128 bits', false, (payload, publicKey) => hybrid(payload, publicKey, 'sha256', 16)],
    ['OAEP of the key alone', false, (payload, publicKey) => oaep(payload, publicKey, 'sha256')],
    ['of another key', false, (payload, publicKey) => hybrid(randomBytes(payload.length), publicKey, 'sha256', 32)],
  ];

  it.each(forms)('whose blobs are %s: believed %s, else the hybrid is composed', async (_what, isBelieved, form) => {
    const { calls, bend } = counting();
    const { device, wrapper } = await bent({
      bend: (real) => {
        const counted = bend(real);
        return {
          ...counted,
          C_WrapKey: async (session, mechanism, wrapping, payload) => {
            const bytes = await counted.C_WrapKey?.(session, mechanism, wrapping, payload);
            if (mechanism.type !== CKM.RSA_AES_KEY_WRAP) return bytes ?? new Uint8Array(0);
            return form(await clearOf(real, session, payload), rsaKeyAt(real, session, wrapping));
          },
        };
      },
    });
    const before = calls.wraps.length;
    const wrapped = await wrapWith(device, await makeKey(device), wrapper, 'rsa-aes-kwp-sha256');
    expect(calls.wraps.slice(before)).toEqual(
      isBelieved ? [CKM.RSA_AES_KEY_WRAP] : [CKM.RSA_PKCS_OAEP, CKM.AES_KEY_WRAP_KWP],
    );
    expect(openHybrid(wrapped.bytes, OUTSIDE.privateKey, 'sha256')).toHaveLength(32);
    const { capabilities } = await device.describe();
    expect(capabilities.unwrap.includes('rsa-aes-kwp-sha256')).toBe(isBelieved);
  });

  it('is not used unproven', async () => {
    const { calls, bend } = counting();
    const { device, wrapper } = await bent({ bend, open: { profile: PROFILE, capabilities: { probe: false } } });
    const wrapped = await wrapWith(device, await makeKey(device), wrapper, 'rsa-aes-kwp-sha256');
    expect(calls.wraps).toEqual([CKM.RSA_PKCS_OAEP, CKM.AES_KEY_WRAP_KWP]);
    expect(openHybrid(wrapped.bytes, OUTSIDE.privateKey, 'sha256')).toHaveLength(32);
  });
});

describe('what the hybrid is composed of', () => {
  it.each([
    ['OAEP', CKM.RSA_PKCS_OAEP, 'lacks rsa-oaep-sha256)'],
    ['AES key wrap with padding', CKM.AES_KEY_WRAP_KWP, 'lacks aes-kwp)'],
  ] as const)('must be there: without %s it is not offered, and the reason names it', async (_what, number, words) => {
    const { device, wrapper } = await bent({
      personality: { mechanisms: without(CKM.RSA_AES_KEY_WRAP, CKM.AES_KEY_WRAP_PAD, number) },
    });
    const { capabilities } = await device.describe();
    expect(capabilities.wrap.filter((name) => name.startsWith('rsa-aes'))).toEqual([]);
    const args = { key: await makeKey(device), 'wrapping-key': wrapper, mechanism: 'rsa-aes-kwp-sha256' };
    const [findings] = await device.preview('wrap-key', [args], null);
    expect(findings?.[0]).toMatchObject({ level: 'block', reason: expect.stringContaining(words) });
    await expect(device.perform({ action: 'wrap-key', args })).rejects.toMatchObject({ code: 'capability-missing' });
  });

  it('is not offered where the devices file leaves it out', async () => {
    const capabilities = { wrap: ['rsa-oaep-sha1', 'aes-kwp'] };
    const { device } = await bent({ personality: PARTS, open: { profile: PROFILE, capabilities } });
    expect((await device.describe()).capabilities.wrap).toEqual(['rsa-oaep-sha1', 'aes-kwp']);
  });
});

describe('the one-use key', () => {
  const composedWith = async (change: (real: Cryptoki) => Partial<Cryptoki>) => {
    const made = await bent({ personality: PARTS, bend: change });
    return { ...made, key: await makeKey(made.device, { label: 'payload' }), before: made.objects() };
  };

  it('may wrap and be wrapped, and nothing else, for as long as the call lasts', async () => {
    const seen: (readonly (number | undefined)[])[] = [];
    const types = [
      CKA.CLASS,
      CKA.TOKEN,
      CKA.SENSITIVE,
      CKA.EXTRACTABLE,
      CKA.WRAP,
      CKA.UNWRAP,
      CKA.ENCRYPT,
      CKA.DECRYPT,
    ];
    const more = [CKA.SIGN, CKA.VERIFY, CKA.DERIVE, CKA.VALUE_LEN];
    const { device, key, wrapper, objects, before } = await composedWith((real) => ({
      C_WrapKey: (session, mechanism, wrapping, payload) => {
        if (mechanism.type === CKM.AES_KEY_WRAP_KWP) {
          seen.push(real.C_GetAttributeValue(session, wrapping, [...types, ...more]).map(({ value }) => value?.[0]));
        }
        return real.C_WrapKey(session, mechanism, wrapping, payload);
      },
    }));
    await wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256');
    expect(seen.at(-1)).toEqual([CKO.SECRET_KEY, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 32]);
    expect(objects()).toBe(before);
  });

  it.each([
    ['the wrap of the one-use key', CKM.RSA_PKCS_OAEP],
    ['the wrap under it', CKM.AES_KEY_WRAP_KWP],
  ])('is destroyed when %s fails', async (_what, number) => {
    let isFailing = false;
    const { device, key, wrapper, objects, before } = await composedWith((real) => ({
      C_WrapKey: async (session, mechanism, wrapping, payload) => {
        if (isFailing && mechanism.type === number) throw new CryptokiError('C_WrapKey', CKR.DEVICE_ERROR);
        return await real.C_WrapKey(session, mechanism, wrapping, payload);
      },
    }));
    isFailing = true;
    await expect(wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256')).rejects.toMatchObject({
      native: { name: 'CKR_DEVICE_ERROR' },
      outcome: 'not-applied',
    });
    expect(objects()).toBe(before);
    isFailing = false;
    await wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256');
  });

  it('goes with its session when it cannot be destroyed', async () => {
    let isFailing = false;
    const closed: Handle[] = [];
    const { device, key, wrapper, objects, before } = await composedWith((real) => ({
      C_DestroyObject: (session, object) => {
        if (isFailing) throw new CryptokiError('C_DestroyObject', CKR.FUNCTION_FAILED);
        real.C_DestroyObject(session, object);
      },
      C_CloseSession: (session) => {
        closed.push(session);
        real.C_CloseSession(session);
      },
    }));
    isFailing = true;
    const wrapped = await wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256');
    expect(openHybrid(wrapped.bytes, OUTSIDE.privateKey, 'sha256')).toHaveLength(32);
    expect(closed).toHaveLength(1);
    expect(objects()).toBe(before);
    await Promise.all(Array.from({ length: 8 }, () => wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha1')));
    expect(objects()).toBe(before);
  });

  it('goes with its session when the device says that making it failed, although it was made', async () => {
    let isFailing = false;
    const { device, key, wrapper, objects, before } = await composedWith((real) => ({
      C_GenerateKey: async (session, mechanism, template) => {
        const handle = await real.C_GenerateKey(session, mechanism, template);
        if (isFailing) throw new CryptokiError('C_GenerateKey', CKR.DEVICE_ERROR);
        return handle;
      },
    }));
    isFailing = true;
    await expect(wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256')).rejects.toMatchObject({
      outcome: 'not-applied',
    });
    expect(objects()).toBe(before);
    isFailing = false;
    await wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256');
  });

  it('stops the run where the device lets it decrypt, and nothing was wrapped', async () => {
    const { calls, bend } = counting();
    const { device, wrapper, objects } = await bent({
      personality: { ...PARTS, defects: { widensWrappingKeys: true } },
      bend,
    });
    const key = await makeKey(device, { label: 'payload' });
    const before = { wraps: calls.wraps.length, objects: objects() };
    await expect(wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256')).rejects.toMatchObject({
      code: 'wrapping-key-widened',
      scope: 'run',
      outcome: 'not-applied',
    });
    expect({ wraps: calls.wraps.length, objects: objects() }).toEqual(before);
  });

  it('is made without what the module does not know', async () => {
    const { device, wrapper } = await bent({ personality: { ...PARTS, unknownAttributes: [CKA.DERIVE] } });
    const wrapped = await wrapWith(device, await makeKey(device), wrapper, 'rsa-aes-kwp-sha256');
    expect(openHybrid(wrapped.bytes, OUTSIDE.privateKey, 'sha256')).toHaveLength(32);
  });

  it('is another one for each of many calls at once', async () => {
    const { device, wrapper, key, objects, before } = await composedWith(() => ({}));
    const blobs = await Promise.all(
      Array.from({ length: 12 }, () => wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256')),
    );
    const tails = new Set(blobs.map(({ bytes }) => Buffer.from(bytes.subarray(256)).toString('hex')));
    const opened = new Set(blobs.map(({ bytes }) => openHybrid(bytes, OUTSIDE.privateKey, 'sha256').toString('hex')));
    expect([tails.size, opened.size]).toEqual([12, 1]);
    expect(objects()).toBe(before);
  });
});

describe('a blob of a length that cannot be', () => {
  it.each([
    ['cut short', (blob: Uint8Array) => blob.subarray(0, 256)],
    ['not in steps of 8', (blob: Uint8Array) => blob.subarray(0, -1)],
    ['too long', (blob: Uint8Array) => Buffer.concat([blob, new Uint8Array(512)])],
  ])('is refused: %s', async (_what, spoil) => {
    let isSpoilt = false;
    const { device, wrapper } = await bent({
      bend: (real) => ({
        C_WrapKey: async (session, mechanism, wrapping, payload) => {
          const blob = await real.C_WrapKey(session, mechanism, wrapping, payload);
          return isSpoilt ? spoil(blob) : blob;
        },
      }),
    });
    const keys = [(await makeSigningPair(device, 'P-256')).privateKey, await makeKey(device)];
    for (const key of keys) {
      await wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256');
      isSpoilt = true;
      await expect(wrapWith(device, key, wrapper, 'rsa-aes-kwp-sha256')).rejects.toMatchObject({
        code: 'mechanism-invalid',
      });
      isSpoilt = false;
    }
  });
});
