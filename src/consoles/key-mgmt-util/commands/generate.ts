/** genSymKey. */
import { ulongAttribute } from '../../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKK, CKM, CKO } from '../../../adapters/pkcs11/constants.ts';
import { Misuse } from '../../command.ts';
import { checkCreation, create, OWNED_FLAGS, settleCreation } from '../creation.ts';
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
    const make = () => k.module.C_GenerateKey(k.loggedIn.session, { type: type.mechanism }, [...template, ...length]);
    const key = await create(k, flags, { call, make });
    k.returned(call);
    k.paragraph(`Symmetric Key Created.  Key Handle: ${k.handleOf(key)}`);
    await settleCreation(k, flags, key);
  },
});
