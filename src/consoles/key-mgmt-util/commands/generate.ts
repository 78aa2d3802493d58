/** genSymKey and genRSAKeyPair. */
import { boolAttribute, ulongAttribute } from '../../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKK, CKM, CKO } from '../../../adapters/pkcs11/constants.ts';
import { Misuse } from '../../command.ts';
import { checkCreation, create, creationStatus, OWNED_FLAGS, settleCreation } from '../creation.ts';
import { flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';
import { keyTemplate } from '../templates.ts';

const SECRET_TYPES: Readonly<
  Record<number, { readonly mechanism: number; readonly bytes: (bytes: number) => boolean; readonly sizes: string }>
> = {
  [CKK.AES]: { mechanism: CKM.AES_KEY_GEN, bytes: (bytes) => [16, 24, 32].includes(bytes), sizes: '16, 24 or 32' },
  [CKK.DES3]: { mechanism: CKM.DES3_KEY_GEN, bytes: (bytes) => bytes === 24, sizes: '24' },
  [CKK.GENERIC_SECRET]: {
    mechanism: CKM.GENERIC_SECRET_KEY_GEN,
    bytes: (bytes) => bytes >= 1 && bytes < 3584,
    sizes: 'up to 3583',
  },
};

export const genSymKey = kmuCommand({
  name: 'genSymKey',
  summary: 'generate a symmetric key',
  flags: {
    t: flag.number.required('key type: 16 generic, 21 3DES, 31 AES'),
    s: flag.number.required('bytes'),
    l: flag.text.required('label'),
    nex: flag.switch,
    ...OWNED_FLAGS,
  },
  async run(k, flags) {
    checkCreation(k, flags);
    const keyType = flags.neededNumber('t');
    const bytes = flags.neededNumber('s');
    const type = SECRET_TYPES[keyType];
    if (type === undefined)
      throw new Misuse(`-t ${keyType}: these HSMs make 16 (generic secret), 21 (3DES) and 31 (AES).`);
    if (!type.bytes(bytes)) throw new Misuse(`-s ${bytes}: keys of this type have ${type.sizes} bytes.`);
    const call = 'Cfm3GenerateSymmetricKey';
    const template = keyTemplate({ class: CKO.SECRET_KEY, keyType }, flags);
    const length = keyType === CKK.DES3 ? [] : [ulongAttribute(CKA.VALUE_LEN, bytes)];
    const key = await create(k, flags, call, () =>
      k.module.C_GenerateKey(k.loggedIn.session, { type: type.mechanism }, [...template, ...length]),
    );
    k.returned(call);
    k.paragraph(`Symmetric Key Created.  Key Handle: ${k.handleOf(key)}`);
    await settleCreation(k, flags, call, [key]);
    creationStatus(k, key);
  },
});

export const genRsaKeyPair = kmuCommand({
  name: 'genRSAKeyPair',
  summary: 'generate an RSA key pair',
  flags: {
    m: flag.number.required('modulus bits, 2048 or more'),
    e: flag.number.required('public exponent, odd, 65537 or more'),
    l: flag.text.required('label'),
    nex: flag.switch,
    ...OWNED_FLAGS,
  },
  async run(k, flags) {
    checkCreation(k, flags);
    const bits = flags.neededNumber('m');
    const exponent = flags.neededNumber('e');
    if (bits < 2048 || bits > 4096 || bits % 256 !== 0) throw new Misuse(`-m ${bits}: 2048 to 4096, in steps of 256.`);
    if (exponent < 65_537 || exponent % 2 === 0 || exponent > 0xffff_ffff)
      throw new Misuse(`-e ${exponent}: an odd number, 65537 or more.`);
    const call = 'Cfm3GenerateKeyPair';
    const keyType = CKK.RSA;
    const exponentBytes = Buffer.from(exponent.toString(16).padStart(exponent > 0xff_ffff ? 8 : 6, '0'), 'hex');
    const { publicKey, privateKey } = await create(k, flags, call, () =>
      k.module.C_GenerateKeyPair(
        k.loggedIn.session,
        { type: CKM.RSA_X9_31_KEY_PAIR_GEN },
        [
          ...keyTemplate({ class: CKO.PUBLIC_KEY, keyType }, flags),
          ulongAttribute(CKA.MODULUS_BITS, bits),
          { type: CKA.PUBLIC_EXPONENT, value: new Uint8Array(exponentBytes) },
          boolAttribute(CKA.PRIVATE, true),
        ],
        keyTemplate({ class: CKO.PRIVATE_KEY, keyType }, flags),
      ),
    );
    k.returned(call);
    k.paragraph(
      `${call}:    public key handle: ${k.handleOf(publicKey)}    private key handle: ${k.handleOf(privateKey)}`,
    );
    await settleCreation(k, flags, call, [privateKey]);
    creationStatus(k, privateKey);
  },
});
