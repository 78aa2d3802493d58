/** wrapKey and unWrapKey: keys as ciphertext between the HSMs and a file, with our header or without one. */
import { boolAttribute } from '../../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKK, CKO, CKR } from '../../../adapters/pkcs11/constants.ts';
import { type Attribute, CryptokiError, type Handle } from '../../../adapters/pkcs11/cryptoki.ts';
import { Misuse } from '../../command.ts';
import { checkCreation, create, OWNED_FLAGS, settleCreation } from '../creation.ts';
import { readFileFor, writeFileFor } from '../files.ts';
import { type Flags, flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';
import { Ended, type KmuSession, type RefusalText } from '../kmu-session.ts';
import { MECHANISM_FLAGS, wrapMechanism } from '../mechanisms.ts';
import { wantsApproval } from '../quorum-refusal.ts';
import { RETURN } from '../return-codes.ts';
import { keyTemplate } from '../templates.ts';
import { LONGEST_ID_BYTES, makeHeader, readWrappedFile } from '../wrapped-file.ts';

const WRAP_CALL = 'Cfm2WrapKey';
/** Made by the HSM. */
const GCM_IV_BYTES = 12;

export const wrapKeyCommand = kmuCommand({
  name: 'wrapKey',
  summary: 'write a key, encrypted under another, to a file',
  flags: {
    k: flag.number.required('key handle'),
    w: flag.number.required('wrapping key handle'),
    out: flag.text.required('file'),
    noheader: flag.switch,
    ...MECHANISM_FLAGS,
  },
  async run(k, flags) {
    const { session } = k.loggedIn;
    const { mechanism, ivFile } = wrapMechanism(k, flags, WRAP_CALL);
    const out = flags.neededText('out');
    const wrapping = await k.object(WRAP_CALL, flags.neededNumber('w'));
    const key = await k.object(WRAP_CALL, flags.neededNumber('k'));
    const ciphertext = await k.call(
      WRAP_CALL,
      () => k.module.C_WrapKey(session, mechanism, wrapping, key),
      (error) => wantsApproval(k, wrapping, key)(error) ?? wrapRefusal(k, wrapping, error),
    );
    const header = flags.has('noheader') ? Buffer.alloc(0) : makeHeader({ module: k.module, session, key });
    if (header === null) {
      k.refused(WRAP_CALL, {
        words: `a header holds key IDs of up to ${LONGEST_ID_BYTES} bytes; wrap it with -noheader`,
      });
      return;
    }
    const body = ivFile === null ? ciphertext : ciphertext.subarray(GCM_IV_BYTES);
    const file = Buffer.concat([header, body]);
    if (ivFile !== null) writeFileFor(k, ivFile, ciphertext.subarray(0, GCM_IV_BYTES));
    writeFileFor(k, out, file);
    k.paragraph('Key Wrapped.');
    // The vendor never closes this quotation.
    k.paragraph(`Wrapped Key written to file "${out} length ${file.length}`);
    k.returned(WRAP_CALL);
  },
});

/** The support article shows this number for a wrapping key that may not wrap; for other reasons none is known. */
function wrapRefusal(k: KmuSession, wrapping: Handle, error: unknown): RefusalText | null {
  if (!(error instanceof CryptokiError) || error.value !== CKR.KEY_FUNCTION_NOT_PERMITTED) return null;
  const may = k.module.C_GetAttributeValue(k.loggedIn.session, wrapping, [CKA.WRAP])[0]?.value?.[0] === 1;
  return may ? null : { code: RETURN.policy };
}

const KINDS: Readonly<Record<number, readonly number[]>> = {
  [CKO.PRIVATE_KEY]: [CKK.RSA, CKK.EC],
  [CKO.SECRET_KEY]: [CKK.GENERIC_SECRET, CKK.DES3, CKK.AES],
};

/** Class and type of a key that was wrapped elsewhere. Throws Misuse. */
function foreignTemplate(flags: Flags): Attribute[] {
  const keyClass = flags.number('kc');
  const keyType = flags.number('kt');
  if (keyClass === undefined || keyType === undefined || flags.text('l') === undefined) {
    throw new Misuse('-noheader needs -l <label>, -kc <3 private, 4 secret> and -kt <key type>.');
  }
  const types = KINDS[keyClass];
  if (types === undefined) throw new Misuse(`-kc ${keyClass}: 3 (private) or 4 (secret).`);
  if (!types.includes(keyType))
    throw new Misuse(`-kt ${keyType} does not go with -kc ${keyClass}: ${types.join(', ')}.`);
  return keyTemplate({ class: keyClass, keyType }, flags);
}

export const unwrapKeyCommand = kmuCommand({
  name: 'unWrapKey',
  summary: 'make a key of what wrapKey or another HSM wrapped',
  flags: {
    f: flag.text.required('file'),
    w: flag.number.required('unwrapping key handle'),
    noheader: flag.switch,
    ...MECHANISM_FLAGS,
    l: flag.text.optional('label'),
    kc: flag.number.optional('key class'),
    kt: flag.number.optional('key type'),
    nex: flag.switch,
    ...OWNED_FLAGS,
  },
  async run(k, flags) {
    checkCreation(k, flags);
    const { session } = k.loggedIn;
    const isForeign = flags.has('noheader');
    if (!isForeign) {
      for (const name of ['l', 'kc', 'kt', 'id']) {
        if (flags.has(name)) throw new Misuse(`-${name} goes with -noheader only: the header says it.`);
      }
    }
    const call = isForeign ? 'Cfm2UnWrapWithTemplate3' : 'Cfm3UnWrapKey';
    const { mechanism, ivFile } = wrapMechanism(k, flags, call);
    const foreign = isForeign ? foreignTemplate(flags) : null;
    const path = flags.neededText('f');
    const file = readFileFor(k, path);
    const wrapped = foreign === null ? readWrappedFile(file) : { template: foreign, ciphertext: new Uint8Array(file) };
    if (wrapped === null) {
      k.paragraph(
        `The file ${path} has no header of this console; for keys that were wrapped elsewhere give -noheader. Nothing was done.`,
      );
      return;
    }
    const iv = ivFile === null ? new Uint8Array() : readIv(k, ivFile);
    const ciphertext = new Uint8Array([...iv, ...wrapped.ciphertext]);
    const unwrapping = await k.object(call, flags.neededNumber('w'));
    const template = foreign === null ? copyTemplate(wrapped.template, flags) : wrapped.template;
    if (foreign !== null) k.returned('Cfm3CreateUnwrapTemplate2');
    const unwrap = () => k.module.C_UnwrapKey(session, mechanism, unwrapping, ciphertext, template);
    const key = await create(k, flags, { call, make: unwrap, explain: wantsApproval(k, unwrapping) });
    k.returned(call);
    k.paragraph(`Key Unwrapped.${foreign === null ? '  ' : ' '}Key Handle: ${k.handleOf(key)}`);
    await settleCreation(k, flags, key);
  },
});

/** As wrapKey wrote it. Whether the vendor's tool writes bytes or digits is not known; these are bytes. */
function readIv(k: KmuSession, path: string): Uint8Array {
  const iv = readFileFor(k, path);
  if (iv.length === GCM_IV_BYTES) return iv;
  k.paragraph(`The file ${path} holds no IV: ${iv.length} bytes instead of ${GCM_IV_BYTES}; nothing was done.`);
  throw new Ended();
}

function copyTemplate(template: readonly Attribute[], flags: Flags): Attribute[] {
  const kept = flags.has('nex') ? template.filter(({ type }) => type !== CKA.EXTRACTABLE) : template;
  return [
    ...kept,
    boolAttribute(CKA.TOKEN, !flags.has('sess')),
    ...(flags.has('nex') ? [boolAttribute(CKA.EXTRACTABLE, false)] : []),
  ];
}
