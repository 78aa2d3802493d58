/** Object ids: 16 bits, four hex digits in locators, `0x0100` for people as Yubico's tools print them. */
import { isReservedId } from '../wire/object-types.ts';

export const idHex = (id: number): string => id.toString(16).padStart(4, '0');
export const idText = (id: number): string => `0x${idHex(id)}`;

/** undefined: not one that an object can have: more than two bytes, 0x0000 or 0xffff. */
export function objectIdOf(hex: string): number | undefined {
  if (!/^[0-9a-f]{2,4}$/i.test(hex)) return undefined;
  const id = Number.parseInt(hex, 16);
  return isReservedId(id) ? undefined : id;
}
