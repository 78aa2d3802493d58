/** exportPubKey and importPubKey: RSA and EC public keys as PEM (SubjectPublicKeyInfo). DSA is left out: the simulated HSMs do not have it. */
import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { boolAttribute } from '../../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKK, CKO } from '../../../adapters/pkcs11/constants.ts';
import type { Attribute } from '../../../adapters/pkcs11/cryptoki.ts';
import { parametersOf, pointOf } from '../../../keys/curve.ts';
import { CURVES } from '../../../keys/key-spec.ts';
import { CREATION_FLAGS, checkCreation, create, settleCreation } from '../creation.ts';
import { readFileFor, writeFileFor } from '../files.ts';
import { flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';
import { readPublicKey } from '../public-half.ts';
import { keyTemplate } from '../templates.ts';

export const exportPubKey = kmuCommand({
  name: 'exportPubKey',
  summary: 'write a public key to a PEM file',
  flags: { k: flag.number.required('public key handle'), out: flag.text.required('file') },
  async run(k, flags) {
    const call = 'Cfm3ExportPubKey';
    const out = flags.neededText('out');
    const key = await k.object(call, flags.neededNumber('k'));
    const shown = await k.call(call, () => readPublicKey(k, key));
    if (shown === null) {
      k.refused(call, { words: 'the key is no RSA or EC public key' });
      return;
    }
    writeFileFor(k, out, String(shown.export({ format: 'pem', type: 'spki' })));
    k.paragraph(`PEM formatted public key is written to ${out}`);
    k.returned(call);
  },
});

/** null: no public key, or one of a kind that JWK has no numbers for. */
function parsed(pem: Buffer): JsonWebKey | null {
  try {
    return createPublicKey(pem).export({ format: 'jwk' });
  } catch {
    return null;
  }
}

const bytes = (base64url: string | undefined): Uint8Array => new Uint8Array(Buffer.from(base64url ?? '', 'base64url'));

/** Type and numbers as a template has them; null: no public key that the HSMs take. */
function numbersOf(pem: Buffer): { readonly keyType: number; readonly numbers: readonly Attribute[] } | null {
  const jwk = parsed(pem);
  if (jwk?.kty === 'RSA') {
    const modulus = { type: CKA.MODULUS, value: bytes(jwk.n) };
    return { keyType: CKK.RSA, numbers: [modulus, { type: CKA.PUBLIC_EXPONENT, value: bytes(jwk.e) }] };
  }
  const curve = CURVES.find((each) => each === jwk?.crv);
  if (jwk?.kty !== 'EC' || curve === undefined) return null;
  const parameters = { type: CKA.EC_PARAMS, value: parametersOf(curve) };
  const point = { type: CKA.EC_POINT, value: pointOf(bytes(jwk.x), bytes(jwk.y)) };
  return { keyType: CKK.EC, numbers: [parameters, point] };
}

export const importPubKey = kmuCommand({
  name: 'importPubKey',
  summary: 'create a public key from a PEM file',
  flags: { l: flag.text.required('label'), f: flag.text.required('PEM file'), ...CREATION_FLAGS },
  async run(k, flags) {
    checkCreation(k, flags);
    const call = 'Cfm3CreatePublicKey';
    const path = flags.neededText('f');
    const given = numbersOf(readFileFor(k, path));
    if (given === null) {
      k.paragraph(`The file ${path} holds no RSA or EC public key in PEM; nothing was done.`);
      return;
    }
    const make = async () =>
      k.module.C_CreateObject(k.loggedIn.session, [
        ...keyTemplate({ class: CKO.PUBLIC_KEY, keyType: given.keyType }, flags),
        ...given.numbers,
        boolAttribute(CKA.PRIVATE, true),
      ]);
    const key = await create(k, flags, { call, make });
    k.returned(call);
    k.paragraph(`Public Key Handle: ${k.handleOf(key)}`);
    await settleCreation(k, flags, key);
  },
});
