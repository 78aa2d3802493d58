/** When an absence is believed: devices that synchronise may not show an object yet that they have made. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Token } from './token.ts';

/** Looks until it finds something, at most as often as the device's settle rule says. undefined: it settled on absent. */
export async function settled<T>(
  token: Token,
  look: () => Promise<T | undefined> | T | undefined,
): Promise<T | undefined> {
  for (let read = 1; ; read += 1) {
    const found = await look();
    if (found !== undefined || read >= token.settle.reads) return found;
    await delay(token.settle.intervalMs);
  }
}
