/**
 * cmu import and cmu list: public keys into a partition, and the handles of what is there. Banner, question and answer of the import are
 * those of client 10.4 (ThalesGroup/pycryptoki, issue 28), with its flags -pubkey and -in; -inputFile, -label, -slot and the lines of the
 * list are as people remember the older client. Certificates and private keys are left out.
 */
import { boolAttribute, ulongAttribute } from '../../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKK, CKO } from '../../../adapters/pkcs11/constants.ts';
import type { Handle } from '../../../adapters/pkcs11/cryptoki.ts';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { type RsaNumbers, rsaFromSpki, spkiFromPem } from '../../../keys/public-key.ts';
import { Misuse } from '../../command.ts';
import { readFileOrEnd } from '../files.ts';
import { Ended, type LunaClient, type LunaCommand } from '../luna-client.ts';
import { flagsOnly, numberIn } from '../words.ts';

/** The one release whose banner is known. */
const RELEASE = { version: 'v10.4.0-417', year: 2021 } as const;

function banner({ terminal }: LunaClient): void {
  terminal.line(
    `Certificate Management Utility (64-bit) ${RELEASE.version}. Copyright (c) ${RELEASE.year} SafeNet. All rights reserved.`,
  );
}

function readRsaKey(path: string): RsaNumbers {
  const pem = readFileOrEnd(path).toString('utf8');
  try {
    return rsaFromSpki(spkiFromPem(pem));
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error;
    throw new Ended(`The file ${path} holds no RSA public key in PEM; nothing was done.`);
  }
}

export const cmuImport: LunaCommand = {
  name: 'cmu import',
  usage: '{-inputFile=<file>|-in <file>} [-pubkey=rsa] [-label=<label>] [-slot=<number>]',
  summary: 'create an RSA public key from a PEM file',
  async run(client, words) {
    const flags = flagsOnly(words, ['inputFile', 'in', 'pubkey', 'label', 'slot']);
    const paths = ['inputFile', 'in'].flatMap((name) => flags.get(name) ?? []);
    const [path] = paths;
    if (path === undefined || paths.length > 1)
      throw new Misuse('Give the file once: -inputFile=<file> or -in <file>.');
    const kind = flags.get('pubkey');
    if (kind !== undefined && kind !== 'rsa') throw new Misuse(`-pubkey=${kind}: this console imports rsa only.`);
    banner(client);
    await client.loggedIn(numberIn(flags, 'slot'), (session) => {
      const { modulus, exponent } = readRsaKey(path);
      // CKA_WRAP is not among them: the partition leaves it off until the operator sets it.
      const handle = client.module.C_CreateObject(session, [
        ulongAttribute(CKA.CLASS, CKO.PUBLIC_KEY),
        ulongAttribute(CKA.KEY_TYPE, CKK.RSA),
        boolAttribute(CKA.TOKEN, true),
        { type: CKA.LABEL, value: Buffer.from(flags.get('label') ?? '', 'utf8') },
        { type: CKA.MODULUS, value: modulus },
        { type: CKA.PUBLIC_EXPONENT, value: exponent },
      ]);
      client.terminal.line(`...The RSA public key object was successfully created -> handle(${handle})`);
    });
  },
};

/** Key labels are the writer's own bytes; a line break in one must not look like another key. */
const oneLine = (text: string): string => text.replace(/\p{Cc}/gu, '?');

function labelOf(client: LunaClient, session: Handle, object: Handle): string {
  const [label] = client.module.C_GetAttributeValue(session, object, [CKA.LABEL]);
  return oneLine(Buffer.from(label?.value ?? []).toString('utf8'));
}

export const cmuList: LunaCommand = {
  name: 'cmu list',
  usage: '[-label=<label>] [-slot=<number>]',
  summary: 'list handles and labels',
  async run(client, words) {
    const flags = flagsOnly(words, ['label', 'slot']);
    const label = flags.get('label');
    banner(client);
    await client.loggedIn(numberIn(flags, 'slot'), (session) => {
      const wanted = label === undefined ? [] : [{ type: CKA.LABEL, value: Buffer.from(label, 'utf8') }];
      const found = client.module.findObjects(session, wanted);
      for (const handle of found) {
        client.terminal.line(`handle=${handle}\tlabel=${labelOf(client, session, handle)}`);
      }
      if (found.length === 0) client.terminal.note('No object was found.');
    });
  },
};
