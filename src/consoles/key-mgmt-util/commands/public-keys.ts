/** exportPubKey and importPubKey: RSA public keys as PEM. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { boolAttribute } from '../../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKK, CKO } from '../../../adapters/pkcs11/constants.ts';
import { CREATION_FLAGS, checkCreation, create, creationStatus, settleCreation } from '../creation.ts';
import { readFileFor, writeFileFor } from '../files.ts';
import { flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';
import { keyTemplate } from '../templates.ts';

const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');

export const exportPubKey = kmuCommand({
  name: 'exportPubKey',
  summary: 'write a public key to a PEM file',
  flags: { k: flag.number.required('public key handle'), out: flag.text.required('file') },
  async run(k, flags) {
    const call = 'Cfm3ExportPubKey';
    const out = flags.neededText('out');
    const key = await k.object(call, flags.neededNumber('k'));
    const [cls, modulus, exponent] = await k.call(call, () =>
      k.module
        .C_GetAttributeValue(k.loggedIn.session, key, [CKA.CLASS, CKA.MODULUS, CKA.PUBLIC_EXPONENT])
        .map(({ value }) => value),
    );
    if (cls?.[0] !== CKO.PUBLIC_KEY || modulus == null || exponent == null) {
      k.refused(call, { words: 'the key is no RSA public key' });
      return;
    }
    const pem = createPublicKey({
      format: 'jwk',
      key: { kty: 'RSA', n: base64Url(modulus), e: base64Url(exponent) },
    }).export({ format: 'pem', type: 'spki' });
    writeFileFor(k, out, String(pem));
    k.paragraph(`PEM formatted public key is written to ${out}`);
    k.returned(call);
  },
});

function rsaKey(pem: Buffer): KeyObject | null {
  try {
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === 'rsa' ? key : null;
  } catch {
    return null;
  }
}

export const importPubKey = kmuCommand({
  name: 'importPubKey',
  summary: 'create a public key from a PEM file',
  flags: { l: flag.text.required('label'), f: flag.text.required('PEM file'), ...CREATION_FLAGS },
  async run(k, flags) {
    checkCreation(k, flags);
    const call = 'Cfm3CreatePublicKey';
    const path = flags.neededText('f');
    const jwk = rsaKey(readFileFor(k, path))?.export({ format: 'jwk' });
    if (jwk?.n === undefined || jwk.e === undefined) {
      k.paragraph(`The file ${path} holds no RSA public key in PEM; nothing was done.`);
      return;
    }
    const modulus = new Uint8Array(Buffer.from(jwk.n, 'base64url'));
    const exponent = new Uint8Array(Buffer.from(jwk.e, 'base64url'));
    const key = await create(k, flags, call, async () =>
      k.module.C_CreateObject(k.loggedIn.session, [
        ...keyTemplate({ class: CKO.PUBLIC_KEY, keyType: CKK.RSA }, flags),
        { type: CKA.MODULUS, value: modulus },
        { type: CKA.PUBLIC_EXPONENT, value: exponent },
        boolAttribute(CKA.PRIVATE, true),
      ]),
    );
    k.returned(call);
    k.paragraph(`Public Key Handle: ${k.handleOf(key)}`);
    await settleCreation(k, flags, call, [key]);
    creationStatus(k, key);
  },
});
