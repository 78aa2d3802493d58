/**
 * import-public-key and put-public-wrap-key: the public half of another device's wrapping pair, to export under it and nothing else (firmware
 * 2.4). The device keeps the modulus alone, so the exponent must be 65537.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { isPublicKey, modulusBits, rsaFromSpki, spkiFromPem, spkiSha256 } from '../../../keys/public-key.ts';
import { type Field, required } from '../../../schema/shape.ts';
import type { Arguments } from '../../actions/action.ts';
import { artifact, shape } from '../../actions/arguments.ts';
import { isNotYet, type Violation } from '../../adapter.ts';
import { putPublicWrapKey as putCommand } from '../commands/put-public-wrap-key.ts';
import { headerOf } from '../objects/asked.ts';
import type { Found } from '../objects/key-model.ts';
import { refOf } from '../objects/locate.ts';
import { RSA_ALGORITHM } from '../objects/object-kinds.ts';
import { firmwareLacks } from '../objects/permissions.ts';
import { PUBLIC_EXPONENT, spkiOf } from '../objects/public-half.ts';
import { capabilityMask } from '../wire/capabilities.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import type { YubiHsmAction } from './action.ts';
import { makingAction, toMake } from './making.ts';
import { choose, delegationOf, labelOf, NEW_WRAP_KEY } from './new-object.ts';

export const NO_RSA_WRAP =
  'back its keys up under an AES wrap key (export-wrapped) and restore them on a YubiHSM with 2.4, which can';

/** null: not known yet, or not any more. */
function spkiIfKnown(args: Arguments): Uint8Array | null {
  const value = args['public-key'];
  if (value === undefined || isNotYet(value)) return null;
  if (isPublicKey(value)) return spkiFromPem(value.pem);
  throw new KeyferryError('argument-invalid', 'The argument "public-key" must be a public key.');
}

interface Modulus {
  readonly bytes: Uint8Array;
  readonly algorithm: number;
}

function modulusOf(spki: Uint8Array): Modulus {
  const { modulus, exponent } = rsaFromSpki(spki);
  if (Buffer.compare(exponent, PUBLIC_EXPONENT) !== 0) {
    throw new KeyferryError('argument-invalid', 'A YubiHSM takes RSA public keys with the exponent 65537 only.');
  }
  return { bytes: modulus, algorithm: choose(RSA_ALGORITHM, modulusBits(modulus), 'RSA key in bits') };
}

async function violations(hsm: YubiHsm, args: Arguments, found: Found): Promise<readonly Violation[]> {
  const wanted = spkiIfKnown(args);
  const got = spkiSha256(await spkiOf(hsm, found));
  const given = wanted === null ? 'what was given, which is not known any more' : spkiSha256(wanted);
  if (given === got) return [];
  return [{ code: 'wrapping-key-swapped', message: `${hsm.name} holds the public key ${got}, not ${given}.` }];
}

function action(name: string, summary: string, more: Readonly<Record<string, Field>>): YubiHsmAction {
  return makingAction({
    spec: {
      name,
      summary,
      effect: 'create',
      input: shape({ 'public-key': artifact('The public key (RSA)'), ...more, ...NEW_WRAP_KEY }),
      outputs: {
        key: { type: 'key', lifetime: 'permanent', description: 'The public wrap key on this device' },
        spki_sha256: {
          type: 'string',
          lifetime: 'permanent',
          description: 'SHA-256 of the key as the device shows it, hex',
        },
      },
      undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
    },
    needs: () => ['put-public-wrap-key'],
    problems(hsm, args) {
      const old = firmwareLacks(hsm, [2, 4], 'public wrap keys, and exports nothing under RSA', NO_RSA_WRAP);
      const spki = spkiIfKnown(args);
      if (spki !== null) modulusOf(spki);
      return old === null ? [] : [old];
    },
    async asked(hsm, args) {
      const spki = spkiIfKnown(args);
      return {
        type: OBJECT_TYPE['public-wrap-key'],
        // While it is not known how long the key will be: the shortest.
        algorithm: spki === null ? choose(RSA_ALGORITHM, 2048, 'RSA key in bits') : modulusOf(spki).algorithm,
        label: labelOf(args),
        capabilities: capabilityMask(['export-wrapped']),
        ...(await delegationOf(hsm, args)),
      };
    },
    async make(hsm, args, asked, id) {
      const spki = spkiIfKnown(args);
      if (spki === null) throw hsm.fail('argument-invalid', 'the argument "public-key" must be a public key.');
      const delegatedCapabilities = asked.delegated ?? 0n;
      const request = { ...headerOf(asked, id), delegatedCapabilities, modulus: modulusOf(spki).bytes };
      return await hsm.call(putCommand, request, toMake('put', asked, id));
    },
    outputs: async (hsm, _args, found) => ({
      key: refOf(hsm, found),
      spki_sha256: spkiSha256(await spkiOf(hsm, found)),
    }),
    violations,
  });
}

export const importPublicKey = action('import-public-key', 'Create a wrapping key from a public key', {
  purpose: required({ kind: 'enum', values: ['wrapping'], description: 'It can wrap, nothing else' }),
});

export const putPublicWrapKey = action('put-public-wrap-key', 'Create a public wrap key, to export keys under it', {});
