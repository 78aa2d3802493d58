/** importPrivateKey and exportPrivateKey: RSA and EC private keys in clear between a PEM file and the HSMs (user guide, the commands' pages). */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { CKK, CKO } from '../../../adapters/pkcs11/constants.ts';
import { checkCreation, OWNED_FLAGS, settleCreation } from '../creation.ts';
import { readFileFor, writeFileFor } from '../files.ts';
import { flag } from '../flags.ts';
import { exportPlain, importPlain } from '../host-transport.ts';
import { kmuCommand } from '../kmu-command.ts';
import { Ended, type KmuSession } from '../kmu-session.ts';
import { keyTemplate } from '../templates.ts';

/** User guide, genRSAKeyPair. */
const LEAST_RSA_BITS = 2048;
const KEY_TYPES: Readonly<Record<string, number>> = { rsa: CKK.RSA, ec: CKK.EC };

/** Ends the command with words for a file that holds no such key. Nothing of the parser's own message is shown: it may quote the file. */
function privateKeyIn(k: KmuSession, path: string): { readonly key: KeyObject; readonly keyType: number } {
  const pem = readFileFor(k, path);
  const key = parsed(pem);
  const keyType = KEY_TYPES[key?.asymmetricKeyType ?? ''];
  const isLocked = /ENCRYPTED/.test(pem.toString('latin1'));
  pem.fill(0);
  const bits = key?.asymmetricKeyDetails?.modulusLength ?? LEAST_RSA_BITS;
  const isShort = bits < LEAST_RSA_BITS;
  if (key !== null && keyType !== undefined && !isShort) return { key, keyType };
  if (isShort) {
    k.paragraph(
      `The file ${path} holds an RSA key of ${bits} bits, which HSMs in FIPS mode do not take; nothing was done.`,
    );
    throw new Ended();
  }
  const reason = isLocked
    ? 'is protected with a password, which importPrivateKey does not take'
    : 'holds no RSA or EC private key in PEM';
  k.paragraph(`The file ${path} ${reason}; nothing was done.`);
  throw new Ended();
}

function parsed(pem: Buffer): KeyObject | null {
  try {
    return createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    return null;
  }
}

export const importPrivateKey = kmuCommand({
  name: 'importPrivateKey',
  summary: 'import a private key that stands in clear in a PEM file',
  flags: {
    l: flag.text.required('label'),
    f: flag.text.required('PEM file'),
    w: flag.number.required('wrapping key handle'),
    wk: flag.text.optional('wrapping key file'),
    ...OWNED_FLAGS,
  },
  async run(k, flags) {
    checkCreation(k, flags);
    const path = flags.neededText('f');
    const { key: given, keyType } = privateKeyIn(k, path);
    const plain = given.export({ format: 'der', type: 'pkcs8' });
    k.margin(`BER encoded key length is ${plain.length}`);
    const key = await importPlain(k, flags, plain, keyTemplate({ class: CKO.PRIVATE_KEY, keyType }, flags));
    k.paragraph(`Private Key Unwrapped.  Key Handle: ${k.handleOf(key)}`);
    await settleCreation(k, flags, key);
    k.terminal.note(`${path} still holds the key in clear; delete or mark it. Nothing stops a second import of it.`);
  },
});

export const exportPrivateKey = kmuCommand({
  name: 'exportPrivateKey',
  summary: 'write a private key in clear to a PEM file',
  flags: {
    k: flag.number.required('private key handle'),
    w: flag.number.required('wrapping key handle'),
    out: flag.text.required('file'),
    m: flag.number.optional('4'),
    wk: flag.text.optional('wrapping key file'),
  },
  async run(k, flags) {
    const out = flags.neededText('out');
    const call = 'Cfm3WrapKey';
    const key = await k.object(call, flags.neededNumber('k'));
    if ((await k.classOf(call, key)) !== CKO.PRIVATE_KEY) {
      k.refused(call, { words: 'the key is no private key' });
      return;
    }
    const der = await exportPlain(k, flags, key);
    const pem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' });
    der.fill(0);
    k.returned('Cfm3UnWrapHostKey');
    writeFileFor(k, out, pem);
    k.margin(`PEM formatted private key is written to ${out}`);
    k.terminal.note(`${out} holds the private key in clear, without a password.`);
  },
});
