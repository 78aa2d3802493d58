/**
 * What the device's attestation certificates say in their extensions (docs.yubico.com, "YubiHSM 2 OIDs", arc 1.3.6.1.4.1.41482.4): firmware,
 * serial number, and origin, domains, capabilities, id and label of the key. Only the extensions of X.509 (RFC 5280 §4.1.2.9) are read here;
 * key, names and signature are node's to parse and verify.
 */

export interface CertificateFacts {
  /** `2.4.1`; null: the certificate does not say, for every field. */
  readonly firmware: string | null;
  readonly serial: number | null;
  readonly origin: number | null;
  readonly domains: number | null;
  readonly capabilities: bigint | null;
  readonly id: number | null;
  readonly label: string | null;
}

interface Node {
  readonly tag: number;
  readonly value: Uint8Array;
}

const TAG = { integer: 0x02, bitString: 0x03, octetString: 0x04, oid: 0x06, sequence: 0x30, extensions: 0xa3 } as const;
const MAX_LENGTH_BYTES = 3;

class MalformedDer extends Error {}

/** The elements that the bytes are one after the other. Definite lengths only, as DER has them. */
function elements(bytes: Uint8Array): Node[] {
  const found: Node[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? 0x80;
    let start = at + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > MAX_LENGTH_BYTES || start + count > bytes.length) throw new MalformedDer();
      length = bytes.subarray(start, start + count).reduce((sum, byte) => sum * 256 + byte, 0);
      start += count;
    }
    if (start + length > bytes.length) throw new MalformedDer();
    found.push({ tag, value: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

/** 1.3.6.1.4.1.41482.4, then one byte. */
const ARC = '2b0601040182c40a04';

/** By the last number of the identifier. */
function yubicoExtensions(certificate: Uint8Array): ReadonlyMap<number, Node> {
  const [whole] = elements(certificate);
  const [body] = elements(whole?.value ?? new Uint8Array(0));
  const wrapper = elements(body?.value ?? new Uint8Array(0)).find(({ tag }) => tag === TAG.extensions);
  const [list] = elements(wrapper?.value ?? new Uint8Array(0));
  const found = new Map<number, Node>();
  for (const extension of elements(list?.value ?? new Uint8Array(0))) {
    const parts = elements(extension.value);
    const id = Buffer.from(parts[0]?.tag === TAG.oid ? parts[0].value : []).toString('hex');
    const octets = parts.at(-1);
    if (!id.startsWith(ARC) || id.length !== ARC.length + 2 || octets?.tag !== TAG.octetString) continue;
    const number = Number.parseInt(id.slice(ARC.length), 16);
    const [value] = elements(octets.value);
    // Twice the same fact would leave it open which one counts.
    if (value === undefined || found.has(number)) throw new MalformedDer();
    found.set(number, value);
  }
  return found;
}

/** The content without what DER puts before it: unused bits of a bit string. */
const contentOf = ({ tag, value }: Node): Uint8Array => (tag === TAG.bitString ? value.subarray(1) : value);

const unsigned = (node: Node | undefined): bigint | null => {
  if (node === undefined) return null;
  const digits = Buffer.from(contentOf(node)).toString('hex');
  return digits === '' ? null : BigInt(`0x${digits}`);
};

const numberOf = (node: Node | undefined): number | null => {
  const value = unsigned(node);
  return value === null || value > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value);
};

/** null: the certificate is not DER, or says a thing twice. */
export function certificateFacts(certificate: Uint8Array): CertificateFacts | null {
  try {
    const found = yubicoExtensions(certificate);
    const firmware = found.get(1);
    const label = found.get(9);
    return {
      firmware: firmware === undefined ? null : [...contentOf(firmware)].join('.'),
      serial: numberOf(found.get(2)),
      origin: numberOf(found.get(3)),
      domains: numberOf(found.get(4)),
      capabilities: unsigned(found.get(5)),
      id: numberOf(found.get(6)),
      label: label === undefined ? null : Buffer.from(contentOf(label)).toString('hex'),
    };
  } catch (error) {
    if (error instanceof MalformedDer) return null;
    throw error;
  }
}
