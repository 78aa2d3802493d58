/** findKey and findSingleKey. Found are own keys, shared ones and all public keys. */
import { boolAttribute, ulongAttribute } from '../../../adapters/pkcs11/attribute-codec.ts';
import { CKA } from '../../../adapters/pkcs11/constants.ts';
import type { Attribute } from '../../../adapters/pkcs11/cryptoki.ts';
import { Misuse } from '../../command.ts';
import { readFileFor } from '../files.ts';
import { type Flags, flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';
import { Ended, type KmuSession, refusalOf } from '../kmu-session.ts';
import { RETURN } from '../return-codes.ts';

const CALL = 'Cfm3FindKey';

const text = (type: number, value: string | undefined): Attribute[] =>
  value === undefined ? [] : [{ type, value: new Uint8Array(Buffer.from(value, 'utf8')) }];

/**
 * Hex digits, as getAttribute writes them, with or without the attribute's name and 0x. What form the vendor's tool takes stands in no
 * document.
 */
function modulusIn(k: KmuSession, path: string): Uint8Array {
  const digits = readFileFor(k, path)
    .toString('latin1')
    .replace(/^\s*OBJ_ATTR_MODULUS\s/, '')
    .replaceAll(/\s/g, '')
    .replace(/^0x/i, '');
  if (/^(?:[0-9a-f]{2})+$/i.test(digits)) return new Uint8Array(Buffer.from(digits, 'hex'));
  k.paragraph(`The file ${path} holds no modulus in hex digits; nothing was looked for.`);
  throw new Ended();
}

function searched(k: KmuSession, flags: Flags): Attribute[] {
  const cls = flags.number('c');
  const keyType = flags.number('t');
  const session = flags.number('sess');
  const kcv = flags.text('kcv');
  if (session !== undefined && session > 1) throw new Misuse('-sess is 1 for session keys and 0 for token keys.');
  if (kcv !== undefined && !/^(?:0x)?[0-9a-f]{6}$/i.test(kcv)) throw new Misuse('-kcv takes 6 hex digits.');
  const modulus = flags.text('m');
  return [
    ...(modulus === undefined ? [] : [{ type: CKA.MODULUS, value: modulusIn(k, modulus) }]),
    ...(cls === undefined ? [] : [ulongAttribute(CKA.CLASS, cls)]),
    ...(keyType === undefined ? [] : [ulongAttribute(CKA.KEY_TYPE, keyType)]),
    ...text(CKA.LABEL, flags.text('l')),
    ...text(CKA.ID, flags.text('id')),
    ...(session === undefined ? [] : [boolAttribute(CKA.TOKEN, session === 0)]),
    ...(kcv === undefined
      ? []
      : [{ type: CKA.CHECK_VALUE, value: new Uint8Array(Buffer.from(kcv.replace(/^0x/i, ''), 'hex')) }]),
  ];
}

export const findKey = kmuCommand({
  name: 'findKey',
  summary: 'find keys by their attributes; all of them without flags',
  flags: {
    c: flag.number.optional('key class'),
    t: flag.number.optional('key type'),
    l: flag.text.optional('label'),
    id: flag.text.optional('key ID'),
    sess: flag.number.optional('0 or 1'),
    u: flag.numbers.optional('ids of users the key is shared with'),
    m: flag.text.optional('file with an RSA modulus'),
    kcv: flag.text.optional('key check value'),
  },
  async run(k, flags) {
    const template = searched(k, flags);
    const users = flags.numbers('u');
    const found = await k.call(CALL, () => k.module.findObjects(k.loggedIn.session, template));
    const handles = found.map((object) => k.handleOf(object)).sort((a, b) => a - b);
    const matching = handles.filter((handle) => {
      if (users.length === 0) return true;
      const { sharedWith } = k.anyNode.keyInfo(handle);
      return users.every((user) => sharedWith.includes(user));
    });
    k.terminal.line();
    k.lines(`Total number of keys present ${matching.length}`);
    if (matching.length > 0) {
      k.terminal.line();
      k.lines(` number of keys matched from start index 0::${matching.length - 1}`, matching.join(', '));
    }
    k.status();
    k.returned(CALL);
  },
});

export const findSingleKey = kmuCommand({
  name: 'findSingleKey',
  summary: 'see whether a key is on every HSM',
  flags: { k: flag.number.required('key handle') },
  async run(k, flags) {
    const handle = flags.neededNumber('k');
    try {
      k.cluster.objectHandle(k.loggedIn.session, handle);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      k.refused(CALL, refusal);
      k.failedStatus('code' in refusal ? refusal.code : RETURN.invalidHandle);
      return;
    }
    k.returned(CALL);
    k.status();
  },
});
