/**
 * The border between keyferry's values and CEL's: integer ↔ BigInt within the safe range, Uint8Array as it is. What is neither data
 * nor text (a key's reference in a list, say) crosses as an Opaque, on which CEL has no operation, and comes back as it went.
 */

export class Opaque {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** Thrown for values that CEL cannot give back; the expression turns it into an error with a place. */
export class BorderError extends Error {}

export function toCel(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isSafeInteger(value) ? BigInt(value) : value;
    case 'string':
    case 'boolean':
    case 'bigint':
      return value;
    case 'object':
      if (value === null || value instanceof Uint8Array) return value;
      if (Array.isArray(value)) return value.map(toCel);
      if (Object.getPrototypeOf(value) === Object.prototype && !('kind' in value)) {
        return new Map(Object.entries(value).map(([key, item]) => [key, toCel(item)]));
      }
      return new Opaque(value);
    default:
      return new Opaque(value);
  }
}

export function fromCel(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new BorderError('the whole number is too large to be held exactly');
    return number;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw new BorderError('the number is not finite');
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value;
  if (value instanceof Opaque) return value.value;
  if (Array.isArray(value)) return value.map(fromCel);
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), fromCel(item)]));
  if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromCel(item)]));
  }
  throw new BorderError('the expression gives something that no argument takes');
}
