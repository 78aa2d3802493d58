/**
 * keyferry's own two commands, in place of the vendor's PKCS#11 menu, which is not played here: the calls that an operator makes there
 * between importing a wrapping key and carrying the wrapped key away, so that a rehearsal can go on.
 */
import { boolAttribute, boolOf } from '../../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKG, CKM } from '../../../adapters/pkcs11/constants.ts';
import { Misuse, numberOf } from '../../command.ts';
import { writeNewFileOrEnd } from '../files.ts';
import { Ended, type LunaCommand } from '../luna-client.ts';
import { flagsOnly, needed, numberIn, readWords } from '../words.ts';

export const setWrap: LunaCommand = {
  name: 'keyferry set-wrap',
  usage: '<handle> [-slot=<number>]',
  summary: "keyferry's own: C_SetAttributeValue, CKA_WRAP=1",
  async run(client, words) {
    const { flags, rest } = readWords(words, ['slot']);
    const [handle] = rest;
    if (handle === undefined || rest.length > 1) throw new Misuse('keyferry set-wrap <handle> [-slot=<number>]');
    const object = BigInt(numberOf(handle, 'The handle'));
    await client.loggedIn(numberIn(flags, 'slot'), (session) => {
      client.module.C_SetAttributeValue(session, object, [boolAttribute(CKA.WRAP, true)]);
      const [wrap] = client.module.C_GetAttributeValue(session, object, [CKA.WRAP]);
      if (boolOf(wrap?.value ?? null) !== true) throw new Ended(`CKA_WRAP of handle ${object} is still not 1.`);
      client.terminal.line(`CKA_WRAP of handle ${object} is 1.`);
    });
  },
};

export const wrap: LunaCommand = {
  name: 'keyferry wrap',
  usage: '-key=<handle> -wrapping-key=<handle> -out=<file> [-slot=<number>]',
  summary: "keyferry's own: C_WrapKey, CKM_RSA_PKCS_OAEP with SHA-1, into a new file",
  async run(client, words) {
    const flags = flagsOnly(words, ['key', 'wrapping-key', 'out', 'slot']);
    const key = BigInt(numberOf(needed(flags, 'key'), '-key'));
    const wrappingKey = BigInt(numberOf(needed(flags, 'wrapping-key'), '-wrapping-key'));
    const out = needed(flags, 'out');
    await client.loggedIn(numberIn(flags, 'slot'), async (session) => {
      const mechanism = {
        type: CKM.RSA_PKCS_OAEP,
        parameter: { kind: 'oaep', hash: CKM.SHA_1, mgf: CKG.MGF1_SHA1 },
      } as const;
      const wrapped = await client.module.C_WrapKey(session, mechanism, wrappingKey, key);
      writeNewFileOrEnd(out, wrapped);
      client.terminal.line(`Wrapped: ${wrapped.length} bytes in ${out}. Unwrap them with RSA-OAEP, SHA-1, MGF1-SHA-1.`);
    });
  },
};
