/** The benchmark's command line. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly isJson: boolean;
  readonly isQuick: boolean;
  /** Overrides the count of the RSA case and of the memory case's large run. */
  readonly keys: number | null;
  readonly only: readonly string[];
}

export const USAGE = `npm run bench -- [--json] [--quick] [--keys N] [--only CASE]…

  --json       one line of JSON on stdout
  --quick      small counts, for CI: says that everything works, not how fast it is
  --keys N     keys of the cases rsa-oaep-simulators and memory (default 20000 and 100000)
  --only CASE  only this case (repeatable): rsa-oaep-simulators, softhsm, memory, flat-cost, start-up
`;

/** Throws TypeError for what it does not know. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      keys: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
    },
  });
  if (values.keys !== undefined && !/^[1-9]\d{0,7}$/.test(values.keys)) {
    throw new TypeError(`--keys takes a whole number, not ${values.keys}`);
  }
  return {
    isJson: values.json,
    isQuick: values.quick,
    keys: values.keys === undefined ? null : Number(values.keys),
    only: values.only,
  };
}
