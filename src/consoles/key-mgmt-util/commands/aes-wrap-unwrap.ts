/** aesWrapUnwrap: wraps any bytes of the host under an AES key of the HSMs, and back. Not the format of wrapKey's files. */
import { Misuse } from '../../command.ts';
import { readFileFor, writeFileFor } from '../files.ts';
import { flag } from '../flags.ts';
import { DEFAULT_IV, unwrapHostKey, wrapHostKey } from '../host-wrap.ts';
import { kmuCommand } from '../kmu-command.ts';
import { wantsApproval } from '../quorum-refusal.ts';

const TOO_LARGE = 4096;

function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 8) {
    lines.push(
      [...bytes.subarray(at, at + 8)].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(' '),
    );
  }
  return lines;
}

export const aesWrapUnwrap = kmuCommand({
  name: 'aesWrapUnwrap',
  summary: 'wrap or unwrap a file under an AES key',
  flags: {
    m: flag.number.required('1 wrap, 0 unwrap'),
    f: flag.text.required('file'),
    w: flag.number.required('wrapping key handle'),
    i: flag.text.optional('IV, 16 hex digits'),
    out: flag.text.optional('file'),
  },
  async run(k, flags) {
    const mode = flags.neededNumber('m');
    if (mode !== 0 && mode !== 1) throw new Misuse('-m is 1 to wrap and 0 to unwrap.');
    const given = flags.text('i');
    if (given !== undefined && !/^[0-9a-f]{16}$/i.test(given)) throw new Misuse('-i takes 16 hex digits.');
    const path = flags.neededText('f');
    const input = readFileFor(k, path);
    if (input.length >= TOO_LARGE || input.length === 0) {
      k.paragraph(
        `The file ${path} has ${input.length} bytes; this command takes 1 to ${TOO_LARGE - 1}. Nothing was done.`,
      );
      return;
    }
    const call = mode === 1 ? 'Cfm3WrapHostKey' : 'Cfm3UnWrapHostKey';
    const key = await k.object(call, flags.neededNumber('w'));
    const iv = given === undefined ? DEFAULT_IV : Buffer.from(given, 'hex');
    const hsmKey = { module: k.module, session: k.loggedIn.session, key };
    const result = await k.call(
      call,
      () => (mode === 1 ? wrapHostKey(hsmKey, input, iv) : unwrapHostKey(hsmKey, input, iv)),
      wantsApproval(k, key),
    );
    if (result === null) {
      k.refused(call, { words: 'the file does not open under this key and IV' });
      return;
    }
    k.terminal.line();
    if (given === undefined) {
      k.lines('Warning: IV (-i) is missing.', '\t\t 0xA6A6A6A6A6A6A6A6 is considered as default IV');
    }
    k.lines('result data:', ...hexLines(result));
    const out = flags.text('out');
    if (out !== undefined) {
      writeFileFor(k, out, result);
      k.terminal.line();
      k.lines(`result written to file ${out}`);
    }
    k.returned(call);
  },
});
