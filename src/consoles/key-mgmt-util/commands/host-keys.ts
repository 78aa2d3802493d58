/** imSymKey and exSymKey: symmetric keys in clear between a file and the HSMs, over a wrapping key in the HSMs or, with -wk, also on the host. */

import { CLOUDHSM_CKM } from '../../../adapters/cloudhsm/profile.ts';
import { CKA, CKK, CKO } from '../../../adapters/pkcs11/constants.ts';
import type { Handle } from '../../../adapters/pkcs11/cryptoki.ts';
import { unwrapKwPkcs5, wrapKwPkcs5 } from '../../../adapters/pkcs11/simulator/key-wrap.ts';
import { Misuse } from '../../command.ts';
import { checkCreation, create, creationStatus, OWNED_FLAGS, settleCreation } from '../creation.ts';
import { readFileFor, writeFileFor } from '../files.ts';
import { flag } from '../flags.ts';
import { type HsmKey, unwrapHostKey, wrapHostKey } from '../host-wrap.ts';
import { kmuCommand } from '../kmu-command.ts';
import { Ended, type KmuSession } from '../kmu-session.ts';
import { keyTemplate } from '../templates.ts';

const LENGTHS: Readonly<Record<number, readonly number[]>> = { [CKK.AES]: [16, 24, 32], [CKK.DES3]: [24] };
const AES_BYTES = [16, 24, 32];

function hsmKey(k: KmuSession, key: Handle): HsmKey {
  return { module: k.module, session: k.loggedIn.session, key };
}

/** The AES key of -wk. */
function hostWrappingKey(k: KmuSession, path: string): Buffer {
  const key = readFileFor(k, path);
  if (AES_BYTES.includes(key.length)) return key;
  k.paragraph(`The file ${path} holds no AES key: ${key.length} bytes instead of 16, 24 or 32; nothing was done.`);
  throw new Ended();
}

export const imSymKey = kmuCommand({
  name: 'imSymKey',
  summary: 'import a symmetric key that stands in clear in a file',
  flags: {
    f: flag.text.required('key file'),
    w: flag.number.required('wrapping key handle'),
    t: flag.number.required('key type: 21 3DES, 31 AES'),
    l: flag.text.required('label'),
    wk: flag.text.optional('wrapping key file'),
    ...OWNED_FLAGS,
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
    const wrapping = await k.object('Cfm3WrapHostKey', flags.neededNumber('w'));
    const hostKey = flags.text('wk');
    const wrapped =
      hostKey === undefined
        ? await k.call('Cfm3WrapHostKey', () => wrapHostKey(hsmKey(k, wrapping), plain))
        : wrapKwPkcs5(hostWrappingKey(k, hostKey), plain);
    if (wrapped === null) throw new Error('PKCS#5 padding takes every length');
    plain.fill(0);
    k.returned('Cfm3WrapHostKey');
    k.returned('Cfm3CreateUnwrapTemplate');
    const call = 'Cfm3UnWrapKey';
    const key = await create(k, flags, call, () =>
      k.module.C_UnwrapKey(
        k.loggedIn.session,
        { type: CLOUDHSM_CKM.AES_KEY_WRAP_PKCS5_PAD },
        wrapping,
        wrapped,
        keyTemplate({ class: CKO.SECRET_KEY, keyType }, flags),
      ),
    );
    k.returned(call);
    k.paragraph(`Symmetric Key Unwrapped.  Key Handle: ${k.handleOf(key)}`);
    await settleCreation(k, flags, call, [key]);
    creationStatus(k, key);
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
    const m = flags.number('m') ?? 4;
    if (m !== 4) throw new Misuse('exSymKey wraps with -m 4 only.');
    const out = flags.neededText('out');
    const key = await k.object('Cfm3WrapKey', flags.neededNumber('k'));
    const wrapping = await k.object('Cfm3WrapKey', flags.neededNumber('w'));
    const { session } = k.loggedIn;
    const cls = await k.call(
      'Cfm3WrapKey',
      () => k.module.C_GetAttributeValue(session, key, [CKA.CLASS])[0]?.value?.[0],
    );
    if (cls !== CKO.SECRET_KEY) {
      k.refused('Cfm3WrapKey', { words: 'the key is no symmetric key' });
      return;
    }
    const wrapped = await k.call('Cfm3WrapKey', () =>
      k.module.C_WrapKey(session, { type: CLOUDHSM_CKM.AES_KEY_WRAP_PKCS5_PAD }, wrapping, key),
    );
    k.returned('Cfm3WrapKey');
    const hostKey = flags.text('wk');
    const plain =
      hostKey === undefined
        ? await k.call('Cfm3UnWrapHostKey', () => unwrapHostKey(hsmKey(k, wrapping), wrapped))
        : unwrapKwPkcs5(hostWrappingKey(k, hostKey), wrapped);
    if (plain === null) {
      k.refused('Cfm3UnWrapHostKey', { words: 'the key does not open under the wrapping key' });
      return;
    }
    writeFileFor(k, out, plain);
    plain.fill(0);
    if (hostKey === undefined) k.returned('Cfm3UnWrapHostKey');
    k.paragraph(`Wrapped Symmetric Key written to file "${out}"`);
    k.terminal.note(`In spite of its name in that line, ${out} holds the key in clear.`);
  },
});
