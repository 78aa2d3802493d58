/**
 * The key actions as lines of key_mgmt_util (AWS CloudHSM user guide, Client SDK 3). The tool cannot say what a key may do, nor type an id
 * that is not text: where the playbook asks for other rights, lines of cloudhsm-cli narrow the key before it is used.
 */
import { type AttributeName, attributeFromKebab, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import { CKA_OF } from '../../pkcs11/attribute-codec.ts';
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
import { exportKey, importKey } from './clear-keys.ts';
import { setRights } from './cloudhsm-cli.ts';
import { expectRefusal } from './expected-refusal.ts';
import { CLASSES, command, handleFor, handleOf, MECHANISMS, namedAs, shown, TYPES } from './kmu-lines.ts';

/** Files of wrapKey with its header, which only unWrapKey reads. */
const HEADER_FORMAT = 'key_mgmt_util';
const KCV = 371;

/** What the tool gives to keys that it makes, where nothing else says it: by class and type. */
const USUAL: Readonly<Record<string, readonly AttributeName[]>> = {
  'secret aes': ['encrypt', 'decrypt', 'wrap', 'unwrap'],
  'secret des3': ['encrypt', 'decrypt'],
  'public rsa': ['encrypt', 'wrap', 'verify'],
  'private rsa': ['decrypt', 'unwrap', 'sign'],
};

/** What the tool gives otherwise than the playbook wants it, as its owner sets it. `derive` no tool sets. */
function narrowing(key: RunbookKey, has: readonly AttributeName[]): readonly RunbookLine[] {
  const wanted = key.attributes;
  if (wanted === null) return [];
  const wrong = USAGE_ATTRIBUTES.filter((name) => name !== 'derive' && (wanted[name] ?? false) !== has.includes(name));
  return setRights(key, Object.fromEntries(wrong.map((name) => [name, wanted[name] === true])));
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
    case 'expect-refusal':
      return { lines: expectRefusal(call), outputs };
    case 'import-key':
      return key === null ? null : { lines: [...importKey(call, key), ...narrowing(key, usual(key))], outputs };
    case 'export-key':
      return { lines: exportKey(call), outputs };
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
