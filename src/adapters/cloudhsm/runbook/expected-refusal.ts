/** expect-refusal by hand: a throw-away key, gone with the session, is tried; whoever sees no refusal stops. */
import { textOf } from '../../pkcs11/runbook/made-keys.ts';
import { type RunbookBlank, type RunbookCall, type RunbookLine, words } from '../../runbook.ts';
import { command, handleFor, MECHANISMS, shown } from './kmu-lines.ts';

const AES_256 = 'genSymKey -t 31 -s 32';

/** Of a key that this session made for itself. */
export const sessionHandle = (label: string, name: string): RunbookBlank => ({
  name,
  lookup: `findKey -c 4 -t 31 -l ${label} -sess 1`,
});

export function expectRefusal({ args, stem, title }: RunbookCall): RunbookLine[] {
  const mechanism = MECHANISMS[textOf(args, 'mechanism') ?? ''];
  if (mechanism === undefined) return [words(`This tool has no number for ${String(args.mechanism)}.`)];
  const key = handleFor(args, 'key');
  const tried = sessionHandle(`${stem}-try`, `handle of the key to try (${title})`);
  const isUnwrap = args.operation === 'unwrap';
  const wrap = `wrapKey -k ${shown(tried)} -w ${shown(key)} -out ${stem}.try ${mechanism} -noheader`;
  const refused = 'the HSM refuses it; where it does not, stop, and do not hand this key out';
  return [
    command(`${AES_256} -l ${stem}-try -sess`),
    command(wrap, [tried, key], isUnwrap ? null : refused),
    ...(isUnwrap
      ? [
          command(
            `unWrapKey -f ${stem}.try -w ${shown(key)} ${mechanism} -noheader -l ${stem}-opened -kc 4 -kt 31 -sess`,
            [key],
            refused,
          ),
        ]
      : []),
  ];
}
