/**
 * generate-rsa-key-pair and generate-ec-key-pair: one object holds both halves. `wrapping` makes an RSA wrap key, which imports what was wrapped
 * under its public half and does nothing else (firmware 2.4); `signing` an asymmetric key.
 */
import { CURVES } from '../../../keys/key-spec.ts';
import { spkiSha256 } from '../../../keys/public-key.ts';
import { type Field, required, withDefault } from '../../../schema/shape.ts';
import type { Arguments } from '../../actions/action.ts';
import { readBooleanIfGiven, readInteger, readText, readTextIfGiven, shape } from '../../actions/arguments.ts';
import type { ActionSpec } from '../../adapter.ts';
import { generateAsymmetricKey } from '../commands/generate-asymmetric-key.ts';
import { generateWrapKey } from '../commands/generate-wrap-key.ts';
import { headerOf } from '../objects/asked.ts';
import { type Found, isLocal } from '../objects/key-model.ts';
import { refOf } from '../objects/locate.ts';
import { CURVE_ALGORITHM, RSA_ALGORITHM } from '../objects/object-kinds.ts';
import { firmwareLacks } from '../objects/permissions.ts';
import { spkiOf } from '../objects/public-half.ts';
import { capabilityMask } from '../wire/capabilities.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import type { YubiHsmAction } from './action.ts';
import { capabilities, delegated } from './arguments.ts';
import { makingAction, toMake } from './making.ts';
import { choose, delegationOf, domainsOf, labelOf, NEW_OBJECT, rightsOf } from './new-object.ts';

const isWrapping = (args: Arguments): boolean => readTextIfGiven(args, 'purpose') === 'wrapping';

const FIELDS: Readonly<Record<string, Field>> = {
  ...NEW_OBJECT,
  capabilities,
  extractable: withDefault(
    { kind: 'boolean', description: 'Whether the private half may leave the device wrapped; never for wrapping' },
    false,
  ),
};

const OUTPUTS: ActionSpec['outputs'] = {
  public_key: { type: 'key', lifetime: 'permanent', description: 'The public half; it goes with the private one' },
  private_key: {
    type: 'key',
    lifetime: 'permanent',
    description: 'The private half, which is the object on the device',
  },
  spki_sha256: { type: 'string', lifetime: 'permanent', description: 'SHA-256 of the public key (SPKI), hex' },
};

async function outputs(hsm: YubiHsm, _args: Arguments, found: Found) {
  return {
    public_key: refOf(hsm, { ...found, isHalf: true }),
    private_key: refOf(hsm, found),
    spki_sha256: spkiSha256(await spkiOf(hsm, found)),
  };
}

interface PairKind {
  readonly spec: Pick<ActionSpec, 'name' | 'summary' | 'input'>;
  readonly type: 'rsa' | 'ec';
  readonly algorithm: (args: Arguments) => number;
}

function pairAction({ spec, type, algorithm }: PairKind): YubiHsmAction {
  return makingAction({
    spec: {
      ...spec,
      effect: 'create',
      outputs: OUTPUTS,
      undo: [{ action: 'delete-key', argument: 'key', output: 'private_key' }],
    },
    needs: (args) => [isWrapping(args) ? 'generate-wrap-key' : 'generate-asymmetric-key'],
    problems(hsm, args) {
      if (!isWrapping(args)) return rightsOf(type, args).problems;
      const old = firmwareLacks(
        hsm,
        [2, 4],
        'RSA wrap keys',
        'have keys sent to it under an AES wrap key (import-wrapped, from another YubiHSM)',
      );
      const extractable = readBooleanIfGiven(args, 'extractable') === true;
      return [
        ...(old === null ? [] : [old]),
        ...(extractable ? ['the private half of a wrapping pair must not be extractable'] : []),
      ];
    },
    async asked(hsm, args) {
      const common = { algorithm: algorithm(args), label: labelOf(args), domains: domainsOf(hsm, args) };
      if (!isWrapping(args)) {
        return { ...common, type: OBJECT_TYPE['asymmetric-key'], capabilities: rightsOf(type, args).capabilities };
      }
      return {
        ...common,
        type: OBJECT_TYPE['wrap-key'],
        capabilities: capabilityMask(['import-wrapped']),
        delegated: (await delegationOf(hsm, args)).delegated,
      };
    },
    async make(hsm, _args, wanted, id) {
      const header = headerOf(wanted, id);
      const what = toMake('generate', wanted, id);
      if (wanted.delegated === undefined) return await hsm.call(generateAsymmetricKey, header, what);
      return await hsm.call(generateWrapKey, { ...header, delegatedCapabilities: wanted.delegated }, what);
    },
    outputs,
    violations(hsm, args, found) {
      if (!isWrapping(args) || isLocal(found.info)) return [];
      const message = `${hsm.name} says that it did not make the unwrapping key itself (origin ${found.info.origin}).`;
      return [{ code: 'wrapping-key-not-local', message }];
    },
  });
}

export const generateRsaKeyPair = pairAction({
  spec: {
    name: 'generate-rsa-key-pair',
    summary: 'Generate an RSA key pair on the device',
    input: shape({
      purpose: required({
        kind: 'enum',
        values: ['wrapping', 'signing'],
        description:
          'wrapping: an RSA wrap key, under whose public half keys come here; signing: the private half signs',
      }),
      'modulus-bits': withDefault(
        { kind: 'integer', minimum: 2048, maximum: 4096, description: 'Modulus in bits: 2048, 3072 or 4096' },
        2048,
      ),
      ...FIELDS,
      delegated,
    }),
  },
  type: 'rsa',
  algorithm: (args) => choose(RSA_ALGORITHM, readInteger(args, 'modulus-bits'), 'RSA key in bits'),
});

export const generateEcKeyPair = pairAction({
  spec: {
    name: 'generate-ec-key-pair',
    summary: 'Generate an elliptic curve key pair on the device',
    input: shape({
      curve: required({ kind: 'enum', values: CURVES, description: 'Named curve' }),
      purpose: withDefault({ kind: 'enum', values: ['signing'], description: 'The private half signs' }, 'signing'),
      ...FIELDS,
    }),
  },
  type: 'ec',
  algorithm: (args) => choose(CURVE_ALGORITHM, readText(args, 'curve'), 'curve'),
});
