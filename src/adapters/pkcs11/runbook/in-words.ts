/**
 * A runbook for devices whose tools are menus, or not known: the PKCS#11 call that a person makes in whatever tool the client brings, with
 * its mechanism and attributes by their names in the standard (OASIS PKCS#11 3.1). Key presses are left out: they differ by client.
 */
import { ATTRIBUTE_NAMES, attributeFromKebab, type KeyAttributes } from '../../../keys/attributes.ts';
import { WRAP_MECHANISMS, type WrapMechanism } from '../../../keys/mechanisms.ts';
import {
  isRunbookKey,
  type RunbookCall,
  type RunbookKey,
  type RunbookLine,
  type RunbookStep,
  type RunbookWriter,
  words,
} from '../../runbook.ts';
import { arrivingAttributes, fileOf, generatedAttributes, keyOf, numberOf, outputsOf, textOf } from './made-keys.ts';

const ckaName = (name: string): string => `CKA_${name.replaceAll(/([A-Z])/g, '_$1').toUpperCase()}`;

/** `CKA_WRAP = true, CKA_DECRYPT = false` */
const attributesInWords = (attributes: KeyAttributes): string =>
  ATTRIBUTE_NAMES.flatMap((name) => {
    const value = attributes[name];
    return value === undefined ? [] : [`${ckaName(name)} = ${value}`];
  }).join(', ');

const GENERATORS: Readonly<Record<string, string>> = {
  aes: 'CKM_AES_KEY_GEN',
  des3: 'CKM_DES3_KEY_GEN',
  'generic-secret': 'CKM_GENERIC_SECRET_KEY_GEN',
};

const HASH_NAMES = { sha1: 'SHA_1', sha256: 'SHA256', sha384: 'SHA384', sha512: 'SHA512' } as const;

const MECHANISMS: Readonly<Record<string, WrapMechanism>> = WRAP_MECHANISMS;

function mechanismInWords(name: string | null): string {
  const mechanism = name === null ? undefined : MECHANISMS[name];
  if (mechanism === undefined) return 'the mechanism that the key was wrapped with';
  if (mechanism.hash === undefined) return `the device's mechanism for ${mechanism.source}`;
  const hash = HASH_NAMES[mechanism.hash];
  const oaep = `hashAlg CKM_${hash}, mgf CKG_MGF1_${hash.replace('_', '')}, no source data`;
  return mechanism.kind === 'rsa-aes-kwp'
    ? `mechanism CKM_RSA_AES_KEY_WRAP, ulAESKeyBits 256, ${oaep}`
    : `mechanism CKM_RSA_PKCS_OAEP, ${oaep}`;
}

/** As the key is found: by what nobody mistakes for another's. */
function found(key: RunbookKey | null): string {
  if (key === null) return 'a key that only the ceremony shows';
  const label = key.label === null ? [] : [`label ${JSON.stringify(key.label)}`];
  const id = key.id === '' ? [] : [`id (hex) ${key.id}`];
  const kcv = key.kcv === null ? [] : [`check value ${key.kcv}`];
  const facts = [...label, ...id, ...kcv];
  return `the ${key.type} ${key.class} key${facts.length === 0 ? '' : ` with ${facts.join(', ')}`}`;
}

/** Label and id as a template has them. */
const named = (key: RunbookKey): string =>
  [
    key.label === null ? 'CKA_LABEL as the source has it (it is not text)' : `CKA_LABEL = ${JSON.stringify(key.label)}`,
    ...(key.id === '' ? [] : [`CKA_ID = ${key.id} (hex)`]),
    'CKA_TOKEN = true',
  ].join(', ');

const outputKey = (outputs: RunbookStep['outputs'], name = 'key'): RunbookKey | null => keyOf(outputs, name);

function described(outputs: RunbookStep['outputs'], name = 'key'): string {
  const key = outputKey(outputs, name);
  return key === null ? '' : `${named(key)}, ${attributesInWords(key.attributes ?? {})}`;
}

/** Secrets are never among them: they are not known before the run. */
function givenInWords(args: RunbookCall['args']): string {
  const facts = Object.entries(args).flatMap(([name, value]) => {
    if (isRunbookKey(value)) return [`${name} = ${found(value)}`];
    return ['string', 'number', 'boolean'].includes(typeof value) ? [`${name} = ${JSON.stringify(value)}`] : [];
  });
  return facts.length === 0 ? '' : `, with ${facts.join('; ')}`;
}

function sentences({ action, args }: RunbookCall, outputs: RunbookStep['outputs']): readonly string[] {
  switch (action) {
    case 'generate-key': {
      const type = textOf(args, 'type') ?? 'aes';
      return [
        `C_GenerateKey, mechanism ${GENERATORS[type] ?? type}, ${numberOf(args, 'bits')} bits: ${described(outputs)}.`,
        `Display the attributes and see that they are these: ${attributesInWords(generatedAttributes(args))}.`,
      ];
    }
    case 'generate-rsa-key-pair':
      return [
        `C_GenerateKeyPair, RSA, ${numberOf(args, 'modulus-bits')} bits, CKA_PUBLIC_EXPONENT 65537.`,
        `Public half: ${described(outputs, 'public_key')}.`,
        `Private half: ${described(outputs, 'private_key')}.`,
      ];
    case 'generate-ec-key-pair':
      return [
        `C_GenerateKeyPair, EC, CKA_EC_PARAMS the object identifier of ${textOf(args, 'curve')}.`,
        `Public half: ${described(outputs, 'public_key')}.`,
        `Private half: ${described(outputs, 'private_key')}.`,
      ];
    case 'export-public-key':
      return [
        `Write ${found(keyOf(args, 'key'))} (CKA_MODULUS, CKA_PUBLIC_EXPONENT) as PEM to ${fileOf(outputs, 'pem')?.path}.`,
      ];
    case 'import-public-key':
      return [
        `C_CreateObject, CKO_PUBLIC_KEY, from the PEM file ${fileOf(args, 'public-key')?.path ?? 'of the other device'}: ${described(outputs)}.`,
        'Compare CKA_MODULUS on this device with that of the device that made the pair before anything is wrapped: whoever swapped the file would receive every key.',
      ];
    case 'wrap-key':
      return [
        `C_WrapKey, ${mechanismInWords(textOf(args, 'mechanism'))}: wrap ${found(keyOf(args, 'key'))} ` +
          `under ${found(keyOf(args, 'wrapping-key'))}, and write the result to ${fileOf(outputs, 'data')?.path}.`,
      ];
    case 'unwrap-key': {
      const wrapped = fileOf(args, 'wrapped-key');
      const like = keyOf(args, 'like');
      return [
        `C_UnwrapKey, ${mechanismInWords(wrapped?.mechanism ?? textOf(args, 'mechanism'))}: the file ${wrapped?.path ?? 'with the wrapped key'} ` +
          `with ${found(keyOf(args, 'unwrapping-key'))}: ${described(outputs)}.`,
        ...(like === null
          ? []
          : [
              `Display the attributes and see that they are these: ${attributesInWords(arrivingAttributes(args, like))}.`,
            ]),
      ];
    }
    case 'require-attribute': {
      const name = attributeFromKebab(textOf(args, 'name') ?? '');
      const attribute = name === undefined ? 'the attribute' : ckaName(name);
      return [
        `C_GetAttributeValue of ${found(keyOf(args, 'key'))}: ${attribute} must be ${args.value !== false}. Else stop with this key.`,
      ];
    }
    case 'set-attribute':
      return [
        `C_SetAttributeValue of ${found(keyOf(args, 'key'))}: CKA_${(textOf(args, 'name') ?? '').replaceAll('-', '_').toUpperCase()} = ${String(args.value)}. Read it back.`,
      ];
    case 'delete-key':
      return [
        `C_DestroyObject of ${found(keyOf(args, 'key'))}, after displaying it once more. It cannot be brought back.`,
      ];
    default:
      return [`keyferry has no lines for ${action}: do it with the vendor's own tool${givenInWords(args)}.`];
  }
}

export const inWords: RunbookWriter = {
  tools: {},
  write(call) {
    const outputs = outputsOf(call);
    return { lines: sentences(call, outputs).map(words), outputs };
  },
  check: (key): readonly RunbookLine[] => [
    words(
      `Check value of ${found({ ...key, kcv: null })}: the first three bytes of one block of zeros encrypted with it (CKA_CHECK_VALUE)${
        key.kcv === null ? '; write it down' : `; it must be ${key.kcv}`
      }.`,
    ),
  ],
};
