/**
 * How keys leave and arrive, by firmware, and why one may not leave under a wrap key: the rules of Yubico's "Wrap keys" and "Delegated
 * capabilities", each with the name of what is lacking. `key`: key material alone, which anybody opens; `object`: with its name and
 * rights, for a YubiHSM only.
 */
import type { ErrorCode } from '../../../errors/codes.ts';
import type { OaepChoice } from '../commands/rsa-wrap-parameters.ts';
import { ALGORITHM, isRsa } from '../wire/algorithms.ts';
import { capabilitiesBeyond, capabilityNames, hasCapability } from '../wire/capabilities.ts';
import { digestOfLabel } from '../wire/oaep.ts';
import type { ObjectInfo } from '../wire/object-info.ts';
import { domainsText, OBJECT_TYPE } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { objectInWords } from './key-model.ts';
import { firmwareLacks, sessionLacks } from './permissions.ts';

export interface WrapRoute {
  readonly carries: 'key' | 'object';
  /** null: AES-CCM. */
  readonly oaep: OaepChoice | null;
}

const oaep = (hash: 'sha1' | 'sha256'): OaepChoice => ({
  oaepAlgorithm: ALGORITHM[`rsa-oaep-${hash}`],
  mgf1Algorithm: ALGORITHM[`mgf1-${hash}`],
  // Of the empty label, which is the one that everybody else uses.
  labelDigest: digestOfLabel(hash),
});

const ROUTES = {
  'rsa-aes-kwp-sha1': { carries: 'key', oaep: oaep('sha1') },
  'rsa-aes-kwp-sha256': { carries: 'key', oaep: oaep('sha256') },
  'aes-ccm-yubihsm': { carries: 'object', oaep: null },
  'rsa-aes-kwp-yubihsm': { carries: 'object', oaep: oaep('sha256') },
} as const satisfies Record<string, WrapRoute>;

export const ROUTE_NAMES = Object.keys(ROUTES) as readonly (keyof typeof ROUTES)[];

export const routeOf = (mechanism: string): WrapRoute | undefined =>
  Object.hasOwn(ROUTES, mechanism) ? ROUTES[mechanism as keyof typeof ROUTES] : undefined;

/** Mechanisms that the firmware has. */
export const routesOn = (hsm: YubiHsm): readonly string[] =>
  ROUTE_NAMES.filter((name) => {
    const { oaep: parameters } = ROUTES[name];
    return (
      parameters === null ||
      (hsm.isFirmwareAtLeast(2, 4) &&
        hsm.hasAlgorithm(parameters.oaepAlgorithm) &&
        hsm.hasAlgorithm(parameters.mgf1Algorithm))
    );
  });

const NO_RSA_EXPORT = 'use the AES-CCM backup route (export-wrapped) to a YubiHSM with 2.4, and go on from there';

/** Why the mechanism is not offered; null: it is. */
export function routeProblem(hsm: YubiHsm, mechanism: string, verb: 'wrap' | 'unwrap'): string | null {
  const route = routeOf(mechanism);
  if (route !== undefined && routesOn(hsm).includes(mechanism)) return null;
  const known = `${hsm.name} cannot ${verb} keys with ${mechanism}, but with ${routesOn(hsm).join(', ')}`;
  return route?.oaep == null ? known : (firmwareLacks(hsm, [2, 4], 'RSA wrap', NO_RSA_EXPORT) ?? known);
}

export interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
}

const refusal = (code: ErrorCode, reason: string): Refusal => ({ code, reason });

/** The kinds of objects whose material leaves alone. */
const LEAVES_AS_KEY: readonly number[] = [OBJECT_TYPE['asymmetric-key'], OBJECT_TYPE['symmetric-key']];

/** Every reason, whatever wrap key it is to leave under. `whyNot`: as the inventory says it. */
export function mayLeave(
  hsm: YubiHsm,
  payload: ObjectInfo,
  route: WrapRoute,
  whyNot: string | null,
): readonly Refusal[] {
  const found: Refusal[] = [];
  if (whyNot !== null) found.push(refusal('key-not-extractable', whyNot));
  if (route.carries === 'key' && !LEAVES_AS_KEY.includes(payload.type)) {
    const only = 'only asymmetric and symmetric keys leave as key material; whole objects leave for another YubiHSM';
    found.push(refusal('capability-missing', `the ${objectInWords(payload)} does not: ${only}`));
  }
  const session = sessionLacks(hsm, 'export-wrapped');
  if (session !== null) found.push(refusal('key-not-permitted', session));
  return found;
}

const misfit = (wrapping: ObjectInfo, route: WrapRoute): string | null => {
  const wanted = route.oaep === null ? 'an AES wrap key' : 'a public wrap key';
  const fits =
    route.oaep === null
      ? wrapping.type === OBJECT_TYPE['wrap-key'] && !isRsa(wrapping.algorithm)
      : wrapping.type === OBJECT_TYPE['public-wrap-key'];
  return fits ? null : `the ${objectInWords(wrapping)} is not ${wanted}, which this mechanism needs`;
};

/** Every reason that lies in the two together. */
export function mayWrap(payload: ObjectInfo, wrapping: ObjectInfo, route: WrapRoute): readonly Refusal[] {
  const wrong = misfit(wrapping, route);
  if (wrong !== null) return [refusal('argument-invalid', wrong)];
  const under = `the ${objectInWords(wrapping)}`;
  const found: Refusal[] = [];
  if (!hasCapability(wrapping.capabilities, 'export-wrapped')) {
    found.push(refusal('key-not-permitted', `${under} lacks export-wrapped`));
  }
  const beyond = capabilitiesBeyond(payload.capabilities, wrapping.delegatedCapabilities);
  if (beyond !== 0n) {
    const names = capabilityNames(beyond).join(', ');
    found.push(
      refusal('key-not-permitted', `${under} does not delegate ${names}, which the ${objectInWords(payload)} has`),
    );
  }
  if ((payload.domains & wrapping.domains) === 0) {
    const text = `${under} is in domain ${domainsText(wrapping.domains)}, the ${objectInWords(payload)} in ${domainsText(payload.domains)}`;
    found.push(refusal('key-not-permitted', `${text}: they share none`));
  }
  return found;
}

/** Every reason that the unwrapping key has. `arriving`: what the new object is to be able to do, where that is known. */
export function mayUnwrap(
  hsm: YubiHsm,
  unwrapping: ObjectInfo,
  route: WrapRoute,
  arriving: bigint | null,
): readonly Refusal[] {
  const isRsaWanted = route.oaep !== null;
  if (unwrapping.type !== OBJECT_TYPE['wrap-key'] || isRsa(unwrapping.algorithm) !== isRsaWanted) {
    const wanted = isRsaWanted ? 'an RSA wrap key' : 'an AES wrap key';
    const reason = `the ${objectInWords(unwrapping)} is not ${wanted}, which this mechanism needs`;
    return [refusal('argument-invalid', reason)];
  }
  const found: Refusal[] = [];
  if (!hasCapability(unwrapping.capabilities, 'import-wrapped')) {
    found.push(refusal('key-not-permitted', `the ${objectInWords(unwrapping)} lacks import-wrapped`));
  }
  const session = sessionLacks(hsm, 'import-wrapped');
  if (session !== null) found.push(refusal('key-not-permitted', session));
  const beyond = capabilitiesBeyond(arriving ?? 0n, unwrapping.delegatedCapabilities);
  if (beyond !== 0n) {
    const names = capabilityNames(beyond).join(', ');
    found.push(refusal('key-not-permitted', `the ${objectInWords(unwrapping)} does not delegate ${names}`));
  }
  return found;
}
