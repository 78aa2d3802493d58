/**
 * By hand on CloudHSM Classic: vtl and cmu of its client as far as they go. The client's menu (ckdemo) has no command lines, so its calls
 * stand in words, each with the line of keyferry's own that stands in for it when the part is rehearsed in `keyferry console luna_client`.
 */
import { inWords } from '../pkcs11/runbook/in-words.ts';
import { fileOf, keyOf, outputsOf, textOf } from '../pkcs11/runbook/made-keys.ts';
import {
  type RunbookBlank,
  type RunbookCall,
  type RunbookKey,
  type RunbookLine,
  type RunbookWriter,
  words,
} from '../runbook.ts';

const LUNA_CLIENT = 'luna_client';

const SLOT: RunbookBlank = { name: 'slot', lookup: null };
const PASSWORD: RunbookBlank = { name: 'password of the partition', lookup: null };
const PASSWORD_ANSWER = [`<${PASSWORD.name}>`];

const MENU =
  'In ckdemo: open a session on the slot and log in as the partition’s crypto officer. ckdemo is not rehearsed; the line below, keyferry’s own, stands for the call there.';

/** Every command of the client asks for the password anew. */
const command = (text: string, blanks: readonly RunbookBlank[] = [], expect: string | null = null): RunbookLine => ({
  ...{ kind: 'command', tool: LUNA_CLIENT, text, expect },
  blanks: [SLOT, PASSWORD, ...blanks],
  answers: PASSWORD_ANSWER,
});

/** Safe in a line of the client and in a script. */
const isTypeable = (text: string): boolean => /^[^\p{C}\p{Zl}\p{Zp}"'`<>\\]+$/u.test(text);
const flag = (name: string, value: string): string =>
  /^[\w.:/@+,-]+$/.test(value) ? `-${name}=${value}` : `-${name}="${value}"`;

/** By its label, which is all that the list goes by. */
function handleOf(key: RunbookKey): RunbookBlank {
  const name = `handle of ${key.name.replaceAll(/[<>`]/g, '')}`;
  if (key.label === null || !isTypeable(key.label)) return { name, lookup: null };
  return { name, lookup: `cmu list ${flag('label', key.label)} -slot=<${SLOT.name}>`, answers: PASSWORD_ANSWER };
}

function importPublicKey(call: RunbookCall, key: RunbookKey): RunbookLine[] {
  const path = fileOf(call.args, 'public-key')?.path;
  if (path === undefined || key.label === null || !isTypeable(key.label)) return [];
  const handle = handleOf(key);
  return [
    words(
      `Bring ${path} here and compare its SHA-256 with that on the host that wrote it, by another way than the file came: whoever swaps it receives every key. \`vtl listSlots\` shows the slot.`,
    ),
    command(`cmu import ${flag('inputFile', path)} ${flag('label', key.label)} -slot=<${SLOT.name}>`),
    words(`${MENU} C_SetAttributeValue, CKA_WRAP = true, on the imported key: until then it wraps nothing.`),
    command(`keyferry set-wrap <${handle.name}> -slot=<${SLOT.name}>`, [handle]),
  ];
}

/** The one mechanism of the console: the partition's OAEP knows no other hash either. */
const WRAPS_WITH = 'rsa-oaep-sha1';

function wrapKey({ args }: RunbookCall, path: string | undefined): RunbookLine[] {
  const key = keyOf(args, 'key');
  const wrapping = keyOf(args, 'wrapping-key');
  if (key === null || wrapping === null || path === undefined || textOf(args, 'mechanism') !== WRAPS_WITH) return [];
  const blanks = [handleOf(key), handleOf(wrapping)] as const;
  const [payload, under] = blanks.map(({ name }) => `<${name}>`);
  const text = `keyferry wrap -key=${payload} -wrapping-key=${under} ${flag('out', path)} -slot=<${SLOT.name}>`;
  return [words(MENU), command(text, blanks)];
}

function commands(call: RunbookCall): RunbookLine[] {
  const outputs = outputsOf(call);
  if (call.action === 'import-public-key') {
    const key = keyOf(outputs, 'key');
    return key === null ? [] : importPublicKey(call, key);
  }
  return call.action === 'wrap-key' ? wrapKey(call, fileOf(outputs, 'data')?.path) : [];
}

export const LUNA_RUNBOOK: RunbookWriter = {
  tools: {
    [LUNA_CLIENT]: {
      opening: [],
      closing: [{ kind: 'command', tool: LUNA_CLIENT, text: 'exit', blanks: [], answers: [], expect: null }],
    },
  },
  /** The calls stand before the commands: they say what has to come about, whatever the client brings. */
  write(call) {
    const step = inWords.write(call);
    return { ...step, lines: [...step.lines, ...commands(call)] };
  },
  check: inWords.check,
};
