/**
 * Canonical JSON, RFC 8785 (JCS): one text for one value, so that hashes of it can be compared. Numbers and strings are ECMAScript's own
 * serialisation (RFC 8785 §3.2.2), members are sorted by UTF-16 code units (§3.2.3). Only plain data is taken: `toJSON` is not called.
 */

/** Deeper than any playbook or plan; also ends the walk of a value that contains itself. */
const MAX_DEPTH = 500;

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Throws TypeError for what JSON cannot hold without loss: NaN, infinities, undefined, lone surrogates, bigints, functions, symbols,
 * and objects that are neither arrays nor plain.
 */
export function canonicalJson(value: unknown): string {
  return serialize(value, 0);
}

function serialize(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return serializeString(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`canonical JSON has no ${value}`);
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      if (depth >= MAX_DEPTH) throw new TypeError('canonical JSON: nested too deeply, or the value contains itself');
      return Array.isArray(value) ? serializeArray(value, depth) : serializeObject(value, depth);
    default:
      throw new TypeError(`canonical JSON has no ${typeof value}`);
  }
}

function serializeString(text: string): string {
  if (LONE_SURROGATE.test(text)) throw new TypeError('canonical JSON has no lone surrogates');
  return JSON.stringify(text);
}

function serializeArray(values: readonly unknown[], depth: number): string {
  let text = '[';
  // Not map: it would pass over holes, which are undefined and must be refused.
  for (let index = 0; index < values.length; index++) {
    if (index > 0) text += ',';
    text += serialize(values[index], depth + 1);
  }
  return `${text}]`;
}

function serializeObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError(`canonical JSON has no ${value.constructor?.name ?? 'such object'}`);
  }
  let text = '{';
  // The default sort compares UTF-16 code units, as §3.2.3 asks.
  for (const name of Object.keys(value).sort()) {
    if (text.length > 1) text += ',';
    text += `${serializeString(name)}:${serialize((value as Record<string, unknown>)[name], depth + 1)}`;
  }
  return `${text}}`;
}
