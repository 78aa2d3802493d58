/** The Classic side's consoles run over a simulated partition, or over a simulated HA group with its members. */
import type { ConsoleGround } from '../console-device.ts';

export const CLASSIC_GROUND: ConsoleGround = {
  one: 'a simulated Classic partition',
  several: 'simulated Classic partitions',
  hint: 'Name a device of adapter luna-classic and driver simulated.',
  fits: ({ adapter, driver }) => adapter === 'luna-classic' && driver === 'simulated',
};
