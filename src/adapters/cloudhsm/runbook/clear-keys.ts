/**
 * Keys in clear by hand: imSymKey and exSymKey, under a wrapping key that ends with the session. imSymKey makes keys that may leave again;
 * one that may not is wrapped and unwrapped once more in the HSM, for only unWrapKey takes -nex.
 */
import { fileOf, textOf } from '../../pkcs11/runbook/made-keys.ts';
import { type RunbookCall, type RunbookKey, type RunbookLine, words } from '../../runbook.ts';
import { sessionHandle } from './expected-refusal.ts';
import { command, handleFor, MECHANISMS, namedAs, shown, TYPES } from './kmu-lines.ts';

const AES = 31;
const KWP = MECHANISMS['aes-kwp'] ?? '-m 6';

const wrapper = ({ stem }: RunbookCall): RunbookLine => command(`genSymKey -t ${AES} -s 32 -l ${stem}-under -sess`);
const wrapperHandle = ({ stem, title }: RunbookCall) =>
  sessionHandle(`${stem}-under`, `handle of the wrapping key of this session (${title})`);

export function importKey(call: RunbookCall, key: RunbookKey): RunbookLine[] {
  const { args, stem, title } = call;
  const path = fileOf(args, 'material')?.path ?? textOf(args, 'path');
  const type = TYPES[key.type];
  if (path === null || type === undefined) {
    return [words('Which file holds the key is not known before the ceremony: imSymKey, with its type and label.')];
  }
  const under = wrapperHandle(call);
  const { flags, blanks, notes } = namedAs(key);
  const file = /^[\w./:@+=,-]+$/.test(path) && !path.startsWith('-') ? path : null;
  if (file === null) return [words(`The name of the file ${path} cannot be typed in this tool: rename it first.`)];
  const before = [words(`${file} is on the host where this tool runs, with the bytes of the key and nothing else.`)];
  const after = [words(`Shred ${file} on every host that had it, once the key was compared.`)];
  if (key.attributes?.extractable === true) {
    const line = command(`imSymKey -f ${file} -w ${shown(under)} -t ${type} ${flags}`, [under, ...blanks]);
    return [...before, ...notes, wrapper(call), line, ...after];
  }
  const clear = { ...sessionHandle(`${stem}-clear`, `handle of the key that may leave (${title})`) };
  const found = { ...clear, lookup: `findKey -c 4 -t ${type} -l ${stem}-clear -sess 1` };
  return [
    ...before,
    ...notes,
    wrapper(call),
    command(`imSymKey -f ${file} -w ${shown(under)} -t ${type} -l ${stem}-clear -sess`, [under]),
    command(`wrapKey -k ${shown(found)} -w ${shown(under)} -out ${stem}.again ${KWP} -noheader`, [found, under]),
    command(`unWrapKey -f ${stem}.again -w ${shown(under)} ${KWP} -noheader ${flags} -kc 4 -kt ${type} -nex`, [
      under,
      ...blanks,
    ]),
    command(`deleteKey -k ${shown(found)}`, [found]),
    ...after,
  ];
}

export function exportKey(call: RunbookCall): RunbookLine[] {
  const key = handleFor(call.args, 'key');
  const under = wrapperHandle(call);
  return [
    wrapper(call),
    command(`exSymKey -k ${shown(key)} -w ${shown(under)} -out ${call.stem}.clear`, [key, under]),
    words(
      `${call.stem}.clear is the key in clear: whoever reads it has the key. Bring it on by hand, and leave no copy.`,
    ),
  ];
}
