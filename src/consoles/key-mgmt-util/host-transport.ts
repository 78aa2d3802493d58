/**
 * A key in clear on the host, brought into the HSMs and out of them under an AES key: wrapped by the HSM's block operations on the one side
 * and as a wrapped key on the other. With -wk the host's own copy of the wrapping key does the host's side.
 */
import { CLOUDHSM_CKM } from '../../adapters/cloudhsm/profile.ts';
import type { Attribute, Handle } from '../../adapters/pkcs11/cryptoki.ts';
import { unwrapKwPkcs5, wrapKwPkcs5 } from '../../keys/aes-key-wrap.ts';
import { Misuse } from '../command.ts';
import { create } from './creation.ts';
import { readFileFor } from './files.ts';
import type { Flags } from './flags.ts';
import { type HsmKey, unwrapHostKey, wrapHostKey } from './host-wrap.ts';
import { Ended, type KmuSession } from './kmu-session.ts';
import { wantsApproval } from './quorum-refusal.ts';

const PKCS5 = { type: CLOUDHSM_CKM.AES_KEY_WRAP_PKCS5_PAD } as const;
const AES_BYTES = [16, 24, 32];

const hsmKey = (k: KmuSession, key: Handle): HsmKey => ({ module: k.module, session: k.loggedIn.session, key });

/** The AES key of -wk. */
function hostWrappingKey(k: KmuSession, path: string): Buffer {
  const key = readFileFor(k, path);
  if (AES_BYTES.includes(key.length)) return key;
  k.paragraph(`The file ${path} holds no AES key: ${key.length} bytes instead of 16, 24 or 32; nothing was done.`);
  throw new Ended();
}

/** `-w`, `-wk`: `plain` becomes a key of the HSMs, and is wiped. */
export async function importPlain(
  k: KmuSession,
  flags: Flags,
  plain: Buffer,
  template: readonly Attribute[],
): Promise<Handle> {
  const { session } = k.loggedIn;
  const wrapping = await k.object('Cfm3WrapHostKey', flags.neededNumber('w'));
  const explain = wantsApproval(k, wrapping);
  const hostKey = flags.text('wk');
  const wrapped =
    hostKey === undefined
      ? await k.call('Cfm3WrapHostKey', () => wrapHostKey(hsmKey(k, wrapping), plain), explain)
      : wrapKwPkcs5(hostWrappingKey(k, hostKey), plain);
  if (wrapped === null) throw new Error('PKCS#5 padding takes every length');
  plain.fill(0);
  k.returned('Cfm3WrapHostKey');
  k.returned('Cfm3CreateUnwrapTemplate');
  const call = 'Cfm3UnWrapKey';
  const make = () => k.module.C_UnwrapKey(session, PKCS5, wrapping, wrapped, template);
  const key = await create(k, flags, { call, make, explain });
  k.returned(call);
  return key;
}

/** `-m`, `-w`, `-wk`: the key in clear. The caller writes it and wipes it. */
export async function exportPlain(k: KmuSession, flags: Flags, key: Handle): Promise<Buffer> {
  if ((flags.number('m') ?? 4) !== 4) throw new Misuse('The key is wrapped with -m 4 only.');
  const { session } = k.loggedIn;
  const wrapping = await k.object('Cfm3WrapKey', flags.neededNumber('w'));
  const explain = wantsApproval(k, wrapping, key);
  const wrapped = await k.call('Cfm3WrapKey', () => k.module.C_WrapKey(session, PKCS5, wrapping, key), explain);
  k.returned('Cfm3WrapKey');
  const hostKey = flags.text('wk');
  const plain =
    hostKey === undefined
      ? await k.call('Cfm3UnWrapHostKey', () => unwrapHostKey(hsmKey(k, wrapping), wrapped), explain)
      : unwrapKwPkcs5(hostWrappingKey(k, hostKey), wrapped);
  if (plain !== null) return plain;
  k.refused('Cfm3UnWrapHostKey', { words: 'the key does not open under the wrapping key' });
  throw new Ended();
}
