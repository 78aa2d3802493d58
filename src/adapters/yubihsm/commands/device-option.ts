/** `set-option` and `get-option`: what holds for the whole device. Values of audit options: 0 off, 1 on, 2 fixed (on until a reset). */
import { COMMAND } from '../wire/command-codes.ts';
import { ByteReader } from '../wire/reader.ts';
import { WireError } from '../wire/wire-error.ts';
import { ByteWriter } from '../wire/writer.ts';
import { type Command, decodeNothing } from './command.ts';

export const OPTION = { forceAudit: 1, commandAudit: 3, algorithmToggle: 4, fipsMode: 5 } as const;
export const OPTION_VALUE = { off: 0, on: 1, fixed: 2 } as const;

export interface SetOption {
  readonly option: number;
  readonly value: Uint8Array;
}

export const setOption: Command<SetOption, void> = {
  code: COMMAND['set-option'],
  effect: 'change',
  encode: ({ option, value }) => new ByteWriter().u8(option).u16(value.length).bytes(value).toBytes(),
  decode: decodeNothing,
};

export const getOption: Command<{ readonly option: number }, Uint8Array> = {
  code: COMMAND['get-option'],
  effect: 'read',
  encode: ({ option }) => new ByteWriter().u8(option).toBytes(),
  decode: (reply) => new Uint8Array(reply),
};

/** Of options that are one value (force-audit, fips): 0, 1 or 2. */
export function readSwitch(value: Uint8Array): number {
  const reader = new ByteReader(value);
  const state = reader.u8();
  reader.end();
  if (state > OPTION_VALUE.fixed) throw new WireError(`an option of value ${state}`);
  return state;
}

/** Of options that are pairs (command-audit, algorithm-toggle): command or algorithm → value. */
export function readSwitches(value: Uint8Array): ReadonlyMap<number, number> {
  const reader = new ByteReader(value);
  const switches = new Map<number, number>();
  while (reader.remaining > 0) {
    const which = reader.u8();
    const state = reader.u8();
    if (switches.has(which)) throw new WireError(`option value ${which} is there twice`);
    switches.set(which, state);
  }
  return switches;
}
