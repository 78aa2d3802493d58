/**
 * The key actions as lines of key_mgmt_util (AWS CloudHSM user guide, Client SDK 3). The tool cannot say what a key may do, nor type an id
 * that is not text: where the playbook asks for that, the lines say so, and how the owner narrows the key in cloudhsm_mgmt_util.
 */
import { type AttributeName, attributeFromKebab, kebabName, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import { CKA_OF } from '../../pkcs11/attribute-codec.ts';
import { CKK, CKO } from '../../pkcs11/constants.ts';
import { fileOf, keyOf, numberOf, outputsOf, textOf } from '../../pkcs11/runbook/made-keys.ts';
import {
  type RunbookBlank,
  type RunbookCall,
  type RunbookFile,
  type RunbookKey,
  type RunbookLine,
  type RunbookStep,
  words,
} from '../../runbook.ts';

export const KEY_MGMT_UTIL = 'key_mgmt_util';
/** Files of wrapKey with its header, which only unWrapKey reads. */
const HEADER_FORMAT = KEY_MGMT_UTIL;
const KCV = 371;

const CLASSES = { secret: CKO.SECRET_KEY, public: CKO.PUBLIC_KEY, private: CKO.PRIVATE_KEY } as const;
const TYPES: Readonly<Record<string, number>> = {
  aes: CKK.AES,
  des3: CKK.DES3,
  'generic-secret': CKK.GENERIC_SECRET,
  rsa: CKK.RSA,
  ec: CKK.EC,
};

/** What the tool gives to keys that it makes, where nothing else says it: by class and type. */
const USUAL: Readonly<Record<string, readonly AttributeName[]>> = {
  'secret aes': ['encrypt', 'decrypt', 'wrap', 'unwrap'],
  'secret des3': ['encrypt', 'decrypt'],
  'public rsa': ['encrypt', 'wrap', 'verify'],
  'private rsa': ['decrypt', 'unwrap', 'sign'],
};

/** `-m`, and `-t` for OAEP. */
const MECHANISMS: Readonly<Record<string, string>> = {
  'rsa-oaep-sha1': '-m 8 -t 2',
  'rsa-oaep-sha256': '-m 8 -t 3',
  'rsa-oaep-sha384': '-m 8 -t 4',
  'rsa-oaep-sha512': '-m 8 -t 5',
  'aes-kw-pkcs5': '-m 4',
  'aes-kw': '-m 5',
  'aes-kwp': '-m 6',
};

/** Safe in a line of the tool and in a script: no quotes, no angle brackets, nothing that does not print. */
const isTypeable = (text: string): boolean => /^[^\p{C}\p{Zl}\p{Zp}"'`<>\\]+$/u.test(text);
const typed = (text: string): string => (/^[\w.:/@+=,-]+$/.test(text) && !text.startsWith('-') ? text : `"${text}"`);

/** null: not text, or nothing that can be typed. */
function idText(hex: string): string | null {
  const text = Buffer.from(hex, 'hex').toString('latin1');
  return /^[\x21-\x7e]+$/.test(text) && isTypeable(text) ? text : null;
}

const command = (text: string, blanks: readonly RunbookBlank[] = [], expect: string | null = null): RunbookLine => ({
  kind: 'command',
  tool: KEY_MGMT_UTIL,
  text,
  blanks,
  answers: [],
  expect,
});

/** The command that shows this key and no other, if anything does. */
function search(key: RunbookKey): string | null {
  const id = idText(key.id);
  const facts = [
    ...(key.label !== null && isTypeable(key.label) ? [`-l ${typed(key.label)}`] : []),
    ...(id === null ? [] : [`-id ${typed(id)}`]),
    ...(key.kcv === null ? [] : [`-kcv ${key.kcv}`]),
  ];
  const type = TYPES[key.type];
  return facts.length === 0 || type === undefined
    ? null
    : `findKey -c ${CLASSES[key.class]} -t ${type} ${facts.join(' ')}`;
}

export const handleOf = (key: RunbookKey): RunbookBlank => ({
  name: `handle of ${key.name.replaceAll(/[<>`]/g, '')}`,
  lookup: search(key),
});

const shown = (blank: RunbookBlank): string => `<${blank.name}>`;

const unknownKey: RunbookBlank = { name: 'handle of the key that an earlier step gave', lookup: null };
const handleFor = (args: RunbookCall['args'], name: string): RunbookBlank => {
  const key = keyOf(args, name);
  return key === null ? unknownKey : handleOf(key);
};

/** ` -l label -id id` and what cannot be typed. */
interface Naming {
  readonly flags: string;
  readonly blanks: readonly RunbookBlank[];
  readonly notes: readonly RunbookLine[];
}

const OTHER_LABEL: RunbookBlank = { name: 'another label', lookup: null };

function namedAs(key: RunbookKey): Naming {
  const hasLabel = key.label !== null && isTypeable(key.label);
  const id = idText(key.id);
  const notes: RunbookLine[] = [];
  if (!hasLabel) notes.push(words('The label of this key cannot be typed in this tool; fill in another one.'));
  if (id === null && key.id !== '')
    notes.push(words(`The id (hex ${key.id}) is not text, so this tool cannot give it: the key has none afterwards.`));
  const label = hasLabel ? typed(key.label ?? '') : shown(OTHER_LABEL);
  return {
    flags: `-l ${label}${id === null ? '' : ` -id ${typed(id)}`}`,
    blanks: hasLabel ? [] : [OTHER_LABEL],
    notes,
  };
}

/** What the tool cannot set, and how the owner does it before the key is used. */
function narrowing(key: RunbookKey, has: readonly AttributeName[]): RunbookLine[] {
  const wanted = key.attributes;
  if (wanted === null) return [];
  const wrong = USAGE_ATTRIBUTES.filter((name) => name !== 'derive' && (wanted[name] ?? false) !== has.includes(name));
  if (wrong.length === 0) return [];
  const lines = wrong.map(
    (name) => `\`setAttribute ${shown(handleOf(key))} ${CKA_OF[name]} ${wanted[name] === true ? 1 : 0}\``,
  );
  return [
    words(
      `This tool cannot say what a key may do, and the playbook wants other rights than it gives (${wrong.map(kebabName).join(', ')}). Before the key is used, its owner sets them in cloudhsm_mgmt_util: ${lines.join('; ')}.`,
    ),
  ];
}

const usual = (key: RunbookKey): readonly AttributeName[] => USUAL[`${key.class} ${key.type}`] ?? [];
const nex = (key: RunbookKey): string => (key.attributes?.extractable === true ? '' : ' -nex');

function generateKey({ args }: RunbookCall, key: RunbookKey): RunbookLine[] {
  const { flags, blanks, notes } = namedAs(key);
  return [
    ...notes,
    command(`genSymKey -t ${TYPES[key.type] ?? key.type} -s ${numberOf(args, 'bits') / 8} ${flags}${nex(key)}`, blanks),
    ...narrowing(key, usual(key)),
  ];
}

function generatePair({ args }: RunbookCall, halves: readonly [RunbookKey, RunbookKey]): RunbookLine[] {
  const [publicHalf, privateHalf] = halves;
  const { flags, blanks, notes } = namedAs(privateHalf);
  return [
    ...notes,
    command(`genRSAKeyPair -m ${numberOf(args, 'modulus-bits')} -e 65537 ${flags}${nex(privateHalf)}`, blanks),
    ...narrowing(publicHalf, usual(publicHalf)),
    ...narrowing(privateHalf, usual(privateHalf)),
  ];
}

const PUBLIC_KEY_FILE: RunbookBlank = { name: 'file with the public key', lookup: null };

function importPublicKey({ args }: RunbookCall, key: RunbookKey): RunbookLine[] {
  const { flags, blanks, notes } = namedAs(key);
  const path = fileOf(args, 'public-key')?.path ?? shown(PUBLIC_KEY_FILE);
  const open = fileOf(args, 'public-key') === null ? [...blanks, PUBLIC_KEY_FILE] : blanks;
  return [
    words(
      `Bring ${path} here and compare its SHA-256 with that on the host that wrote it, by another way than the file came: whoever swaps it receives every key.`,
    ),
    ...notes,
    command(`importPubKey ${flags} -f ${path}`, open),
    ...narrowing(key, usual(key)),
  ];
}

function wrapKey({ args }: RunbookCall, file: RunbookFile): RunbookLine[] {
  const key = handleFor(args, 'key');
  const wrapping = handleFor(args, 'wrapping-key');
  const mechanism = MECHANISMS[file.mechanism ?? ''];
  if (mechanism === undefined) return [words(`This tool has no number for ${file.mechanism ?? 'the mechanism'}.`)];
  const bare = file.format === 'bare' ? ' -noheader' : '';
  return [
    command(`wrapKey -k ${shown(key)} -w ${shown(wrapping)} -out ${file.path} ${mechanism}${bare}`, [key, wrapping]),
  ];
}

function unwrapKey({ args }: RunbookCall, key: RunbookKey): RunbookLine[] {
  const file = fileOf(args, 'wrapped-key');
  const unwrapping = handleFor(args, 'unwrapping-key');
  const mechanism = MECHANISMS[file?.mechanism ?? textOf(args, 'mechanism') ?? ''];
  if (file === null || mechanism === undefined)
    return [
      words(
        'The wrapped key and how it was wrapped are not known before the ceremony: unWrapKey, with the flags of both.',
      ),
    ];
  const start = `unWrapKey -f ${file.path} -w ${shown(unwrapping)} ${mechanism}`;
  const brought = words(`Bring ${file.path} here; it holds the key wrapped, so it opens for nobody else.`);
  if (file.format === HEADER_FORMAT) {
    const like = keyOf(args, 'like');
    const copied = USAGE_ATTRIBUTES.filter((name) => like?.attributes?.[name] === true);
    return [brought, command(`${start}${nex(key)}`, [unwrapping]), ...narrowing(key, copied)];
  }
  const { flags, blanks, notes } = namedAs(key);
  const kind = `-noheader ${flags} -kc ${CLASSES[key.class]} -kt ${TYPES[key.type] ?? key.type}`;
  return [
    brought,
    ...notes,
    command(`${start} ${kind}${nex(key)}`, [unwrapping, ...blanks]),
    ...narrowing(key, usual(key)),
  ];
}

function requireAttribute({ args, stem }: RunbookCall): RunbookLine[] {
  const name = attributeFromKebab(textOf(args, 'name') ?? '');
  const number = name === undefined ? undefined : CKA_OF[name];
  if (number === undefined) return [words(`This tool does not show ${String(args.name)}.`)];
  const key = handleFor(args, 'key');
  const value = args.value === false ? '0x00000000' : '0x00000001';
  const expect = `the file holds ${value}; else this key is not moved`;
  return [command(`getAttribute -o ${shown(key)} -a ${number} -out ${stem}.txt`, [key], expect)];
}

/** A header gives the copy its original's label, id and rights: only unWrapKey reads it, and nothing of that can be given another value. */
const hasHeader = ({ readBy }: RunbookCall): boolean =>
  readBy.length > 0 &&
  readBy.every(
    ({ adapter, given }) => adapter === 'cloudhsm' && !given.some((name) => ['label', 'id', 'new-id'].includes(name)),
  );

/** null: not an action of this tool. */
export function keyMgmtUtilStep(call: RunbookCall): RunbookStep | null {
  const outputs = outputsOf(call);
  const key = keyOf(outputs, 'key');
  switch (call.action) {
    case 'generate-key':
      return key === null ? null : { lines: generateKey(call, key), outputs };
    case 'generate-rsa-key-pair': {
      const halves = [keyOf(outputs, 'public_key'), keyOf(outputs, 'private_key')] as const;
      const [publicHalf, privateHalf] = halves;
      if (publicHalf === null || privateHalf === null) return null;
      return { lines: generatePair(call, [publicHalf, privateHalf]), outputs };
    }
    case 'export-public-key': {
      const handle = handleFor(call.args, 'key');
      return {
        lines: [command(`exportPubKey -k ${shown(handle)} -out ${fileOf(outputs, 'pem')?.path}`, [handle])],
        outputs,
      };
    }
    case 'import-public-key':
      return key === null ? null : { lines: importPublicKey(call, key), outputs };
    case 'wrap-key': {
      const file = fileOf(outputs, 'data');
      if (file === null) return null;
      const data = hasHeader(call) ? { ...file, format: HEADER_FORMAT } : file;
      return { lines: wrapKey(call, data), outputs: { data } };
    }
    case 'unwrap-key':
      return key === null ? null : { lines: unwrapKey(call, key), outputs };
    case 'require-attribute':
      return { lines: requireAttribute(call), outputs };
    case 'delete-key': {
      const handle = handleFor(call.args, 'key');
      return { lines: [command(`deleteKey -k ${shown(handle)}`, [handle])], outputs };
    }
    default:
      return null;
  }
}

export function checkValue(key: RunbookKey, stem: string): readonly RunbookLine[] {
  const handle = handleOf(key);
  const expect =
    key.kcv === null
      ? 'the file holds the check value; write it down'
      : `the file holds 0x${key.kcv}, the check value of the plan`;
  return [command(`getAttribute -o ${shown(handle)} -a ${KCV} -out ${stem}.txt`, [handle], expect)];
}
