/** When imported material expires: `90d`, `12h`, a date with time zone, or never. KMS keeps at most 365 days and is told whole seconds. */
import type { KeyMetadata } from '@aws-sdk/client-kms';
import { KeyferryError } from '../../errors/keyferry-error.ts';

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const LONGEST_MS = 365 * 86_400_000;
/** Import tokens live so long, so an import that asked for a duration was done at most so long ago. */
const TOKEN_LIFE_MS = 86_400_000;

export type Expiry =
  | { readonly kind: 'never' }
  | { readonly kind: 'after'; readonly durationMs: number }
  | { readonly kind: 'on'; readonly date: Date };

export const EXPIRES_PATTERN =
  '^(never|[0-9]{1,5}[mhd]|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2}))$';

/** Throws `argument-invalid`. */
export function parseExpiry(text: string | undefined, nowMs = Date.now()): Expiry {
  if (text === undefined || text === '' || text === 'never') return { kind: 'never' };
  const [, count, unit = ''] = /^([0-9]{1,5})([mhd])$/.exec(text) ?? [];
  const durationMs = Number(count) * (UNIT_MS[unit] ?? Number.NaN);
  if (count !== undefined) {
    if (durationMs > 0 && durationMs <= LONGEST_MS) return { kind: 'after', durationMs };
    throw wrong(text, 'it must be more than nothing and at most 365 days');
  }
  const date = new Date(new RegExp(EXPIRES_PATTERN).test(text) ? text : Number.NaN);
  if (Number.isNaN(date.getTime())) throw wrong(text, 'write 90d, 12h, 30m, never, or 2027-01-31T00:00:00Z');
  if (date.getTime() <= nowMs) throw wrong(text, 'that is past');
  if (date.getTime() > nowMs + LONGEST_MS) throw wrong(text, 'that is more than 365 days ahead');
  return { kind: 'on', date };
}

const wrong = (text: string, why: string): KeyferryError =>
  new KeyferryError('argument-invalid', `The argument "expires" cannot be "${text}": ${why}.`);

const wholeSeconds = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);

/** null: never. */
export function expiresOn(expiry: Expiry, nowMs = Date.now()): Date | null {
  if (expiry.kind === 'never') return null;
  return wholeSeconds(expiry.kind === 'on' ? expiry.date.getTime() : nowMs + expiry.durationMs);
}

/** The expiry that a key has now, to be repeated by a re-import. null: never. */
export function currentExpiry(metadata: KeyMetadata): Date | null {
  const { ExpirationModel: model, ValidTo: end } = metadata;
  return model === 'KEY_MATERIAL_DOES_NOT_EXPIRE' || end === undefined ? null : wholeSeconds(end.getTime());
}

/** ExpirationModel is always said: its default wants a date. */
export const expiryInput = (on: Date | null) =>
  on === null
    ? ({ ExpirationModel: 'KEY_MATERIAL_DOES_NOT_EXPIRE' } as const)
    : ({ ExpirationModel: 'KEY_MATERIAL_EXPIRES', ValidTo: on } as const);

/** Does the key expire as an import of some time ago asked? Of a duration nobody knows any more when it began. */
export function isExpiryAsAsked(metadata: KeyMetadata, expiry: Expiry, nowMs = Date.now()): boolean {
  const current = currentExpiry(metadata)?.getTime() ?? null;
  if (expiry.kind === 'never' || current === null) return expiry.kind === 'never' && current === null;
  if (expiry.kind === 'on') return Math.abs(current - expiry.date.getTime()) <= 1000;
  const latest = nowMs + expiry.durationMs;
  const earliest = latest - Math.min(TOKEN_LIFE_MS, expiry.durationMs / 2);
  return current >= earliest && current <= latest + 1000;
}
