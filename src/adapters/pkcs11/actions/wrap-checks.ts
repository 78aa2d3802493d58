/**
 * May this key be wrapped under that one with this mechanism, and what must come out? Asked before a device is, for modules exist that
 * wrap a key that is not extractable without complaint.
 */
import type { ErrorCode } from '../../../errors/codes.ts';
import { oaepCapacity } from '../../../keys/mechanisms.ts';
import type { KeyFacts } from '../key-facts.ts';
import { whyNotExportable } from '../key-record.ts';
import { inWords } from '../locate.ts';
import { payloadSize } from '../payload-size.ts';
import { privateKeyVerdict } from '../private-key-probe.ts';
import type { Token } from '../token.ts';
import type { ResolvedWrap } from '../wrap-probe.ts';

export interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
}

/** Why the mechanism is not offered, and what is. */
export function whyMissing(token: Token, name: string): string {
  const others = [...token.wrap.keys()];
  const known = others.length === 0 ? 'nor with any mechanism that keyferry knows' : `but with ${others.join(', ')}`;
  const parts = name.startsWith('rsa-aes-kwp-') ? [name.replace('aes-kwp', 'oaep'), 'aes-kwp'] : [];
  const lacking = parts.filter((part) => !token.wrap.has(part));
  const why =
    lacking.length === 0 ? '' : ` (it cannot do so in one call, and to compose it lacks ${lacking.join(' and ')})`;
  return `${token.name} cannot wrap keys with ${name}${why}, ${known}`;
}

/** `wrapping` null: the wrapping key is yet to be made, by the same playbook. */
export function wrapRefusal(
  token: Token,
  wrap: ResolvedWrap,
  payload: KeyFacts,
  wrapping: KeyFacts | null,
): Refusal | null {
  return (
    mayNotLeave(token, payload, wrapping) ??
    (wrapping === null ? null : misfit(wrap, wrapping)) ??
    doesNotFit(wrap, payload, wrapping)
  );
}

function mayNotLeave(token: Token, payload: KeyFacts, wrapping: KeyFacts | null): Refusal | null {
  if (payload.attributes.wrapWithTrusted === true) {
    const isTrusted = wrapping?.attributes.trusted === true;
    return isTrusted ? null : { code: 'key-not-permitted', reason: 'it may be wrapped by a trusted wrapping key only' };
  }
  const reason = whyNotExportable(token, payload);
  return reason === null ? null : { code: 'key-not-extractable', reason };
}

/** What a throw-away private key showed; of other keys nothing is asked. */
export async function privateKeyRefusal(token: Token, wrap: ResolvedWrap, payload: KeyFacts): Promise<Refusal | null> {
  if (payload.class !== 'private') return null;
  const verdict = await privateKeyVerdict(token, wrap);
  if (verdict === 'refuses') {
    return { code: 'key-not-extractable', reason: `${token.name} does not wrap private keys with ${wrap.name}` };
  }
  if (verdict === 'other-format') {
    const reason = `${token.name} wraps private keys with ${wrap.name} in a form that is not PKCS#8, which nothing else could open`;
    return { code: 'mechanism-invalid', reason };
  }
  return null;
}

/** What a throw-away private key showed that is no refusal; null: nothing, or it is no private key. */
export async function privateKeyNote(token: Token, wrap: ResolvedWrap, payload: KeyFacts): Promise<string | null> {
  if (payload.class !== 'private' || (await privateKeyVerdict(token, wrap)) !== 'padded') return null;
  return `${token.name} adds zero bytes to a private key whose length is no multiple of 8; a device that reads PKCS#8 strictly refuses it`;
}

/** Under a wrapping key that is not known yet only what fits under none is refused. */
const LONGEST_MODULUS_BITS = 8192;

function doesNotFit(wrap: ResolvedWrap, payload: KeyFacts, wrapping: KeyFacts | null): Refusal | null {
  const bytes = payloadSize(payload)?.usual ?? 0;
  if (wrap.kind === 'rsa-oaep') {
    const capacity = oaepCapacity(wrapping?.bits || LONGEST_MODULUS_BITS, wrap.hash ?? 'sha1');
    if (bytes <= capacity) return null;
    const hybrid = payload.class === 'private' ? `; rsa-aes-kwp-${wrap.hash} takes any length` : '';
    return {
      code: 'device-refused',
      reason: `its ${about(payload, bytes)} do not fit: ${wrap.name} takes at most ${capacity}${hybrid}`,
    };
  }
  if (wrap.kind === 'aes-kw' && bytes % 8 !== 0) {
    return {
      code: 'device-refused',
      reason: `its ${about(payload, bytes)} are no multiple of 8, which ${wrap.name} needs`,
    };
  }
  return null;
}

/** PKCS#8 has no fixed length. */
const about = (payload: KeyFacts, bytes: number): string =>
  payload.class === 'private' ? `about ${bytes} bytes (PKCS#8)` : `${bytes} bytes`;

function misfit(wrap: ResolvedWrap, wrapping: KeyFacts): Refusal | null {
  const isRsa = wrap.kind === 'rsa-oaep' || wrap.kind === 'rsa-aes-kwp';
  const isFitting = isRsa
    ? wrapping.class === 'public' && wrapping.type === 'rsa'
    : wrapping.class === 'secret' && wrapping.type === 'aes';
  if (!isFitting)
    return {
      code: 'argument-invalid',
      reason: `${wrap.name} cannot use the ${inWords(wrapping)} (${wrapping.type}) as wrapping key`,
    };
  if (wrapping.attributes.wrap !== true)
    return { code: 'key-not-permitted', reason: `the ${inWords(wrapping)} may not wrap (WRAP is false)` };
  return null;
}

/** Lengths that the mechanism can give, as text where one of them must be; null: the result is one of them, or nothing is known. */
export function wrongLength(
  wrap: ResolvedWrap,
  payload: KeyFacts,
  wrapping: KeyFacts,
  bytes: Uint8Array,
): string | null {
  const isRsa = wrap.kind === 'rsa-oaep' || wrap.kind === 'rsa-aes-kwp';
  if (isRsa && wrapping.bits === 0) return null;
  const modulus = Math.ceil(wrapping.bits / 8);
  if (wrap.kind === 'rsa-oaep') return bytes.length === modulus ? null : `${modulus}`;
  const head = wrap.kind === 'rsa-aes-kwp' ? modulus : 0;
  const size = payloadSize(payload) ?? { least: 1, most: Number.MAX_SAFE_INTEGER };
  const least = head + keyWrapLength(wrap, size.least);
  const most = head + keyWrapLength(wrap, size.most);
  if (bytes.length >= least && bytes.length <= most && (bytes.length - head) % 8 === 0) return null;
  if (least === most) return `${least}`;
  return payloadSize(payload) === null ? `${least} or more, in steps of 8` : `${least} to ${most}, in steps of 8`;
}

function keyWrapLength({ kind }: ResolvedWrap, bytes: number): number {
  if (kind === 'aes-kw') return bytes + 8;
  return kind === 'aes-kw-pkcs5' ? 8 * (Math.floor(bytes / 8) + 1) + 8 : Math.ceil(bytes / 8) * 8 + 8;
}
