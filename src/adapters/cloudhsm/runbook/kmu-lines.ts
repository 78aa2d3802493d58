/** What the lines of key_mgmt_util are made of: its numbers, how it finds a key, how it names a new one. */
import { CKK, CKO } from '../../pkcs11/constants.ts';
import { keyOf } from '../../pkcs11/runbook/made-keys.ts';
import { type RunbookBlank, type RunbookCall, type RunbookKey, type RunbookLine, words } from '../../runbook.ts';
import { idText, isTypeable, typed } from './names.ts';

export const KEY_MGMT_UTIL = 'key_mgmt_util';

export const CLASSES = { secret: CKO.SECRET_KEY, public: CKO.PUBLIC_KEY, private: CKO.PRIVATE_KEY } as const;
export const TYPES: Readonly<Record<string, number>> = {
  aes: CKK.AES,
  des3: CKK.DES3,
  'generic-secret': CKK.GENERIC_SECRET,
  rsa: CKK.RSA,
  ec: CKK.EC,
};

/** `-m`, and `-t` for OAEP. */
export const MECHANISMS: Readonly<Record<string, string>> = {
  'rsa-oaep-sha1': '-m 8 -t 2',
  'rsa-oaep-sha256': '-m 8 -t 3',
  'rsa-oaep-sha384': '-m 8 -t 4',
  'rsa-oaep-sha512': '-m 8 -t 5',
  'aes-kw-pkcs5': '-m 4',
  'aes-kw': '-m 5',
  'aes-kwp': '-m 6',
};

export const command = (
  text: string,
  blanks: readonly RunbookBlank[] = [],
  expect: string | null = null,
): RunbookLine => ({
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

export const shown = (blank: RunbookBlank): string => `<${blank.name}>`;

const unknownKey: RunbookBlank = { name: 'handle of the key that an earlier step gave', lookup: null };
export const handleFor = (args: RunbookCall['args'], name: string): RunbookBlank => {
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

export function namedAs(key: RunbookKey): Naming {
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
