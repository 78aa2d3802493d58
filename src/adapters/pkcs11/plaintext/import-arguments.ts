/** What an import-key step asks for: the key in clear (from a file, or from export-key), and what it is to be called and may do. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { type KeyAttributes, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import type { ClearMethod } from '../../../keys/clear-fingerprint.ts';
import { CLEAR_KEY_TYPES, ClearKey, type ClearKeyType } from '../../../keys/clear-key.ts';
import { checkClearKey } from '../../../keys/clear-key-check.ts';
import { labelHex } from '../../../keys/locator.ts';
import type { Arguments } from '../../actions/action.ts';
import {
  readAttributes,
  readIdIfGiven,
  readIntegerIfGiven,
  readKeyIfKnown,
  readTextIfGiven,
} from '../../actions/arguments.ts';
import { isNotYet } from '../../adapter.ts';
import type { Wanted } from '../creation.ts';
import { fingerprintMethods } from '../fingerprints.ts';
import { type Template, templateOf } from '../template.ts';
import type { Token } from '../token.ts';
import { TRANSIT_KEK } from '../wrapping-purpose.ts';
import { readKeyFile } from './key-file.ts';

const isClearType = (type: unknown): type is ClearKeyType => CLEAR_KEY_TYPES.some((known) => known === type);

const invalid = (message: string): KeyferryError => new KeyferryError('argument-invalid', message);

/** What is wrong with the step as it is written; null: nothing. */
export function importProblem(args: Arguments): string | null {
  if ((args.path === undefined) === (args.material === undefined))
    return 'import-key takes either "path" or "material"';
  if (args.like === undefined && args.label === undefined)
    return 'import-key needs "label", or a key that it is "like"';
  if (args.like === undefined && args.type === undefined) return 'import-key needs "type", or a key that it is "like"';
  if (isNotYet(args.like)) return null;
  const type = typeOf(args);
  if (isClearType(type)) return null;
  return `keys of type ${type} are not imported in clear, only ${CLEAR_KEY_TYPES.join(' and ')}`;
}

const typeOf = (args: Arguments): string =>
  readTextIfGiven(args, 'type') ?? readKeyIfKnown(args, 'like')?.locator.type ?? '';

function clearTypeOf(args: Arguments): ClearKeyType {
  const type = typeOf(args);
  if (!isClearType(type)) throw invalid(importProblem(args) ?? 'import-key needs a type.');
  return type;
}

export function wantedOf(args: Arguments): Wanted {
  const like = readKeyIfKnown(args, 'like')?.locator;
  const label = readTextIfGiven(args, 'label');
  return {
    classes: ['secret'],
    type: clearTypeOf(args),
    label: label === undefined ? (like?.label ?? '') : labelHex(label),
    id: readIdIfGiven(args) ?? like?.id,
  };
}

export interface Material {
  readonly key: ClearKey;
  readonly notes: readonly string[];
  /** Wipes what was read for this call; a key that came as an artifact belongs to the run. */
  release(): void;
}

/** null: not known before the run. Rejects with `argument-invalid`, `file-unreadable`, `file-unsafe`. */
export async function materialOf(args: Arguments): Promise<Material | null> {
  const problem = importProblem(args);
  if (problem !== null) throw invalid(`${problem}.`);
  if (isNotYet(args.material) || isNotYet(args.path) || isNotYet(args.like)) return null;
  const type = clearTypeOf(args);
  const path = readTextIfGiven(args, 'path');
  const { material } = args;
  const file = path === undefined ? undefined : await readKeyFile(path, type);
  const key = file?.key ?? material;
  if (!(key instanceof ClearKey))
    throw invalid('The argument "material" must be a key in clear, as export-key gives it.');
  try {
    requireFit(key, type, readIntegerIfGiven(args, 'bits'), path ?? 'the key');
  } catch (error) {
    if (file !== undefined) file.key.wipe();
    throw error;
  }
  return { key, notes: file?.notes ?? [], release: () => file?.key.wipe() };
}

function requireFit(key: ClearKey, type: ClearKeyType, bits: number | undefined, what: string): void {
  if (key.type !== type) throw invalid(`${what} is of type ${key.type} and cannot become a key of type ${type}.`);
  const { problem } = checkClearKey(type, key.reveal());
  if (problem !== null) throw invalid(`${what} cannot be imported: ${problem}.`);
  const held = key.reveal().length * 8;
  if (bits !== undefined && bits !== held) {
    throw invalid(`${what} cannot be imported: it holds ${held} bits, and the step wants ${bits}.`);
  }
}

const NO_USAGE: KeyAttributes = Object.fromEntries(USAGE_ATTRIBUTES.map((name) => [name, false]));

/** Usage as the source key has it, where there is one; a key from a file encrypts and decrypts. */
export function askedOf(args: Arguments, key: ClearKey | null): KeyAttributes {
  if (readTextIfGiven(args, 'purpose') === 'wrapping') return { ...TRANSIT_KEK, ...readAttributes(args) };
  const usage = key?.usage ?? { ...NO_USAGE, encrypt: true, decrypt: true };
  return { ...usage, private: true, sensitive: true, extractable: false, ...readAttributes(args) };
}

export function templateFor(token: Token, args: Arguments, keyId: string, key: ClearKey): Template {
  const { type, label } = wantedOf(args);
  return templateOf(token, { class: 'secret', type, id: keyId, label, attributes: askedOf(args, key) });
}

/** How the arrived key will be compared with its bytes; undefined: it could not be, so it is not imported. */
export function comparisonFor(token: Token, type: ClearKeyType, asked: KeyAttributes): ClearMethod | undefined {
  const able = fingerprintMethods(token);
  const may: readonly (readonly [ClearMethod, boolean])[] = [
    ['encrypt-ecb', asked.encrypt === true],
    ['decrypt-ecb', asked.decrypt === true],
    ['wrap-kw', asked.wrap === true && type === 'aes'],
  ];
  return may.find(([method, isAllowed]) => isAllowed && able.includes(method))?.[0];
}
