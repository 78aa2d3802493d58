/** imSymKey and exSymKey: symmetric keys in clear between a file and the HSMs, over a wrapping key in the HSMs or, with -wk, also on the host. */
import { CKK, CKO } from '../../../adapters/pkcs11/constants.ts';
import { Misuse } from '../../command.ts';
import { checkCreation, SHARED_FLAGS, settleCreation } from '../creation.ts';
import { readFileFor, writeFileFor } from '../files.ts';
import { flag } from '../flags.ts';
import { exportPlain, importPlain } from '../host-transport.ts';
import { kmuCommand } from '../kmu-command.ts';
import { keyTemplate } from '../templates.ts';

const LENGTHS: Readonly<Record<number, readonly number[]>> = { [CKK.AES]: [16, 24, 32], [CKK.DES3]: [24] };

export const imSymKey = kmuCommand({
  name: 'imSymKey',
  summary: 'import a symmetric key that stands in clear in a file',
  flags: {
    f: flag.text.required('key file'),
    w: flag.number.required('wrapping key handle'),
    t: flag.number.required('key type: 21 3DES, 31 AES'),
    l: flag.text.required('label'),
    wk: flag.text.optional('wrapping key file'),
    ...SHARED_FLAGS,
  },
  async run(k, flags) {
    checkCreation(k, flags);
    const keyType = flags.neededNumber('t');
    const lengths = LENGTHS[keyType];
    if (lengths === undefined) throw new Misuse(`-t ${keyType}: imSymKey takes 21 (3DES) and 31 (AES).`);
    const path = flags.neededText('f');
    const plain = readFileFor(k, path);
    if (!lengths.includes(plain.length)) {
      k.paragraph(
        `The file ${path} has ${plain.length} bytes; a key of type ${keyType} has ${lengths.join(', ')}. Nothing was done.`,
      );
      return;
    }
    const key = await importPlain(k, flags, plain, keyTemplate({ class: CKO.SECRET_KEY, keyType }, flags));
    k.paragraph(`Symmetric Key Unwrapped.  Key Handle: ${k.handleOf(key)}`);
    await settleCreation(k, flags, key);
    k.terminal.note(`${path} still holds the key in clear; delete or mark it. Nothing stops a second import of it.`);
  },
});

export const exSymKey = kmuCommand({
  name: 'exSymKey',
  summary: 'write a symmetric key in clear to a file',
  flags: {
    k: flag.number.required('key handle'),
    w: flag.number.required('wrapping key handle'),
    out: flag.text.required('file'),
    m: flag.number.optional('4'),
    wk: flag.text.optional('wrapping key file'),
  },
  async run(k, flags) {
    const out = flags.neededText('out');
    const call = 'Cfm3WrapKey';
    const key = await k.object(call, flags.neededNumber('k'));
    if ((await k.classOf(call, key)) !== CKO.SECRET_KEY) {
      k.refused(call, { words: 'the key is no symmetric key' });
      return;
    }
    const plain = await exportPlain(k, flags, key);
    writeFileFor(k, out, plain);
    plain.fill(0);
    if (!flags.has('wk')) k.returned('Cfm3UnWrapHostKey');
    k.paragraph(`Wrapped Symmetric Key written to file "${out}"`);
    k.terminal.note(`In spite of its name in that line, ${out} holds the key in clear.`);
  },
});
