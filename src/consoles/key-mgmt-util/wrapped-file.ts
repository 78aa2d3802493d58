/**
 * The header that wrapKey puts before a wrapped key, so that unWrapKey gives the copy the attributes of the original. The vendor's layout
 * is not documented; this one is our own, opaque, and as long as the documented examples make it: 255 bytes and the label. Files with a
 * header go nowhere but back into this console.
 */
import { boolAttribute, ulongAttribute, ulongOf } from '../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKO } from '../../adapters/pkcs11/constants.ts';
import type { Attribute, Cryptoki, Handle } from '../../adapters/pkcs11/cryptoki.ts';

const MAGIC = Buffer.from('keyferry wrapped key 1\0', 'latin1');
const FIXED_BYTES = 255;
const CLASS_AT = MAGIC.length;
const KEY_TYPE_AT = CLASS_AT + 4;
const HAS_AT = KEY_TYPE_AT + 4;
const VALUES_AT = HAS_AT + 4;
const LABEL_LENGTH_AT = VALUES_AT + 4;
const ID_LENGTH_AT = LABEL_LENGTH_AT + 2;
const ID_AT = ID_LENGTH_AT + 1;
export const LONGEST_ID_BYTES = FIXED_BYTES - ID_AT;

/** One bit each, in this order. TRUSTED is left out: only an officer gives it. */
const FLAGS = [
  CKA.ENCRYPT,
  CKA.DECRYPT,
  CKA.WRAP,
  CKA.UNWRAP,
  CKA.SIGN,
  CKA.VERIFY,
  CKA.DERIVE,
  CKA.SENSITIVE,
  CKA.EXTRACTABLE,
  CKA.WRAP_WITH_TRUSTED,
] as const;

export interface KeyOnDevice {
  readonly module: Cryptoki;
  readonly session: Handle;
  readonly key: Handle;
}

/** null: the id of the key is too long for a header. */
export function makeHeader({ module, session, key }: KeyOnDevice): Buffer | null {
  const read = module.C_GetAttributeValue(session, key, [CKA.CLASS, CKA.KEY_TYPE, CKA.LABEL, CKA.ID, ...FLAGS]);
  const value = (type: number): Uint8Array | null => read.find((reading) => reading.type === type)?.value ?? null;
  const label = value(CKA.LABEL) ?? new Uint8Array();
  const id = value(CKA.ID) ?? new Uint8Array();
  if (id.length > LONGEST_ID_BYTES) return null;
  const header = Buffer.alloc(FIXED_BYTES + label.length);
  MAGIC.copy(header);
  header.writeUInt32BE(ulongOf(value(CKA.CLASS)), CLASS_AT);
  header.writeUInt32BE(ulongOf(value(CKA.KEY_TYPE)), KEY_TYPE_AT);
  let has = 0;
  let values = 0;
  for (const [bit, type] of FLAGS.entries()) {
    const given = value(type);
    if (given === null) continue;
    has |= 1 << bit;
    if (given[0] === 1) values |= 1 << bit;
  }
  header.writeUInt32BE(has, HAS_AT);
  header.writeUInt32BE(values, VALUES_AT);
  header.writeUInt16BE(label.length, LABEL_LENGTH_AT);
  header.writeUInt8(id.length, ID_LENGTH_AT);
  header.set(id, ID_AT);
  header.set(label, FIXED_BYTES);
  return header;
}

export interface WrappedFile {
  /** Of the copy; the caller adds TOKEN. */
  readonly template: readonly Attribute[];
  readonly ciphertext: Uint8Array;
}

/** null: the file has no header of this console. */
export function readWrappedFile(file: Buffer): WrappedFile | null {
  if (file.length < FIXED_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  const end = FIXED_BYTES + file.readUInt16BE(LABEL_LENGTH_AT);
  const idEnd = ID_AT + file.readUInt8(ID_LENGTH_AT);
  const keyClass = file.readUInt32BE(CLASS_AT);
  if (file.length <= end || idEnd > FIXED_BYTES || (keyClass !== CKO.SECRET_KEY && keyClass !== CKO.PRIVATE_KEY))
    return null;
  const has = file.readUInt32BE(HAS_AT);
  const values = file.readUInt32BE(VALUES_AT);
  const flags = FLAGS.flatMap((type, bit) =>
    (has & (1 << bit)) === 0 ? [] : [boolAttribute(type, (values & (1 << bit)) !== 0)],
  );
  const id = file.subarray(ID_AT, idEnd);
  return {
    template: [
      ulongAttribute(CKA.CLASS, keyClass),
      ulongAttribute(CKA.KEY_TYPE, file.readUInt32BE(KEY_TYPE_AT)),
      { type: CKA.LABEL, value: new Uint8Array(file.subarray(FIXED_BYTES, end)) },
      ...(id.length === 0 ? [] : [{ type: CKA.ID, value: new Uint8Array(id) }]),
      ...flags,
    ],
    ciphertext: new Uint8Array(file.subarray(end)),
  };
}
