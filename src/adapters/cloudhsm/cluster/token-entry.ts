/**
 * One HSM's entry in a quorum token file, 80 bytes, as the sample in the user guide (`quorum-auth-chsm-cli`) decodes: u16 1, u16 service,
 * u32 token id, 8 bytes key handle, 16 random bytes, user name padded with zeros to 32, u64 Unix time in seconds, 8 zero bytes. All
 * big-endian. A token file is one entry per HSM, one after the other.
 */
import type { KeyService, QuorumService } from './cluster.ts';
import type { TokenRecord } from './cluster-record.ts';

const ENTRY_BYTES = 80;
const KEY_AT = 8;
const NONCE_AT = 16;
const NAME_AT = 32;
const TIME_AT = 64;

/** What the vendor's numbers of the key services are is not known: these are the simulator's own, far from the known 3 and 4. */
const KEY_SERVICES: Readonly<Record<KeyService, number>> = { 'key-management': 0x4b01, 'key-usage': 0x4b02 };

export const serviceNumber = (service: QuorumService | KeyService): number =>
  typeof service === 'number' ? service : KEY_SERVICES[service];

export function encodeTokenEntry(token: TokenRecord): Uint8Array {
  const entry = Buffer.alloc(ENTRY_BYTES);
  entry.writeUInt16BE(1, 0);
  entry.writeUInt16BE(serviceNumber(token.service), 2);
  entry.writeUInt32BE(token.id, 4);
  entry.writeBigUInt64BE(BigInt(token.keyHandle ?? 0), KEY_AT);
  entry.write(token.nonce, NONCE_AT, 'hex');
  entry.write(token.user, NAME_AT, 'latin1');
  entry.writeBigUInt64BE(BigInt(Math.floor(token.requestedAtMs / 1000)), TIME_AT);
  return new Uint8Array(entry);
}

/** The token whose entry the file holds, byte for byte; undefined when the file is of no such form or holds none of them. */
export function tokenInFile(file: Uint8Array, tokens: readonly TokenRecord[]): TokenRecord | undefined {
  if (file.length === 0 || file.length % ENTRY_BYTES !== 0) return undefined;
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
  const entries = new Set<string>();
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) entries.add(bytes.toString('hex', at, at + ENTRY_BYTES));
  return tokens.find((token) => entries.has(Buffer.from(encodeTokenEntry(token)).toString('hex')));
}
