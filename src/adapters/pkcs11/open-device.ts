/**
 * Opens a token of a PKCS#11 module as a Device: finds its slot, logs in once, finds out what it can do. The same code for a vendor's
 * module and for a simulated one; the module is initialised already and stays its loader's to finalise.
 */
import { FINGERPRINT_METHODS } from '../../keys/fingerprint.ts';
import type { KeyType } from '../../keys/key-spec.ts';
import type { Secret } from '../../keys/secret.ts';
import type { Capabilities, Device, DeviceDescription, Trust } from '../adapter.ts';
import { KEY_GENERATION } from './actions/generate-key.ts';
import { asKeyferryError } from './ckr-errors.ts';
import { CKF, CKM } from './constants.ts';
import { type Cryptoki, CryptokiError, type Handle, type TokenInfo } from './cryptoki.ts';
import { Pkcs11Device } from './device.ts';
import { fingerprintMethods } from './fingerprints.ts';
import type { LoginGuard } from './login-guard.ts';
import type { CapabilityOverrides, Pkcs11Profile } from './profile.ts';
import { findSessionKeyWay } from './session-keys.ts';
import { SessionPool } from './session-pool.ts';
import { selectToken, type TokenSelector } from './slot.ts';
import { Token } from './token.ts';
import { type ResolvedWrap, resolveWrapMechanisms } from './wrap-probe.ts';

export interface OpenPkcs11Options {
  readonly name: string;
  readonly adapter: string;
  readonly driver: string;
  /** Initialised. */
  readonly module: Cryptoki;
  readonly profile: Pkcs11Profile;
  readonly selector: TokenSelector;
  /** Asked once the token has been found. */
  readonly pin: () => Promise<Secret>;
  /** Sessions that may work at once. */
  readonly sessions: number;
  /** `probe`: hardware when the slot says so, else software. */
  readonly trust: 'simulated' | 'probe';
  readonly capabilities?: CapabilityOverrides;
  readonly login: LoginGuard;
  /** After the sessions are closed: ends a module that belongs to this device alone. */
  readonly onClose?: () => Promise<void>;
}

/** Rejects with `token-not-found`, `token-ambiguous`, the login's errors, or `device-lost`. */
export async function openPkcs11Device(options: OpenPkcs11Options): Promise<Device> {
  const { name, module } = options;
  const info = selectToken(name, module, options.selector);
  const opened: Handle[] = [];
  const openSession = (): Handle => {
    const session = module.C_OpenSession(info.slot);
    opened.push(session);
    return session;
  };
  try {
    const lookups = openSession();
    if ((info.flags & CKF.LOGIN_REQUIRED) !== 0) await options.login.login(module, lookups, info, await options.pin());
    const token = makeToken(options, info, lookups, openSession);
    await resolveWrapMechanisms(token);
    narrowWrapping(token, options.capabilities ?? {});
    if (token.isProbing) token.sessionKeyWay = await findSessionKeyWay(token);
    return new Pkcs11Device({
      token,
      description: describe(options, token),
      keyLimit: options.capabilities?.keyLimit ?? options.profile.keyLimit,
      close: async () => {
        closeSessions(module, opened);
        await options.onClose?.();
      },
    });
  } catch (error) {
    closeSessions(module, opened);
    throw asKeyferryError(error, { device: name, operation: `open the token "${info.label}"`, effect: 'reading' });
  }
}

function makeToken(options: OpenPkcs11Options, info: TokenInfo, lookups: Handle, open: () => Handle): Token {
  const { name, module, profile, capabilities = {} } = options;
  // One session is for the quick calls.
  const sessions = info.maxSessions === 0 ? options.sessions : Math.min(options.sessions, info.maxSessions - 1);
  return new Token({
    name,
    module,
    info,
    profile,
    pool: new SessionPool(open, sessions),
    lookups,
    mechanisms: new Set(module.C_GetMechanismList(info.slot)),
    uniqueIds: capabilities.uniqueIds ?? profile.uniqueIds,
    settle: capabilities.settle ?? profile.settle,
    isProbing: capabilities.probe ?? true,
  });
}

/** What the operator says wins over what the module says, but only ever takes away. */
function narrowWrapping(token: Token, overrides: CapabilityOverrides): void {
  const narrowed = (found: ReadonlyMap<string, ResolvedWrap>, allowed: readonly string[] | undefined) =>
    new Map(
      [...found]
        .filter(([name]) => allowed?.includes(name) ?? true)
        .map(([name, wrap]): [string, ResolvedWrap] => [
          name,
          { ...wrap, valueLenOnUnwrap: overrides.valueLenOnUnwrap ?? wrap.valueLenOnUnwrap },
        ]),
    );
  token.wrap = narrowed(token.wrap, overrides.wrap);
  token.unwrap = narrowed(token.unwrap, overrides.unwrap);
}

function describe(options: OpenPkcs11Options, token: Token): DeviceDescription {
  const { info } = token;
  const trust: Trust = options.trust === 'simulated' ? 'simulated' : info.hardware ? 'hardware' : 'software';
  return {
    name: options.name,
    adapter: options.adapter,
    driver: options.driver,
    trust,
    serial: info.serial,
    label: info.label,
    manufacturer: info.manufacturer,
    model: info.model,
    firmware: info.firmware,
    capabilities: capabilitiesOf(options, token),
  };
}

function capabilitiesOf(options: OpenPkcs11Options, token: Token): Capabilities {
  const overrides = options.capabilities ?? {};
  const methods = fingerprintMethods(token);
  const generate = Object.entries(KEY_GENERATION)
    .filter(([, number]) => token.mechanisms.has(number))
    .map(([type]) => type as KeyType);
  const hasRsa = token.profile.rsaKeyPairGen.some((number) => token.mechanisms.has(number));
  const hasEc = token.mechanisms.has(CKM.EC_KEY_PAIR_GEN);
  return {
    wrap: [...token.wrap.keys()],
    unwrap: [...token.unwrap.keys()],
    generate: [...generate, ...(hasRsa ? ['rsa' as const] : []), ...(hasEc ? ['ec' as const] : [])],
    fingerprints: FINGERPRINT_METHODS.filter(
      (method) => methods.includes(method) && (overrides.fingerprints?.includes(method) ?? true),
    ),
    uniqueIds: token.uniqueIds,
    sessions: token.pool.limit,
    capacity: null,
    settle: token.settle,
    rates: { ...token.profile.rates, ...overrides.rates },
  };
}

function closeSessions(module: Cryptoki, sessions: Handle[]): void {
  for (const session of sessions.splice(0)) {
    try {
      module.C_CloseSession(session);
    } catch (error) {
      // A device that is gone has closed them already.
      if (!(error instanceof CryptokiError)) throw error;
    }
  }
}
