/** getCaviumPrivKey and IsValidKeyHandlefile: files that name a private key instead of holding it. */
import { createPrivateKey } from 'node:crypto';
import { CKO } from '../../../adapters/pkcs11/constants.ts';
import { readFileFor, writeFileFor } from '../files.ts';
import { flag } from '../flags.ts';
import { handleFile, type NamedKey, readHandleFile } from '../handle-file.ts';
import { kmuCommand } from '../kmu-command.ts';
import { type KmuSession, refusalOf } from '../kmu-session.ts';

export const getCaviumPrivKey = kmuCommand({
  name: 'getCaviumPrivKey',
  summary: 'write a file that names a private key (fake PEM)',
  flags: { k: flag.number.required('private key handle'), out: flag.text.required('file') },
  async run(k, flags) {
    const call = 'getCaviumPrivKey';
    const out = flags.neededText('out');
    const handle = flags.neededNumber('k');
    const key = await k.object(call, handle);
    if ((await k.classOf(call, key)) !== CKO.PRIVATE_KEY) {
      k.refused(call, { words: 'the key is no private key' });
      return;
    }
    writeFileFor(k, out, handleFile({ cluster: k.cluster.id, handle }));
    k.margin(`Private Key Handle is written to ${out} in fake PEM format`);
    k.returned(call);
    k.terminal.note(`The layout of ${out} is keyferry's own: nothing but this console reads it.`);
  },
});

function holdsPrivateKey(file: Buffer): boolean {
  try {
    createPrivateKey({ key: file, format: 'pem' });
    return true;
  } catch {
    return /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(file.toString('latin1'));
  }
}

function whatIsNamed(k: KmuSession, { cluster, handle }: NamedKey): string {
  const { session, user } = k.loggedIn;
  if (cluster !== k.cluster.id) return `It was written at another cluster (${cluster}).`;
  try {
    k.cluster.objectHandle(session, handle);
    return 'The key is there.';
  } catch (error) {
    if (refusalOf(error) === null) throw error;
    return `There is no key ${handle} that ${user} can see.`;
  }
}

export const isValidKeyHandlefile = kmuCommand({
  name: 'IsValidKeyHandlefile',
  summary: 'tell a file that names a private key from one that holds it',
  flags: { f: flag.text.required('file') },
  run(k, flags) {
    const path = flags.neededText('f');
    const file = readFileFor(k, path);
    const named = readHandleFile(file.toString('latin1'));
    if (named === null) {
      const isReal = holdsPrivateKey(file);
      file.fill(0);
      if (isReal) k.margin('Input key file has real private key');
      else
        k.paragraph(`In keyferry's words (the vendor's are not known): ${path} neither names nor holds a private key.`);
      return;
    }
    // The documented line for every such file, although it says "invalid".
    k.margin(`Input file has invalid key handle: ${named.handle}`);
    k.terminal.note(`It is what the tool says of any file that names a key. ${whatIsNamed(k, named)}`);
  },
});
