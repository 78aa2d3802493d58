/**
 * Time that passes only while nothing else happens: a run that would wait for hours is through in seconds, and its waits are counted as
 * if they had been waited for. What devices do takes no time at all.
 */
import type { BoundDevice, Device } from '../../src/adapters/adapter.ts';
import type { CallClock } from '../../src/workflows/call-clock.ts';

export interface VirtualClock extends CallClock {
  /** The same devices, their calls watched: time stands still while one is under way. */
  watch(devices: ReadonlyMap<string, BoundDevice>): ReadonlyMap<string, BoundDevice>;
  stop(): void;
}

/** Turns of the event loop without a call under way before time passes. */
const QUIET_TURNS = 50;

export function virtualClock(startMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let nowMs = startMs;
  let underWay = 0;
  let quiet = 0;
  let isStopped = false;
  const sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  const turn = (): void => {
    if (isStopped) return;
    quiet = underWay === 0 ? quiet + 1 : 0;
    if (quiet > QUIET_TURNS && sleepers.length > 0) {
      sleepers.sort((a, b) => a.at - b.at);
      const next = sleepers.shift();
      if (next !== undefined) {
        nowMs = Math.max(nowMs, next.at);
        next.wake();
      }
      quiet = 0;
    }
    setImmediate(turn);
  };
  setImmediate(turn);

  const counted = <T>(work: Promise<T>): Promise<T> => {
    underWay += 1;
    return work.finally(() => {
      underWay -= 1;
    });
  };
  const watched = (device: Device): Device =>
    new Proxy(device, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const made: unknown = Reflect.apply(value, target, args);
          return made instanceof Promise ? counted(made) : made;
        };
      },
    });

  return {
    now: () => nowMs,
    sleep: (ms) =>
      new Promise((wake) => {
        sleepers.push({ at: nowMs + ms, wake });
      }),
    random: () => 0.5,
    watch: (devices) =>
      new Map([...devices].map(([role, bound]) => [role, { ...bound, device: watched(bound.device) }])),
    stop: () => {
      isStopped = true;
    },
  };
}
