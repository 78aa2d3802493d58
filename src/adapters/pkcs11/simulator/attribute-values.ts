/**
 * Attribute values in the module's own form: CK_BBOOL one byte, CK_ULONG little-endian 8 bytes. A nested template (CKA_WRAP_TEMPLATE,
 * CKA_UNWRAP_TEMPLATE) is in C an array of pointers; over this port it is a run of (type u32 LE, length u32 LE, value).
 */
import type { Attribute } from '../cryptoki.ts';

export function boolValue(value: boolean): Uint8Array {
  const bytes = new Uint8Array(1);
  if (value) bytes[0] = 1;
  return bytes;
}

export function ulongValue(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  let rest = value;
  for (let i = 0; rest > 0 && i < 8; i += 1) {
    bytes[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return bytes;
}

/** Null when the bytes are not a CK_ULONG or the number is beyond what a double holds. */
export function readUlong(bytes: Uint8Array): number | null {
  if (bytes.length !== 8) return null;
  let value = 0;
  for (let i = 7; i >= 0; i -= 1) value = value * 256 + (bytes[i] ?? 0);
  return Number.isSafeInteger(value) ? value : null;
}

/** Null when the bytes are not a CK_BBOOL. */
export function readBool(bytes: Uint8Array): boolean | null {
  if (bytes.length !== 1 || (bytes[0] !== 0 && bytes[0] !== 1)) return null;
  return bytes[0] === 1;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

export function encodeTemplate(template: readonly Attribute[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { type, value } of template) {
    const head = Buffer.alloc(8);
    head.writeUInt32LE(type, 0);
    head.writeUInt32LE(value.length, 4);
    parts.push(head, value);
  }
  return Buffer.concat(parts);
}

/** Null when the bytes are not a nested template. */
export function decodeTemplate(bytes: Uint8Array): Attribute[] | null {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const template: Attribute[] = [];
  let at = 0;
  while (at < view.length) {
    if (at + 8 > view.length) return null;
    const type = view.readUInt32LE(at);
    const length = view.readUInt32LE(at + 4);
    at += 8;
    if (at + length > view.length) return null;
    template.push({ type, value: Uint8Array.prototype.slice.call(view, at, at + length) });
    at += length;
  }
  return template;
}
