/**
 * Numbers that key_mgmt_util prints, as far as a document has them (AWS CloudHSM user guide, support article on sharing keys, issue 20 of
 * the guide's repository). Everything else that an HSM refuses has no number here: none is made up. Not to be taken for CKR_… values.
 */

export const RETURN_TEXTS: ReadonlyMap<number, string> = new Map([
  [0x00, 'HSM Return: SUCCESS'],
  [0x1b, 'CSP Error: ERR_BAD_PKCS_DATA'],
  [0xa8, 'HSM Error: Invalid object handle is passed to this operation'],
  [0xb3, 'HSM Error: This operation violates the current configured/FIPS policies'],
  [0xc6, 'HSM Error: Key Access is denied'],
  [0xce, "HSM Error: This user doesn't exist"],
  [0xdb, 'HSM Error: Invalid User Type.'],
  [0x30000085, 'HSM CLUSTER ERROR: Server in cluster is unavailable'],
]);

export const RETURN = {
  badSignature: 0x1b,
  invalidHandle: 0xa8,
  policy: 0xb3,
  accessDenied: 0xc6,
  noSuchUser: 0xce,
  wrongUserType: 0xdb,
  nodeUnavailable: 0x30000085,
} as const;

/** `0x000000a8`, as in a node's line. */
export const errState = (code: number): string => `0x${code.toString(16).padStart(8, '0')}`;
