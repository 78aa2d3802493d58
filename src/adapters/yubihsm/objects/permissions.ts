/**
 * Why the device would refuse, found before it is asked, with the name of the capability, domain or firmware that is lacking (Yubico,
 * "Capability", "Domain", "Delegated capabilities"). The device itself decides; this is for people.
 */
import { algorithmName } from '../wire/algorithms.ts';
import {
  type CapabilityName,
  capabilitiesBeyond,
  capabilityMask,
  capabilityNames,
  hasCapability,
} from '../wire/capabilities.ts';
import { COMMAND, type CommandName } from '../wire/command-codes.ts';
import { domainsText, objectTypeName } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { type Asked, labelProblem } from './asked.ts';
import { idText } from './object-id.ts';

const session = (hsm: YubiHsm): string => `the authentication key ${idText(hsm.authority.keyId)} of ${hsm.name}`;

/** Capabilities that came with a firmware: of an older one the firmware is what is lacking, and says so elsewhere. */
const SINCE: readonly { readonly minor: number; readonly mask: bigint }[] = [
  {
    minor: 3,
    mask: capabilityMask([
      'put-symmetric-key',
      'generate-symmetric-key',
      'delete-symmetric-key',
      'decrypt-ecb',
      'encrypt-ecb',
      'decrypt-cbc',
      'encrypt-cbc',
    ]),
  },
  { minor: 4, mask: capabilityMask(['put-public-wrap-key', 'delete-public-wrap-key']) },
];

const unknownTo = (hsm: YubiHsm): bigint =>
  SINCE.reduce((all, { minor, mask }) => (hsm.isFirmwareAtLeast(2, minor) ? all : all | mask), 0n);

/** null: the session may send such a command. */
export function sessionLacks(hsm: YubiHsm, ...names: readonly CapabilityName[]): string | null {
  const has = hsm.authority.capabilities | unknownTo(hsm);
  const lacking = names.filter((name) => !hasCapability(has, name));
  return lacking.length === 0 ? null : `${session(hsm)} lacks ${lacking.join(', ')}`;
}

/** null: the firmware has it. `instead`: a route that would work. */
export function firmwareLacks(
  hsm: YubiHsm,
  [major, minor]: readonly [number, number],
  what: string,
  instead = '',
): string | null {
  if (hsm.isFirmwareAtLeast(major, minor)) return null;
  return `firmware ${hsm.firmware} of ${hsm.name} has no ${what} (${major}.${minor} has)${instead === '' ? '' : `: ${instead}`}`;
}

const names = (mask: bigint): string => capabilityNames(mask).join(', ');

/** Everything about a new object that the session's rights or the firmware do not allow. */
export function askedProblems(hsm: YubiHsm, asked: Asked): readonly string[] {
  const { authority } = hsm;
  const problems: string[] = [];
  const label = labelProblem(asked.label);
  if (label !== null) problems.push(label);
  if (!hsm.hasAlgorithm(asked.algorithm)) {
    problems.push(
      `firmware ${hsm.firmware} of ${hsm.name} does not have the algorithm ${algorithmName(asked.algorithm)}`,
    );
  }
  if (asked.domains === 0) problems.push('an object needs a domain, or nobody can use it');
  const domains = asked.domains & ~authority.domains;
  if (domains !== 0) problems.push(`${session(hsm)} is not in domain ${domainsText(domains)}`);
  const may = authority.delegated | unknownTo(hsm);
  const rights = capabilitiesBeyond(asked.capabilities, may);
  if (rights !== 0n)
    problems.push(`${session(hsm)} may not give ${names(rights)} (its delegated capabilities lack it)`);
  const handed = capabilitiesBeyond(asked.delegated ?? 0n, may);
  if (handed !== 0n) problems.push(`${session(hsm)} may not delegate ${names(handed)}`);
  return problems;
}

/** null: free. */
export async function idTaken(hsm: YubiHsm, type: number, id: number | undefined): Promise<string | null> {
  const there = id === undefined ? null : await hsm.info({ id, type });
  return there === null ? null : `${objectTypeName(type)} ${idText(there.id)} is on ${hsm.name} already`;
}

/** Commands that make, move or destroy something. */
export const EVIDENCE_COMMANDS = [
  'generate-asymmetric-key',
  'generate-hmac-key',
  'generate-symmetric-key',
  'generate-wrap-key',
  'put-opaque',
  'put-public-wrap-key',
  'put-symmetric-key',
  'put-wrap-key',
  'export-wrapped',
  'import-wrapped',
  'export-rsa-wrapped',
  'import-rsa-wrapped',
  'get-rsa-wrapped-key',
  'put-rsa-wrapped-key',
  'delete-object',
] as const satisfies readonly CommandName[];

/** Entries that one step writes besides its own: the session's, and looking. */
const LOG_MARGIN = 4;

/** With force-audit a full log stops everything. null: it does not, or the session may not ask. */
export async function logProblem(hsm: YubiHsm, calls: number): Promise<string | null> {
  const { logUsed, logTotal } = await hsm.deviceInfo();
  const free = logTotal - logUsed;
  if (free >= calls + LOG_MARGIN || (await hsm.forceAudit()) !== true) return null;
  const audited = await hsm.auditedCommands();
  if (audited !== null && !EVIDENCE_COMMANDS.some((name) => audited.has(COMMAND[name]))) return null;
  return (
    `the audit log of ${hsm.name} has room for ${free} more of ${logTotal} entries, and force-audit is on: ` +
    'keep what it holds (read-log) and free it (acknowledge-log) before this step'
  );
}
