/** getAttribute (into a file, never to the screen), setAttribute (a session key becomes a token key) and listAttributes. */
import { CKA, CKO } from '../../../adapters/pkcs11/constants.ts';
import { Misuse } from '../../command.ts';
import {
  ALL_ATTRIBUTES,
  attributeList,
  attributeOf,
  attributeText,
  OBJECT_ATTRIBUTES,
  type ObjectAttribute,
} from '../../object-attributes.ts';
import { writeFileFor } from '../files.ts';
import { flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';

const DUMP_COLUMNS = 80;

/** The dump's own order (user guide, getAttribute -a 512). */
const DUMP_ORDER: readonly number[] = [
  ...[CKA.CLASS, CKA.KEY_TYPE, CKA.TOKEN, CKA.PRIVATE, CKA.ENCRYPT, CKA.DECRYPT, CKA.WRAP, CKA.UNWRAP, CKA.SIGN],
  ...[CKA.VERIFY, CKA.LOCAL, CKA.SENSITIVE, CKA.EXTRACTABLE, CKA.LABEL, CKA.ID, CKA.VALUE_LEN, CKA.CHECK_VALUE],
  ...[CKA.MODULUS, CKA.MODULUS_BITS, CKA.PUBLIC_EXPONENT, CKA.TRUSTED, CKA.WRAP_WITH_TRUSTED, CKA.DESTROYABLE],
  ...[CKA.DERIVE, CKA.ALWAYS_SENSITIVE, CKA.NEVER_EXTRACTABLE],
];

/** The older clients' dump ends with the check value and the modulus. */
const LATER_ONLY: ReadonlySet<number> = new Set(DUMP_ORDER.slice(DUMP_ORDER.indexOf(CKA.TRUSTED)));

interface Dumped {
  readonly attribute: ObjectAttribute;
  readonly value: Uint8Array;
}

/**
 * What PKCS#11 does not give keys of a class and the tool shows all the same (user guide, getAttribute and genECCKeyPair): every usage, as
 * false; public keys as extractable and not sensitive.
 */
const USAGE: readonly number[] = [CKA.ENCRYPT, CKA.DECRYPT, CKA.WRAP, CKA.UNWRAP, CKA.SIGN, CKA.VERIFY];

function shownAnyway(keyClass: number | undefined, cka: number): Uint8Array | null {
  if (USAGE.includes(cka)) return Uint8Array.of(0);
  if (keyClass !== CKO.PUBLIC_KEY) return null;
  if (cka === CKA.EXTRACTABLE) return Uint8Array.of(1);
  return cka === CKA.SENSITIVE ? Uint8Array.of(0) : null;
}

const folded = (text: string): string => text.match(new RegExp(`.{1,${DUMP_COLUMNS}}`, 'g'))?.join('\n') ?? '';

function dumpText({ attribute, value }: Dumped, isWhole: boolean): string {
  const text = attributeText(attribute, value, isWhole ? 2 : 8);
  return `${attribute.name}\n${attribute.kind === 'bytes' ? folded(text) : text}\n`;
}

export const getAttribute = kmuCommand({
  name: 'getAttribute',
  summary: 'write an attribute of a key, or all of them, to a file',
  flags: {
    o: flag.number.required('key handle'),
    a: flag.number.required(`attribute, ${ALL_ATTRIBUTES}: all`),
    out: flag.text.required('file'),
  },
  async run(k, flags) {
    const call = 'Cfm3GetAttribute';
    const number = flags.neededNumber('a');
    const isWhole = number === ALL_ATTRIBUTES;
    const one = attributeOf(number);
    if (!isWhole && one === undefined)
      throw new Misuse(`-a ${number}: there is no such attribute; see listAttributes.`);
    const out = flags.neededText('out');
    const key = await k.object(call, flags.neededNumber('o'));
    const keyClass = await k.classOf(call, key);
    const isOld = k.edition.attributeFile === 'dumped';
    const wanted = isWhole
      ? DUMP_ORDER.filter((cka) => !(isOld && LATER_ONLY.has(cka))).flatMap(
          (cka) => OBJECT_ATTRIBUTES.find((attribute) => attribute.cka === cka) ?? [],
        )
      : OBJECT_ATTRIBUTES.filter((attribute) => attribute === one);
    const read = await k.call(call, () =>
      k.module.C_GetAttributeValue(
        k.loggedIn.session,
        key,
        wanted.map(({ cka }) => cka),
      ),
    );
    const dumped = wanted.flatMap((attribute, at): Dumped[] => {
      const value = read[at]?.value ?? shownAnyway(keyClass, attribute.cka);
      return value === null ? [] : [{ attribute, value }];
    });
    if (dumped.length === 0) {
      k.refused(call, { words: `the key has no attribute ${one?.name ?? number}` });
      return;
    }
    const text = dumped.map((each) => dumpText(each, isWhole)).join('');
    writeFileFor(k, out, text);
    k.terminal.line();
    if (isOld) {
      if (isWhole) k.lines(`got all attributes of size ${text.length} attr cnt ${dumped.length}`);
      k.lines(`Attributes dumped into ${out} file`);
    } else {
      if (isWhole) k.lines(`Attribute size: ${text.length}, count: ${dumped.length}`);
      k.lines(`Written to: ${out} file`);
    }
    k.returned(call);
  },
});

export const setAttribute = kmuCommand({
  name: 'setAttribute',
  summary: 'make a session key a token key',
  flags: { o: flag.number.required('key handle'), a: flag.number.required('1 (OBJ_ATTR_TOKEN)') },
  async run(k, flags) {
    if (flags.neededNumber('a') !== CKA.TOKEN) {
      throw new Misuse('This tool changes OBJ_ATTR_TOKEN (1) only; for others use cloudhsm_mgmt_util.');
    }
    const call = 'Cfm3SetAttribute';
    const handle = flags.neededNumber('o');
    const object = await k.object(call, handle);
    k.paragraph('This attribute is defined as a boolean value.');
    const answer = await k.terminal.ask('\tEnter the boolean attribute value (0 or 1):');
    if (answer?.trim() !== '1') {
      k.refused(call, { words: 'a key can be made a token key (1), and no token key a session key' });
      return;
    }
    await k.call(call, () => k.cluster.promote(k.loggedIn.session, object));
    k.returned(call);
    k.status();
  },
});

export const listAttributes = kmuCommand({
  name: 'listAttributes',
  summary: 'list the attributes and their numbers',
  flags: {},
  run(k) {
    k.terminal.line();
    k.lines(...attributeList(true));
  },
});
