/**
 * What the vendor's documents print differs by year; each difference is a field here. 2018: the user guide of the first clients. 2019: the
 * support article on sharing keys. 2023: the last user guide that describes these tools.
 */

export interface Edition {
  /** key_mgmt_util: wrapKey and unWrapKey take `-m 4` when none is given. Later clients have no default. */
  readonly hasDefaultWrapMechanism: boolean;
  /** getAttribute: `Attributes dumped into f file`, or `Attribute size: …` and `Written to: f file`. */
  readonly attributeFile: 'dumped' | 'written';
  /** An error follows its number on the same line, or in a paragraph of its own. */
  readonly errorForm: 'same-line' | 'own-line';
  /** Session keys live on one HSM; the support article shows the status of all. */
  readonly sessionKeyStatus: 'one-node' | 'every-node';
  /** Heading of the nodes' lines after loginHSM and logoutHSM. */
  readonly loginStatusHeading: 'Cluster Error Status' | 'Cluster Status';
  /** Third line of cloudhsm_mgmt_util's warning. */
  readonly cautionSubject:
    | 'Cav server does NOT synchronize these changes with the'
    | 'AWS does NOT synchronize these changes automatically with the';
  /** findAllKeys marks owned and shared keys. */
  readonly marksOwnership: boolean;
  /** There is a command enable_e2e; later the encryption is always on. */
  readonly hasEnableE2e: boolean;
  /** registerMofnPubKey, which takes the private key too; later there is registerQuorumPubKey alone. */
  readonly hasRegisterMofnPubKey: boolean;
}

const CAV = 'Cav server does NOT synchronize these changes with the';

export const EDITIONS = {
  '2018': {
    hasDefaultWrapMechanism: true,
    attributeFile: 'dumped',
    errorForm: 'same-line',
    sessionKeyStatus: 'one-node',
    loginStatusHeading: 'Cluster Error Status',
    cautionSubject: CAV,
    marksOwnership: false,
    hasEnableE2e: true,
    hasRegisterMofnPubKey: true,
  },
  '2019': {
    hasDefaultWrapMechanism: true,
    attributeFile: 'dumped',
    errorForm: 'own-line',
    sessionKeyStatus: 'every-node',
    loginStatusHeading: 'Cluster Error Status',
    cautionSubject: CAV,
    marksOwnership: false,
    hasEnableE2e: true,
    hasRegisterMofnPubKey: true,
  },
  '2023': {
    hasDefaultWrapMechanism: false,
    attributeFile: 'written',
    errorForm: 'same-line',
    sessionKeyStatus: 'one-node',
    loginStatusHeading: 'Cluster Status',
    cautionSubject: 'AWS does NOT synchronize these changes automatically with the',
    marksOwnership: true,
    hasEnableE2e: false,
    hasRegisterMofnPubKey: false,
  },
} as const satisfies Readonly<Record<string, Edition>>;

export type EditionName = keyof typeof EDITIONS;
