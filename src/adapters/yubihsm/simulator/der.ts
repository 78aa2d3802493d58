/** DER structures by name, over node-forge's ASN.1: enough for EC private keys and attestation certificates, no schema. */
import forge from 'node-forge';

export type DerNode = forge.asn1.Asn1;

const { asn1 } = forge;
const { UNIVERSAL, CONTEXT_SPECIFIC } = asn1.Class;
const { Type } = asn1;

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

export const sequence = (...nodes: DerNode[]): DerNode => asn1.create(UNIVERSAL, Type.SEQUENCE, true, nodes);
export const set = (...nodes: DerNode[]): DerNode => asn1.create(UNIVERSAL, Type.SET, true, nodes);
export const octets = (bytes: Uint8Array): DerNode => asn1.create(UNIVERSAL, Type.OCTETSTRING, false, latin1(bytes));
export const utf8 = (bytes: Uint8Array): DerNode => asn1.create(UNIVERSAL, Type.UTF8, false, latin1(bytes));
export const oid = (text: string): DerNode => asn1.create(UNIVERSAL, Type.OID, false, asn1.oidToDer(text).getBytes());
export const nothing = (): DerNode => asn1.create(UNIVERSAL, Type.NULL, false, '');

export const bool = (value: boolean): DerNode => asn1.create(UNIVERSAL, Type.BOOLEAN, false, value ? '\xff' : '\0');
/** UTCTime: YYMMDDhhmmssZ. */
export const time = (utc: string): DerNode => asn1.create(UNIVERSAL, Type.UTCTIME, false, utc);

/** Whole bytes: no unused bits. */
export const bits = (bytes: Uint8Array): DerNode => asn1.create(UNIVERSAL, Type.BITSTRING, false, `\0${latin1(bytes)}`);

/** Unsigned, big-endian, shortest form. */
export function integer(bytes: Uint8Array): DerNode {
  const firstUsed = bytes.findIndex((byte) => byte !== 0);
  const used = firstUsed < 0 ? Uint8Array.of(0) : bytes.subarray(firstUsed);
  return asn1.create(UNIVERSAL, Type.INTEGER, false, `${(used[0] ?? 0) & 0x80 ? '\0' : ''}${latin1(used)}`);
}

/** [tag] EXPLICIT. */
export const explicit = (tag: number, node: DerNode): DerNode => asn1.create(CONTEXT_SPECIFIC, tag, true, [node]);

export const encodeDer = (node: DerNode): Uint8Array =>
  new Uint8Array(Buffer.from(asn1.toDer(node).getBytes(), 'latin1'));

/** null: not DER. */
export function decodeDer(bytes: Uint8Array): DerNode | null {
  try {
    return asn1.fromDer(latin1(bytes), true);
  } catch {
    return null;
  }
}

/** The parts of a constructed node; none of a primitive one. */
export const partsOf = (node: DerNode): readonly DerNode[] => (Array.isArray(node.value) ? node.value : []);

export const contentOf = (node: DerNode): Uint8Array | null =>
  typeof node.value === 'string' ? new Uint8Array(Buffer.from(node.value, 'latin1')) : null;

export const isContext = (node: DerNode, tag: number): boolean =>
  node.tagClass === CONTEXT_SPECIFIC && Number(node.type) === tag;
