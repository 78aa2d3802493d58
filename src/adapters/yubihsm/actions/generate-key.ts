/** generate-key: a key that is born on the device: AES, HMAC, RSA, EC or Ed25519, or an AES wrap key. It cannot leave unless told so. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { CURVES, type Curve, type KeyType } from '../../../keys/key-spec.ts';
import { optional, required, withDefault } from '../../../schema/shape.ts';
import type { Arguments } from '../../actions/action.ts';
import { readBooleanIfGiven, readIntegerIfGiven, readText, readTextIfGiven, shape } from '../../actions/arguments.ts';
import { generateAsymmetricKey } from '../commands/generate-asymmetric-key.ts';
import { generateHmacKey } from '../commands/generate-hmac-key.ts';
import { generateSymmetricKey } from '../commands/generate-symmetric-key.ts';
import { generateWrapKey } from '../commands/generate-wrap-key.ts';
import { type Asked, headerOf } from '../objects/asked.ts';
import { refOf } from '../objects/locate.ts';
import {
  AES_ALGORITHM,
  CURVE_ALGORITHM,
  HMAC_ALGORITHM,
  RSA_ALGORITHM,
  WRAP_ALGORITHM,
} from '../objects/object-kinds.ts';
import { ALGORITHM } from '../wire/algorithms.ts';
import { capabilityMask } from '../wire/capabilities.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { delegated } from './arguments.ts';
import { type Making, makingAction, toMake } from './making.ts';
import { choose, delegationOf, domainsOf, labelOf, NEW_KEY, rightsOf } from './new-object.ts';

const TYPES = ['aes', 'generic-secret', 'rsa', 'ec', 'ed25519'] as const;
type Generated = (typeof TYPES)[number];

const isWrapping = (args: Arguments): boolean => readTextIfGiven(args, 'purpose') === 'wrapping';

function typeOf(args: Arguments): Generated {
  const name = readText(args, 'type');
  const type = TYPES.find((known) => known === name);
  if (type === undefined)
    throw new KeyferryError('argument-invalid', `A YubiHSM generates ${TYPES.join(', ')}, not ${name}.`);
  return type;
}

const keyTypeOf = (type: Generated): KeyType => (type === 'ed25519' ? 'other' : type);

function bitsOf(args: Arguments, type: Generated): number {
  const bits = readIntegerIfGiven(args, 'bits');
  if (bits === undefined) throw new KeyferryError('argument-invalid', `A key of type ${type} needs "bits".`);
  return bits;
}

/** By name, or by its length where that says it. */
function curveAlgorithm(args: Arguments): number {
  const bits = readIntegerIfGiven(args, 'bits');
  const byLength: Readonly<Record<number, Curve>> = { 256: 'P-256', 384: 'P-384', 521: 'P-521' };
  const name = readTextIfGiven(args, 'curve') ?? (bits === undefined ? undefined : byLength[bits]);
  if (name === undefined) throw new KeyferryError('argument-invalid', 'A key of type ec needs "curve".');
  return choose(CURVE_ALGORITHM, name, 'curve');
}

function algorithmOf(args: Arguments): { readonly type: number; readonly algorithm: number } {
  const type = typeOf(args);
  if (isWrapping(args)) {
    return { type: OBJECT_TYPE['wrap-key'], algorithm: choose(WRAP_ALGORITHM, bitsOf(args, type), 'wrap key in bits') };
  }
  const asymmetric = OBJECT_TYPE['asymmetric-key'];
  switch (type) {
    case 'aes':
      return {
        type: OBJECT_TYPE['symmetric-key'],
        algorithm: choose(AES_ALGORITHM, bitsOf(args, type), 'AES key in bits'),
      };
    case 'generic-secret':
      return {
        type: OBJECT_TYPE['hmac-key'],
        algorithm: choose(HMAC_ALGORITHM, bitsOf(args, type), 'HMAC key in bits'),
      };
    case 'rsa':
      return { type: asymmetric, algorithm: choose(RSA_ALGORITHM, bitsOf(args, type), 'RSA key in bits') };
    case 'ec':
      return { type: asymmetric, algorithm: curveAlgorithm(args) };
    case 'ed25519':
      return { type: asymmetric, algorithm: ALGORITHM.ed25519 };
  }
}

const TRANSIT = capabilityMask(['export-wrapped', 'import-wrapped']);

async function asked(hsm: YubiHsm, args: Arguments): Promise<Asked> {
  const common = { ...algorithmOf(args), label: labelOf(args), domains: domainsOf(hsm, args) };
  if (!isWrapping(args)) return { ...common, capabilities: rightsOf(keyTypeOf(typeOf(args)), args).capabilities };
  const extractable = readBooleanIfGiven(args, 'extractable') === true ? capabilityMask(['exportable-under-wrap']) : 0n;
  return { ...common, capabilities: TRANSIT | extractable, delegated: (await delegationOf(hsm, args)).delegated };
}

const making: Making = {
  spec: {
    name: 'generate-key',
    summary: 'Generate a key on the device',
    effect: 'create',
    input: shape({
      type: required({ kind: 'enum', values: TYPES, description: 'Key type; generic-secret: HMAC' }),
      bits: optional({
        kind: 'integer',
        minimum: 128,
        maximum: 4096,
        description: 'Length in bits: AES 128, 192, 256; HMAC 160, 256, 384, 512 (its hash); RSA 2048, 3072, 4096',
      }),
      curve: optional({ kind: 'enum', values: CURVES, description: 'Of an EC key' }),
      ...NEW_KEY,
      extractable: withDefault({ kind: 'boolean', description: 'Whether it may leave the device wrapped' }, false),
      purpose: optional({
        kind: 'enum',
        values: ['wrapping'],
        description: 'An AES wrap key: it exports and imports objects and nothing else',
      }),
      delegated,
    }),
    outputs: { key: { type: 'key', lifetime: 'permanent', description: 'The new key' } },
    undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
  },
  needs(args) {
    if (isWrapping(args)) return ['generate-wrap-key'];
    const type = typeOf(args);
    if (type === 'aes') return ['generate-symmetric-key'];
    return [type === 'generic-secret' ? 'generate-hmac-key' : 'generate-asymmetric-key'];
  },
  problems(_hsm, args) {
    const type = typeOf(args);
    if (isWrapping(args)) return type === 'aes' ? [] : ['a wrapping key must be AES (RSA: generate-rsa-key-pair)'];
    return rightsOf(keyTypeOf(type), args).problems;
  },
  asked,
  async make(hsm, args, wanted, id) {
    const header = headerOf(wanted, id);
    const what = toMake('generate', wanted, id);
    if (wanted.delegated !== undefined) {
      return await hsm.call(generateWrapKey, { ...header, delegatedCapabilities: wanted.delegated }, what);
    }
    const type = typeOf(args);
    if (type === 'aes') return await hsm.call(generateSymmetricKey, header, what);
    return await hsm.call(type === 'generic-secret' ? generateHmacKey : generateAsymmetricKey, header, what);
  },
  outputs: (hsm, _args, found) => ({ key: refOf(hsm, found) }),
};

export const generateKey = makingAction(making);
