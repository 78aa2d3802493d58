/** registerQuorumPubKey, and registerMofnPubKey of earlier clients, which makes the signature itself. */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { Misuse } from '../../command.ts';
import { isConfirmed } from '../caution.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import type { CmuSession } from '../cmu-session.ts';
import { readNamedFile } from '../files.ts';
import { onEveryServer } from '../on-every-server.ts';

export const registerQuorumPubKey = cmuCommand({
  name: 'registerQuorumPubKey',
  usage: 'CO <user name> <token file> <signature file> <public key file>',
  summary: "register the public key with which an officer's approvals are checked, on each HSM",
  words: [5, 5],
  async run(cmu, words) {
    cmu.loggedIn('CO', 'PCO');
    if (words[0] !== 'CO') throw new Misuse('Keys are registered for users of type CO.');
    const name = wordAt(words, 1);
    const proof = readNamedFile(wordAt(words, 2));
    const signature = readNamedFile(wordAt(words, 3));
    const pem = Buffer.from(readNamedFile(wordAt(words, 4))).toString('utf8');
    if (!(await isConfirmed(cmu))) return;
    await onEveryServer(cmu, {
      command: 'registerQuorumPubKey',
      failed: (server) => `registerQuorumPubKey failed on ${server}`,
      saysSuccess: true,
      act: (session) => session.registerQuorumKey(name, proof, signature, pem),
    });
  },
});

/** User guide of 2017 and 2018: the file holds the whole key, and the string is what is signed as proof. */
export const registerMofnPubKey = cmuCommand({
  name: 'registerMofnPubKey',
  usage: 'CO <match string> <user name> <key file, private half included>',
  summary: "register the public key with which an officer's approvals are checked, on each HSM",
  words: [4, 4],
  isThere: ({ edition }) => edition.hasRegisterMofnPubKey,
  async run(cmu, words) {
    cmu.loggedIn('CO', 'PCO');
    if (words[0] !== 'CO') throw new Misuse('Keys are registered for users of type CO.');
    const proof = new Uint8Array(Buffer.from(wordAt(words, 1), 'utf8'));
    const name = wordAt(words, 2);
    const path = wordAt(words, 3);
    const pem = Buffer.from(readNamedFile(path)).toString('latin1');
    if (!(await isConfirmed(cmu))) return;
    const key = await privateKeyOf(cmu, path, pem);
    const signature = new Uint8Array(sign('sha256', proof, key));
    const publicPem = createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString();
    await onEveryServer(cmu, {
      command: 'registerMofnPubKey',
      failed: (server) => `registerMofnPubKey failed on ${server}`,
      saysSuccess: true,
      act: (session) => session.registerQuorumKey(name, proof, signature, publicPem),
    });
  },
});

async function privateKeyOf(cmu: CmuSession, path: string, pem: string): Promise<KeyObject> {
  const isEncrypted = /ENCRYPTED/.test(pem);
  const passphrase = isEncrypted ? await cmu.terminal.askSecret('Enter PEM pass phrase:') : null;
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === null ? {} : { passphrase }) });
  } catch {
    throw new Misuse(`The file ${path} holds no private key in PEM that opens so; nothing was done.`);
  }
}
