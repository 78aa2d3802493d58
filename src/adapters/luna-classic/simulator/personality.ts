/** A Luna 5 partition, or an HA group of partitions, as a simulated PKCS#11 device. What is not known of Luna is plain PKCS#11. */
import { CKA, CKF_MECHANISM, CKM, CKO } from '../../pkcs11/constants.ts';
import type { PersonalityOptions } from '../../pkcs11/simulated-driver.ts';
import { GENERIC_MECHANISMS, type MechanismRow } from '../../pkcs11/simulator/mechanism-table.ts';
import { GENERIC_PERSONALITY, type Personality, type TokenPersonality } from '../../pkcs11/simulator/personality.ts';
import { LUNA_CKM } from '../profile.ts';

const AES_WRAP = { minKeySize: 16, maxKeySize: 32, flags: CKF_MECHANISM.WRAP | CKF_MECHANISM.UNWRAP } as const;

/** Not on these devices: the standard's key wrap numbers (the vendor has its own) and AES-CBC-PAD as a wrap format of ours. */
const ABSENT: ReadonlySet<number> = new Set([
  CKM.AES_KEY_WRAP,
  CKM.AES_KEY_WRAP_PAD,
  CKM.AES_KEY_WRAP_KWP,
  CKM.RSA_AES_KEY_WRAP,
]);

const withoutHashes = ({ oaep: _, ...row }: MechanismRow): MechanismRow => row;

const MECHANISMS: readonly MechanismRow[] = [
  // SHA-1 with MGF1-SHA-1 only: the simulator's default where a row names no hashes.
  ...GENERIC_MECHANISMS.filter(({ type }) => !ABSENT.has(type)).map((row) =>
    row.type === CKM.RSA_PKCS_OAEP ? withoutHashes(row) : row,
  ),
  { type: LUNA_CKM.AES_KW, operation: 'aes-kw', ...AES_WRAP, valueLenOnUnwrap: 'required' },
  { type: LUNA_CKM.AES_KWP, operation: 'aes-kwp', ...AES_WRAP },
];

export const LUNA_CLASSIC_PIN = 'classic-partition-pin';
/** Cryptoki has no field for it: this tells the slot of a group from those of partitions. */
export const LUNA_HA_MODEL = 'Luna HA group (simulated)';
const DEFAULT_LABEL = 'classic-partition';

/** `members`: 2 or more make an HA group of so many partitions, in the last slot. */
export function lunaClassicPersonality(options: PersonalityOptions & { readonly members: number }): Personality {
  const label = options.label ?? DEFAULT_LABEL;
  const partition = (slot: number, name: string, serial: string): TokenPersonality => ({
    slot,
    label: name,
    serial,
    manufacturer: 'keyferry simulator',
    model: 'Luna K6 (simulated)',
    firmware: '6.2',
    hardware: false,
    userPin: options.pin ?? LUNA_CLASSIC_PIN,
    officerPin: null,
    maxFailedLogins: 10,
    maxSessions: 0,
  });
  return {
    ...GENERIC_PERSONALITY,
    name: 'luna-classic',
    tokens:
      options.members < 2
        ? [partition(0, label, options.serial)]
        : haGroup(options.members, label, options.serial, partition),
    mechanisms: MECHANISMS,
    defaults: [
      ...GENERIC_PERSONALITY.defaults,
      // A public key that was imported may not wrap until somebody lets it.
      { class: CKO.PUBLIC_KEY, way: 'create', attributes: { [CKA.WRAP]: false } },
    ],
    privateKeysWrappable: false,
    createClasses: [CKO.PUBLIC_KEY, CKO.SECRET_KEY],
    defects: options.defects,
  };
}

function haGroup(
  members: number,
  label: string,
  serial: string,
  partition: (slot: number, name: string, serial: string) => TokenPersonality,
): TokenPersonality[] {
  const partitions = Array.from({ length: members }, (_, index) =>
    partition(index, `${label}-${index + 1}`, `${serial}-${index + 1}`),
  );
  const group = partition(members, label, serial);
  return [...partitions, { ...group, model: LUNA_HA_MODEL, members: partitions.map((each) => each.serial) }];
}
