/** genRSAKeyPair, genECCKeyPair and listECCCurveIds. Label and ID go on both halves; sharing, approvals and -nex touch the private one only. */
import { boolAttribute, ulongAttribute } from '../../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKK, CKM, CKO } from '../../../adapters/pkcs11/constants.ts';
import type { Attribute } from '../../../adapters/pkcs11/cryptoki.ts';
import { parametersOf } from '../../../keys/curve.ts';
import { Misuse } from '../../command.ts';
import { checkCreation, create, OWNED_FLAGS, settleCreation } from '../creation.ts';
import { isCurveNumber, NUMBERED_CURVES } from '../curves.ts';
import { type Flags, type FlagTable, flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';
import type { KmuSession } from '../kmu-session.ts';
import { RETURN } from '../return-codes.ts';
import { keyTemplate } from '../templates.ts';

const CALL = 'Cfm3GenerateKeyPair';

const NAMING: FlagTable = { l: flag.text.required('label'), nex: flag.switch, ...OWNED_FLAGS };

interface PairKind {
  readonly keyType: number;
  /** CKM_… */
  readonly mechanism: number;
  /** Of the public half. */
  readonly parameters: readonly Attribute[];
}

async function generatePair(k: KmuSession, flags: Flags, { keyType, mechanism, parameters }: PairKind): Promise<void> {
  const make = () =>
    k.module.C_GenerateKeyPair(
      k.loggedIn.session,
      { type: mechanism },
      [...keyTemplate({ class: CKO.PUBLIC_KEY, keyType }, flags), ...parameters, boolAttribute(CKA.PRIVATE, true)],
      keyTemplate({ class: CKO.PRIVATE_KEY, keyType }, flags),
    );
  const { publicKey, privateKey } = await create(k, flags, { call: CALL, make });
  k.returned(CALL);
  k.paragraph(
    `${CALL}:    public key handle: ${k.handleOf(publicKey)}    private key handle: ${k.handleOf(privateKey)}`,
  );
  await settleCreation(k, flags, privateKey);
}

export const genRsaKeyPair = kmuCommand({
  name: 'genRSAKeyPair',
  summary: 'generate an RSA key pair',
  flags: {
    m: flag.number.required('modulus bits, 2048 or more'),
    e: flag.number.required('public exponent, odd, 65537 or more'),
    ...NAMING,
  },
  async run(k, flags) {
    checkCreation(k, flags);
    const bits = flags.neededNumber('m');
    const exponent = flags.neededNumber('e');
    if (bits < 2048 || bits > 4096 || bits % 256 !== 0) throw new Misuse(`-m ${bits}: 2048 to 4096, in steps of 256.`);
    if (exponent < 65_537 || exponent % 2 === 0 || exponent > 0xffff_ffff)
      throw new Misuse(`-e ${exponent}: an odd number, 65537 or more.`);
    const exponentBytes = Buffer.from(exponent.toString(16).padStart(exponent > 0xff_ffff ? 8 : 6, '0'), 'hex');
    await generatePair(k, flags, {
      keyType: CKK.RSA,
      mechanism: CKM.RSA_X9_31_KEY_PAIR_GEN,
      parameters: [
        ulongAttribute(CKA.MODULUS_BITS, bits),
        { type: CKA.PUBLIC_EXPONENT, value: new Uint8Array(exponentBytes) },
      ],
    });
  },
});

export const genEccKeyPair = kmuCommand({
  name: 'genECCKeyPair',
  summary: 'generate an elliptic curve key pair',
  flags: { i: flag.number.required('curve: 2 P-256, 14 P-384, 16 secp256k1'), ...NAMING },
  async run(k, flags) {
    checkCreation(k, flags);
    const number = flags.neededNumber('i');
    if (!isCurveNumber(number)) throw new Misuse(`-i ${number}: there is no such curve; see listECCCurveIds.`);
    const numbered = NUMBERED_CURVES.find((each) => each.number === number);
    if (numbered === undefined) {
      k.refused(CALL, { code: RETURN.policy });
      // As documented for a curve that FIPS mode forbids: one HSM, and a text that says nothing of the curve.
      k.refusedStatus(RETURN.nodeUnavailable);
      k.terminal.note('No HSM is down: this is what the tool shows for a curve that HSMs in FIPS mode refuse.');
      return;
    }
    await generatePair(k, flags, {
      keyType: CKK.EC,
      mechanism: CKM.EC_KEY_PAIR_GEN,
      parameters: [{ type: CKA.EC_PARAMS, value: parametersOf(numbered.curve) }],
    });
  },
});

export const listEccCurveIds = kmuCommand({
  name: 'listECCCurveIds',
  summary: 'list the curves and their numbers',
  flags: {},
  run(k) {
    k.margin(
      'Description',
      '===========',
      'The following are HSM supported ECC CurveIds',
      ...NUMBERED_CURVES.map(({ name, number }) => `      ${name.padEnd(31)} = ${number}`),
    );
  },
});
