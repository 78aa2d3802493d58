/**
 * What key_mgmt_util cannot, as lines of cloudhsm-cli (AWS CloudHSM user guide, Client SDK 5): rights, sharing, users, quorum. Keys are
 * named by a filter and users by their names, so that nobody carries handles and ids from one tool to the other.
 */
import { type AttributeName, attributeFromKebab, type KeyAttributes, kebabName } from '../../../keys/attributes.ts';
import { keyOf, numberOf, outputsOf, textOf } from '../../pkcs11/runbook/made-keys.ts';
import {
  type RunbookBlank,
  type RunbookCall,
  type RunbookKey,
  type RunbookLine,
  type RunbookStep,
  words,
} from '../../runbook.ts';
import { filterOf, isTypeable, typed } from './names.ts';

export const CLOUDHSM_CLI = 'cloudhsm-cli';
/** The same tool, with an officer logged in. */
export const CLOUDHSM_CLI_ADMIN = `${CLOUDHSM_CLI}/admin`;

const DONE = 'the answer has "error_code": 0';

interface Line {
  readonly text: string;
  readonly blanks?: readonly RunbookBlank[];
  readonly answers?: readonly string[];
  readonly expect?: string;
}

const lineOf =
  (tool: string) =>
  ({ text, blanks = [], answers = [], expect = DONE }: Line): RunbookLine => ({
    ...{ kind: 'command', tool, text, blanks, answers, expect },
  });
const asUser = lineOf(CLOUDHSM_CLI);
const asAdmin = lineOf(CLOUDHSM_CLI_ADMIN);

function setAttribute(key: RunbookKey, name: string, value: string): RunbookLine {
  const { text, blanks } = filterOf(key);
  return asUser({ text: `key set-attribute --filter ${text} --name ${name} --value ${value}`, blanks });
}

/** One line for each. */
export const setRights = (key: RunbookKey, rights: KeyAttributes): RunbookLine[] =>
  Object.entries(rights).map(([name, value]) => setAttribute(key, kebabName(name as AttributeName), String(value)));

function changeAttribute(args: RunbookCall['args']): RunbookLine[] | null {
  const key = keyOf(args, 'key');
  const name = textOf(args, 'name') ?? '';
  if (key === null) return null;
  if (typeof args.value === 'boolean' && attributeFromKebab(name) !== undefined) {
    return [setAttribute(key, name, String(args.value))];
  }
  const label = textOf(args, 'value');
  return name === 'label' && label !== null && isTypeable(label) ? [setAttribute(key, name, typed(label))] : null;
}

function share(args: RunbookCall['args'], verb: 'share' | 'unshare'): RunbookLine[] | null {
  const key = keyOf(args, 'key');
  const user = userIn(args);
  if (key === null || user === null) return null;
  const { text, blanks } = filterOf(key);
  return [asUser({ text: `key ${verb} --filter ${text} --username ${user} --role crypto-user`, blanks })];
}

/** null: not known, or no name of a user. */
function userIn(args: RunbookCall['args']): string | null {
  const name = textOf(args, 'username');
  return name !== null && /^\w{1,31}$/.test(name) ? name : null;
}

function pathIn(args: RunbookCall['args'], name: string): string | null {
  const path = textOf(args, name);
  return path !== null && isTypeable(path) ? typed(path) : null;
}

/** ` --approval FILE`, or nothing. */
function approval(args: RunbookCall['args']): string {
  const path = pathIn(args, 'approval');
  return path === null ? '' : ` --approval ${path}`;
}

function userLines({ action, args }: RunbookCall): RunbookLine[] | null {
  const name = userIn(args);
  if (name === null) return null;
  const named = `--username ${name} --role ${args.role === 'admin' ? 'admin' : 'crypto-user'}`;
  if (action === 'delete-user') return [asAdmin({ text: `user delete ${named}${approval(args)}` })];
  const password: RunbookBlank = { name: `new password of ${name}`, lookup: null };
  const verb = action === 'create-user' ? 'create' : 'change-password';
  const typedTwice = [`<${password.name}>`, `<${password.name}>`];
  return [asAdmin({ text: `user ${verb} ${named}${approval(args)}`, blanks: [password], answers: typedTwice })];
}

function token(args: RunbookCall['args'], name: string): RunbookLine[] | null {
  const path = pathIn(args, name);
  const service = textOf(args, 'service');
  if (path === null || service === null) return null;
  return [asAdmin({ text: `quorum token-sign generate --service ${service} --token ${path}` })];
}

/** Signing is done elsewhere, by each with a key of their own: no line of this tool. */
function signing(args: RunbookCall['args']): RunbookLine[] | null {
  const path = pathIn(args, 'token');
  const { officers } = args;
  if (path === null || typeof officers !== 'object' || officers === null) return null;
  const names = Object.keys(officers).join(', ');
  return [
    {
      ...words(
        `Of ${names} as many as the quorum wants sign ${path}, each with the private key that only they have: ` +
          `\`jq -r .token ${path} | base64 -d > digest\`, then ` +
          '`openssl pkeyutl -sign -inkey KEY -pkeyopt digest:sha256 -in digest | base64 -w0`. Each puts ' +
          `{"username": NAME, "signature": WHAT OPENSSL WROTE} into the list "signatures" of ${path}. ` +
          'A token ends ten minutes after it was requested: then request it anew, and sign again.',
      ),
      isOnHost: true,
    },
  ];
}

function registration(args: RunbookCall['args']): RunbookLine[] | null {
  const key = pathIn(args, 'public-key');
  const path = pathIn(args, 'token');
  if (key === null || path === null) return null;
  return [
    asAdmin({
      text: `user change-quorum token-sign register --public-key ${key} --signed-token ${path}${approval(args)}`,
    }),
  ];
}

function quorumValue(args: RunbookCall['args']): RunbookLine[] {
  const text = `quorum token-sign set-quorum-value --service ${String(args.service)} --value ${numberOf(args, 'value')}`;
  return [asAdmin({ text: `${text}${approval(args)}` })];
}

const AGREED = 'nothing is "inconsistent", and every coverage is "full"';

const agreement = (): RunbookLine[] => [
  asUser({ text: 'user list', expect: AGREED }),
  asUser({ text: 'quorum token-sign list-quorum-values', expect: AGREED }),
  asUser({ text: 'key list --verbose --max-items 100000', expect: AGREED }),
];

function keyInfo(args: RunbookCall['args']): RunbookLine[] | null {
  const key = keyOf(args, 'key');
  if (key === null) return null;
  const { text, blanks } = filterOf(key);
  return [asUser({ text: `key list --verbose --filter ${text}`, blanks })];
}

function linesOf(call: RunbookCall): RunbookLine[] | null {
  const { action, args } = call;
  switch (action) {
    case 'set-attribute':
      return changeAttribute(args);
    case 'share-key':
      return share(args, 'share');
    case 'unshare-key':
      return share(args, 'unshare');
    case 'key-info':
    case 'get-attributes':
      return keyInfo(args);
    case 'list-users':
      return [asUser({ text: 'user list' })];
    case 'create-user':
    case 'change-password':
    case 'delete-user':
      return userLines(call);
    case 'get-quorum-token':
      return token(args, 'file');
    case 'approve-quorum-token':
      return signing(args);
    case 'list-quorum-tokens':
      return [asAdmin({ text: 'quorum token-sign list' })];
    case 'register-quorum-key':
      return registration(args);
    case 'set-quorum-value':
      return quorumValue(args);
    case 'sync-check':
      return agreement();
    default:
      return null;
  }
}

/** What later steps name of it. Signatures go into the token file itself. */
function given({ action, args }: RunbookCall): Readonly<Record<string, unknown>> {
  const path = textOf(args, action === 'get-quorum-token' ? 'file' : 'token');
  if (action === 'get-quorum-token' && path !== null) return { token: path };
  if (action === 'approve-quorum-token' && path !== null) return { approval: path };
  return {};
}

/** null: not an action of this tool, or it wants something that nobody could type. */
export function cloudhsmCliStep(call: RunbookCall): RunbookStep | null {
  const lines = linesOf(call);
  return lines === null ? null : { lines, outputs: { ...outputsOf(call), ...given(call) } };
}
