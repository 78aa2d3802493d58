/** `key wrap …` and `key unwrap …` of the simulated tool. Answers: user guide, `cloudhsm_cli-key-wrap-*` and `cloudhsm_cli-key-unwrap-*`. */
import { CKG, CKK, CKM, CKO, CKR } from '../../../pkcs11/constants.ts';
import { CryptokiError, type Mechanism } from '../../../pkcs11/cryptoki.ts';
import { HsmRefusal, type SimulatedCluster } from '../../cluster/cluster.ts';
import { CLOUDHSM_CKM } from '../../profile.ts';
import type { ToolOptions } from '../admin-tool.ts';
import { handInApprovals } from './key-approval.ts';
import { atKeyDesk, keyNamed, reference } from './key-desk.ts';
import { guardFlags, makeGuarded, shownKey, templateOf } from './key-making.ts';
import { readNamedFile, writeNewFile } from './named-files.ts';
import { upNodes } from './node-sessions.ts';
import { allowFlags, given, numberAt, required, type ToolWords, usage } from './tool-words.ts';

type Command = (cluster: SimulatedCluster, words: ToolWords, options: ToolOptions) => Promise<unknown>;

interface WrapKind {
  readonly flags: readonly string[];
  /** Of unwrapping alone. */
  readonly unwrapFlags?: readonly string[];
  mechanism(words: ToolWords): Mechanism;
  /** What of the device's answer stands in a field of its own. */
  apart?(data: Uint8Array): { readonly fields: Readonly<Record<string, string>>; readonly data: Uint8Array };
  /** And back. */
  together?(words: ToolWords, data: Uint8Array): Uint8Array;
}

const plain = (type: number): WrapKind => ({ flags: [], mechanism: () => ({ type }) });

const HASHES: Readonly<Record<string, { readonly hash: number; readonly mgf: number }>> = {
  sha1: { hash: CKM.SHA_1, mgf: CKG.MGF1_SHA1 },
  sha224: { hash: CKM.SHA224, mgf: CKG.MGF1_SHA224 },
  sha256: { hash: CKM.SHA256, mgf: CKG.MGF1_SHA256 },
  sha384: { hash: CKM.SHA384, mgf: CKG.MGF1_SHA384 },
  sha512: { hash: CKM.SHA512, mgf: CKG.MGF1_SHA512 },
};

/** Both have no default here, unlike in the older tools. */
const hashed = (type: number): WrapKind => ({
  flags: ['hash-function', 'mgf'],
  mechanism(words) {
    const names = Object.keys(HASHES);
    const hash = HASHES[required(words, 'hash-function')]?.hash;
    const mgf = HASHES[required(words, 'mgf').replace(/^mgf1-/, '')]?.mgf;
    if (hash === undefined) throw usage(`${words.command}: --hash-function is one of ${names.join(', ')}`);
    if (mgf === undefined) {
      throw usage(`${words.command}: --mgf is one of ${names.map((name) => `mgf1-${name}`).join(', ')}`);
    }
    return { type, parameter: { kind: 'oaep', hash, mgf } };
  },
});

const IV_BYTES = 12;

function hexAt(words: ToolWords, name: string): Uint8Array {
  const text = required(words, name);
  if (!/^0x(?:[0-9a-f]{2})+$/i.test(text)) throw usage(`${words.command}: --${name} wants bytes in hex, 0x…`);
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
}

/** The device makes the IV and puts it before the rest. */
const gcm: WrapKind = {
  flags: ['aad', 'tag-length-bits'],
  mechanism(words) {
    const aad = words.flags.has('aad') ? hexAt(words, 'aad') : new Uint8Array();
    const tagBits = numberAt(words, 'tag-length-bits');
    return { type: CLOUDHSM_CKM.AES_GCM, parameter: { kind: 'gcm', aad, tagBits } };
  },
};

/** The same, with the IV in a field of its own. */
const gcmWithIv: WrapKind = {
  ...gcm,
  unwrapFlags: ['iv'],
  apart: (data) => ({
    fields: { iv: `0x${Buffer.from(data.subarray(0, IV_BYTES)).toString('hex')}` },
    data: data.subarray(IV_BYTES),
  }),
  together(words, data) {
    const iv = hexAt(words, 'iv');
    if (iv.length !== IV_BYTES) throw usage(`${words.command}: --iv wants ${IV_BYTES} bytes`);
    return new Uint8Array(Buffer.concat([iv, data]));
  },
};

const KINDS: Readonly<Record<string, WrapKind>> = {
  'aes-gcm': gcmWithIv,
  'cloudhsm-aes-gcm': gcm,
  'aes-no-pad': plain(CLOUDHSM_CKM.AES_KEY_WRAP_NO_PAD),
  'aes-pkcs5-pad': plain(CLOUDHSM_CKM.AES_KEY_WRAP_PKCS5_PAD),
  'aes-zero-pad': plain(CLOUDHSM_CKM.AES_KEY_WRAP_ZERO_PAD),
  'rsa-pkcs': plain(CKM.RSA_PKCS),
  'rsa-aes': hashed(CKM.RSA_AES_KEY_WRAP),
  'rsa-oaep': hashed(CKM.RSA_PKCS_OAEP),
};

const together = (data: Uint8Array) => ({ data, fields: {} });

const wrapKey =
  ({ flags, mechanism: read, apart = together }: WrapKind): Command =>
  async (cluster, words, { login }) => {
    const filters = ['payload-filter', 'wrapping-filter', 'payload-approval', 'wrapping-approval'];
    allowFlags(words, [...filters, 'path', ...flags]);
    const mechanism = read(words);
    const path = given(words, 'path');
    return await atKeyDesk(cluster, login, async (desk) => {
      const payload = keyNamed(desk, words, 'payload-filter');
      const wrapping = keyNamed(desk, words, 'wrapping-filter');
      const uses = [
        { handle: payload.handle, service: 'key-management', file: given(words, 'payload-approval') },
        { handle: wrapping.handle, service: 'key-management', file: given(words, 'wrapping-approval') },
      ] as const;
      handInApprovals(cluster, login, uses);
      const { module, session } = desk;
      const wrap = () => module.C_WrapKey(session, mechanism, wrapping.object, payload.object);
      const { data, fields } = apart(await whileAvailable(cluster, () => cluster.withApproval(session, uses, wrap)));
      if (path !== undefined) writeNewFile(path, data);
      return {
        payload_key_reference: reference(payload.handle),
        wrapping_key_reference: reference(wrapping.handle),
        ...fields,
        ...(path === undefined ? { wrapped_key_data: Buffer.from(data).toString('base64') } : {}),
      };
    });
  };

const ARRIVALS: Readonly<Record<string, { readonly class: number; readonly keyType: number }>> = {
  aes: { class: CKO.SECRET_KEY, keyType: CKK.AES },
  des3: { class: CKO.SECRET_KEY, keyType: CKK.DES3 },
  'generic-secret': { class: CKO.SECRET_KEY, keyType: CKK.GENERIC_SECRET },
  'rsa-private': { class: CKO.PRIVATE_KEY, keyType: CKK.RSA },
  'ec-private': { class: CKO.PRIVATE_KEY, keyType: CKK.EC },
};

const unwrapKey =
  ({ flags, unwrapFlags = [], mechanism: read, together: joined }: WrapKind): Command =>
  async (cluster, words, { login }) => {
    const own = ['filter', 'data-path', 'data', 'key-type-class', 'label', 'attributes', 'approval'];
    allowFlags(words, [...own, ...guardFlags(), ...flags, ...unwrapFlags]);
    const mechanism = read(words);
    required(words, 'label');
    const kind = ARRIVALS[required(words, 'key-type-class')];
    if (kind === undefined) {
      throw usage(`${words.command}: --key-type-class is one of ${Object.keys(ARRIVALS).join(', ')}`);
    }
    const template = templateOf(words, { ...kind, label: 'label', attributes: 'attributes' });
    const bytes = wrappedData(words);
    const data = joined?.(words, bytes) ?? bytes;
    return await atKeyDesk(cluster, login, async (desk) => {
      const unwrapping = keyNamed(desk, words);
      const uses = [{ handle: unwrapping.handle, service: 'key-management', file: given(words, 'approval') }] as const;
      handInApprovals(cluster, login, uses);
      const { module, session } = desk;
      const unwrap = () => module.C_UnwrapKey(session, mechanism, unwrapping.object, data, template);
      const key = await whileAvailable(cluster, () =>
        makeGuarded(desk, words, () => cluster.withApproval(session, uses, unwrap)),
      );
      return { key: shownKey(desk, login, key) };
    });
  };

function wrappedData(words: ToolWords): Uint8Array {
  const path = given(words, 'data-path');
  const data = given(words, 'data');
  if ((path === undefined) === (data === undefined)) throw usage(`${words.command}: give --data-path or --data`);
  if (path !== undefined) return readNamedFile(path);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data ?? '')) throw usage(`${words.command}: --data is not base64`);
  return new Uint8Array(Buffer.from(data ?? '', 'base64'));
}

/** The tool's sentence for a key that is on one HSM only, as its users report it. */
const TOO_FEW_COPIES = 'Cannot perform the requested key operation as the key must be available on at least 2 HSMs';

async function whileAvailable<T>(cluster: SimulatedCluster, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof CryptokiError && error.value === CKR.FUNCTION_FAILED && upNodes(cluster).length < 2) {
      throw new HsmRefusal('too-few-copies', null, TOO_FEW_COPIES);
    }
    throw error;
  }
}

/** By the words that name them: `key wrap rsa-oaep`. */
export const WRAP_COMMANDS: Readonly<Record<string, Command>> = Object.fromEntries(
  Object.entries(KINDS).flatMap(([name, kind]) => [
    [`key wrap ${name}`, wrapKey(kind)],
    [`key unwrap ${name}`, unwrapKey(kind)],
  ]),
);
