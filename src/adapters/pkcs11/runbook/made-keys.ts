/** What the PKCS#11 actions give, as far as a runbook knows it before anything is done: the outputs of the actions, by name. */
import { attributeFromKebab, type KeyAttributes, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import { CURVE_PARAMETERS } from '../../../keys/curve.ts';
import { CURVES, type KeyClass, type KeyType } from '../../../keys/key-spec.ts';
import { isRunbookFile, isRunbookKey, type RunbookCall, type RunbookFile, type RunbookKey } from '../../runbook.ts';
import { KEY_GENERATION_USAGE } from '../actions/generate-key.ts';
import { pairAttributes } from '../actions/key-pair.ts';
import { TRANSIT_KEK, WRAPPING_PUBLIC } from '../wrapping-purpose.ts';

type Args = RunbookCall['args'];

export const textOf = (args: Args, name: string): string | null => {
  const value = args[name];
  return typeof value === 'string' ? value : null;
};

export const numberOf = (args: Args, name: string): number => {
  const value = args[name];
  return typeof value === 'number' ? value : 0;
};

export const keyOf = (args: Args, name: string): RunbookKey | null => {
  const value = args[name];
  return isRunbookKey(value) ? value : null;
};

export const fileOf = (args: Args, name: string): RunbookFile | null => {
  const value = args[name];
  return isRunbookFile(value) ? value : null;
};

/** The argument `attributes`, as far as its values are known. */
export function attributesOf(args: Args): KeyAttributes {
  const given = args.attributes;
  if (typeof given !== 'object' || given === null) return {};
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      const known = attributeFromKebab(name);
      return known === undefined || typeof value !== 'boolean' ? [] : [[known, value]];
    }),
  );
}

const NOTHING: KeyAttributes = Object.fromEntries(USAGE_ATTRIBUTES.map((name) => [name, false]));

/** What a generated key is to be able to do. */
export function generatedAttributes(args: Args): KeyAttributes {
  const usual: KeyAttributes = {
    private: true,
    sensitive: true,
    extractable: args.extractable === true,
    ...NOTHING,
    ...KEY_GENERATION_USAGE[(textOf(args, 'type') ?? 'aes') as KeyType],
  };
  return { ...(args.purpose === 'wrapping' ? TRANSIT_KEK : usual), ...attributesOf(args) };
}

/** What an arriving key is to be able to do: as its source, and not extractable unless the playbook says so. */
export const arrivingAttributes = (args: Args, like: RunbookKey): KeyAttributes => ({
  ...Object.fromEntries(USAGE_ATTRIBUTES.map((name) => [name, like.attributes?.[name] ?? false])),
  private: true,
  sensitive: true,
  extractable: false,
  ...attributesOf(args),
});

interface Made {
  readonly class: KeyClass;
  readonly type: KeyType;
  readonly bits: number;
  readonly attributes: KeyAttributes | null;
}

/** Objects that the playbook leaves without an id get one of the runbook's, so that they are told from others of that label. */
const freeId = (call: RunbookCall): string => Buffer.from(call.stem, 'utf8').toString('hex');

function made(call: RunbookCall, { class: keyClass, type, bits, attributes }: Made): RunbookKey {
  const label = textOf(call.args, 'label');
  return {
    kind: 'runbook-key',
    name: `${label === null ? 'the' : JSON.stringify(label)} ${keyClass} key (${call.title})`,
    ...{ device: call.device, class: keyClass, type, bits, label, attributes },
    id: textOf(call.args, 'id') ?? freeId(call),
    kcv: null,
  };
}

function arrived(call: RunbookCall, like: RunbookKey): RunbookKey {
  const { args } = call;
  const id = textOf(args, 'id') ?? (args['new-id'] === true ? freeId(call) : like.id);
  const label = textOf(args, 'label') ?? like.label;
  const name = `${label === null ? 'the' : JSON.stringify(label)} ${like.class} key (${call.title})`;
  return { ...like, name, device: call.device, label, id, attributes: arrivingAttributes(args, like) };
}

const file = (call: RunbookCall, ending: string, mechanism: string | null = null): RunbookFile => ({
  kind: 'runbook-file',
  path: `${call.stem}.${ending}`,
  format: 'bare',
  mechanism,
});

function changed(args: Args): RunbookKey | null {
  const key = keyOf(args, 'key');
  const value = textOf(args, 'value');
  if (key !== null && value !== null && args.name === 'label') return { ...key, label: value };
  if (key !== null && value !== null && args.name === 'id') return { ...key, id: value.toLowerCase() };
  const name = attributeFromKebab(textOf(args, 'name') ?? '');
  if (key === null || name === undefined || typeof args.value !== 'boolean') return key;
  return { ...key, attributes: { ...key.attributes, [name]: args.value } };
}

function pairOf(call: RunbookCall, kind: Pick<Made, 'type' | 'bits'>): Readonly<Record<string, RunbookKey>> {
  const purpose = call.args.purpose === 'wrapping' ? 'wrapping' : 'signing';
  const attributes = pairAttributes(purpose, call.args.extractable === true);
  return {
    public_key: made(call, { ...kind, class: 'public', attributes: attributes.public }),
    private_key: made(call, { ...kind, class: 'private', attributes: attributes.private }),
  };
}

/** Outputs by name; actions that give nothing a runbook could name give an empty table. */
export function outputsOf(call: RunbookCall): Readonly<Record<string, unknown>> {
  const { args } = call;
  switch (call.action) {
    case 'generate-key':
    case 'import-key': {
      const like = keyOf(args, 'like');
      if (like !== null) return { key: arrived(call, like) };
      const type = (textOf(args, 'type') ?? 'aes') as KeyType;
      const bits = numberOf(args, 'bits');
      return { key: made(call, { class: 'secret', type, bits, attributes: generatedAttributes(args) }) };
    }
    case 'generate-rsa-key-pair':
      return pairOf(call, { type: 'rsa', bits: numberOf(args, 'modulus-bits') });
    case 'generate-ec-key-pair': {
      const curve = CURVES.find((name) => name === textOf(args, 'curve'));
      return pairOf(call, { type: 'ec', bits: curve === undefined ? 0 : CURVE_PARAMETERS[curve].bits });
    }
    case 'export-key':
      return { material: file(call, 'clear') };
    case 'export-public-key':
      return { pem: file(call, 'pem') };
    case 'import-public-key':
      return { key: made(call, { class: 'public', type: 'rsa', bits: 0, attributes: WRAPPING_PUBLIC }) };
    case 'wrap-key':
      return { data: file(call, 'wrapped', textOf(args, 'mechanism')) };
    case 'unwrap-key': {
      const like = keyOf(args, 'like');
      return like === null ? {} : { key: arrived(call, like) };
    }
    case 'set-attribute': {
      const key = changed(args);
      return key === null ? {} : { key };
    }
    default:
      return {};
  }
}
