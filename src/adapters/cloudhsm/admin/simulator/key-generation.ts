/** `key generate-symmetric …` and `key generate-asymmetric-pair …` of the simulated tool. Answers: user guide, `cloudhsm_cli-key-generate-*`. */
import { parametersOf } from '../../../../keys/curve.ts';
import { ulongAttribute } from '../../../pkcs11/attribute-codec.ts';
import { CKA, CKK, CKM, CKO } from '../../../pkcs11/constants.ts';
import type { Attribute } from '../../../pkcs11/cryptoki.ts';
import type { SimulatedCluster } from '../../cluster/cluster.ts';
import type { ToolOptions } from '../admin-tool.ts';
import { CURVES } from './curves.ts';
import { atKeyDesk } from './key-desk.ts';
import { guardFlags, makeGuarded, shownKey, templateOf } from './key-making.ts';
import { allowFlags, numberAt, required, type ToolWords, usage } from './tool-words.ts';

type Command = (cluster: SimulatedCluster, words: ToolWords, options: ToolOptions) => Promise<unknown>;

/** A session key would be gone when this tool answers: each of its commands is a session of its own. */
function refuseSession({ command, flags }: ToolWords): void {
  if (flags.has('session')) throw usage(`${command}: session keys are not played, they would end with the command`);
}

const generateSymmetric =
  (keyType: number, mechanism: number): Command =>
  async (cluster, words, { login }) => {
    refuseSession(words);
    allowFlags(words, ['label', 'key-length-bytes', 'attributes', ...guardFlags()]);
    required(words, 'label');
    const bytes = numberAt(words, 'key-length-bytes');
    const kind = { class: CKO.SECRET_KEY, keyType, label: 'label', attributes: 'attributes' };
    const template = [...templateOf(words, kind), ulongAttribute(CKA.VALUE_LEN, bytes)];
    return await atKeyDesk(cluster, login, async (desk) => {
      const { module, session } = desk;
      const key = await makeGuarded(desk, words, () => module.C_GenerateKey(session, { type: mechanism }, template));
      return { key: shownKey(desk, login, key) };
    });
  };

export const generateAes = generateSymmetric(CKK.AES, CKM.AES_KEY_GEN);
export const generateGenericSecret = generateSymmetric(CKK.GENERIC_SECRET, CKM.GENERIC_SECRET_KEY_GEN);

interface PairKind {
  readonly keyType: number;
  readonly mechanism: number;
  readonly flags: readonly string[];
  /** Of the public half. */
  parameters(words: ToolWords): readonly Attribute[];
}

const PRIVATE = 'private-';

const generatePair =
  ({ keyType, mechanism, flags, parameters }: PairKind): Command =>
  async (cluster, words, { login }) => {
    refuseSession(words);
    const own = ['public-label', 'private-label', 'public-attributes', 'private-attributes'];
    allowFlags(words, [...own, ...flags, ...guardFlags(PRIVATE)]);
    required(words, 'public-label');
    required(words, 'private-label');
    const half = (keyClass: number, name: string): Attribute[] =>
      templateOf(words, { class: keyClass, keyType, label: `${name}-label`, attributes: `${name}-attributes` });
    const publicTemplate = [...half(CKO.PUBLIC_KEY, 'public'), ...parameters(words)];
    const privateTemplate = half(CKO.PRIVATE_KEY, 'private');
    return await atKeyDesk(cluster, login, async (desk) => {
      const { module, session } = desk;
      const make = () => module.C_GenerateKeyPair(session, { type: mechanism }, publicTemplate, privateTemplate);
      const pair = await makeGuarded(desk, words, make, PRIVATE);
      return {
        public_key: shownKey(desk, login, pair.publicKey),
        private_key: shownKey(desk, login, pair.privateKey),
      };
    });
  };

export const generateRsaPair = generatePair({
  keyType: CKK.RSA,
  mechanism: CKM.RSA_X9_31_KEY_PAIR_GEN,
  flags: ['modulus-size-bits', 'public-exponent'],
  parameters(words) {
    const exponent = numberAt(words, 'public-exponent').toString(16);
    const bytes = Buffer.from(exponent.padStart(exponent.length + (exponent.length % 2), '0'), 'hex');
    return [
      ulongAttribute(CKA.MODULUS_BITS, numberAt(words, 'modulus-size-bits')),
      { type: CKA.PUBLIC_EXPONENT, value: new Uint8Array(bytes) },
    ];
  },
});

export const generateEcPair = generatePair({
  keyType: CKK.EC,
  mechanism: CKM.EC_KEY_PAIR_GEN,
  flags: ['curve'],
  parameters(words) {
    const name = required(words, 'curve');
    const curve = CURVES[name];
    if (curve === undefined) {
      throw usage(`${words.command}: there is no curve ${name}; there are ${Object.keys(CURVES).join(', ')}`);
    }
    return [{ type: CKA.EC_PARAMS, value: parametersOf(curve) }];
  },
});
