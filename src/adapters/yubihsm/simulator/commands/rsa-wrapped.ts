/**
 * Wrapping under RSA (firmware 2.4): out under a public wrap key, in under a private RSA wrap key; whole objects (76, 77) or the key alone
 * (74, 75: symmetric keys as they are, asymmetric ones as PKCS#8).
 */
import { aesKeyBytes, HASH_BYTES, isAes, isAsymmetric, isRsa, mgf1Hash, oaepHash } from '../../wire/algorithms.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import type { OaepParameters } from '../../wire/oaep.ts';
import { readObjectHeader } from '../../wire/object-header.ts';
import { OBJECT_TYPE, ORIGIN } from '../../wire/object-types.ts';
import type { ByteReader } from '../../wire/reader.ts';
import { rsaUnwrap, rsaWrap } from '../../wire/rsa-wrap.ts';
import type { CommandContext } from '../command-context.ts';
import { materialFromPkcs8, privateKeyOf, publicKeyObjectOf } from '../key-material.ts';
import { refuse } from '../refusal.ts';
import type { StoredObject } from '../stored-object.ts';
import { admitWrapped, exportable, RSA_WRAP_ALGORITHM, serialise } from '../wrapped-transfer.ts';
import { type CommandHandler, typeAndIdReply } from './command.ts';

type OaepHashes = Pick<OaepParameters, 'hash' | 'mgf1Hash'>;

function readHashes(request: ByteReader, context: CommandContext): OaepHashes {
  const [oaepAlgorithm, mgf1Algorithm] = [request.u8(), request.u8()];
  const [hash, mask] = [oaepHash(oaepAlgorithm), mgf1Hash(mgf1Algorithm)];
  if (hash === undefined || mask === undefined) return refuse('invalid-data');
  context.requireAlgorithm(oaepAlgorithm);
  context.requireAlgorithm(mgf1Algorithm);
  return { hash, mgf1Hash: mask };
}

type Payload = (target: StoredObject) => Uint8Array;

const exportCommand = (code: number, payload: Payload): CommandHandler => ({
  code,
  capability: 'export-wrapped',
  run: (request, context) => {
    const wrapId = request.u16();
    const type = request.u8();
    const id = request.u16();
    const aesBytes = aesKeyBytes(request.u8());
    const hashes = readHashes(request, context);
    const labelDigest = request.bytes(HASH_BYTES[hashes.hash]);
    request.end();
    if (aesBytes === undefined) return refuse('invalid-data');
    const wrapKey = context.use(OBJECT_TYPE['public-wrap-key'], wrapId, 'export-wrapped');
    const target = exportable(context, wrapKey, type, id);
    const publicKey = publicKeyObjectOf(wrapKey);
    return rsaWrap(payload(target), { publicKey, aesKeyBytes: aesBytes, oaep: { ...hashes, labelDigest } });
  },
});

const wholeObject: Payload = (target) => serialise(target, { wrapAlgorithm: RSA_WRAP_ALGORITHM, withSeed: true });

/** An Ed25519 key that came in without its seed has no PKCS#8. */
const keyAlone: Payload = (target) => {
  if (target.type === OBJECT_TYPE['symmetric-key']) return target.material;
  if (target.type !== OBJECT_TYPE['asymmetric-key']) return refuse('invalid-data');
  const key = privateKeyOf(target) ?? refuse('invalid-data');
  return new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
};

interface Opening extends OaepHashes {
  readonly wrapKey: StoredObject;
}

/** The rest of the request: blob, then the label's digest. */
function open(request: ByteReader, { wrapKey, hash, mgf1Hash }: Opening): Uint8Array {
  const blob = request.bytes(Math.max(0, request.remaining - HASH_BYTES[hash]));
  const labelDigest = request.bytes(HASH_BYTES[hash]);
  const key = privateKeyOf(wrapKey);
  return (key === null ? null : rsaUnwrap(blob, key, { labelDigest, hash, mgf1Hash })) ?? refuse('invalid-data');
}

/** A wrap key that is AES cannot open RSA. */
function importKey(context: CommandContext, id: number): StoredObject {
  const wrapKey = context.use(OBJECT_TYPE['wrap-key'], id, 'import-wrapped');
  return isRsa(wrapKey.algorithm) ? wrapKey : refuse('invalid-data');
}

const importRsaWrapped: CommandHandler = {
  code: COMMAND['import-rsa-wrapped'],
  capability: 'import-wrapped',
  run: (request, context) => {
    const wrapKey = importKey(context, request.u16());
    const hashes = readHashes(request, context);
    const object = admitWrapped(context, wrapKey, open(request, { wrapKey, ...hashes }));
    return typeAndIdReply(object.type, object.id);
  },
};

function materialOf(type: number, algorithm: number, payload: Uint8Array): Uint8Array | null {
  if (type === OBJECT_TYPE['symmetric-key']) return payload.length === aesKeyBytes(algorithm) ? payload : null;
  return materialFromPkcs8(algorithm, payload);
}

const isOfType = (type: number, algorithm: number): boolean =>
  type === OBJECT_TYPE['symmetric-key']
    ? isAes(algorithm)
    : type === OBJECT_TYPE['asymmetric-key'] && isAsymmetric(algorithm);

const putRsaWrappedKey: CommandHandler = {
  code: COMMAND['put-rsa-wrapped-key'],
  capability: 'import-wrapped',
  run: (request, context) => {
    const wrapKey = importKey(context, request.u16());
    const type = request.u8();
    const header = readObjectHeader(request);
    const hashes = readHashes(request, context);
    context.requireAlgorithm(header.algorithm);
    if (!isOfType(type, header.algorithm) || header.domains === 0) refuse('invalid-data');
    if ((header.domains & ~context.session.domains) !== 0) refuse('insufficient-permissions');
    context.requireWithin(header.capabilities, wrapKey.delegated);
    const material = materialOf(type, header.algorithm, open(request, { wrapKey, ...hashes }));
    if (material === null) return refuse('invalid-data');
    const object = context.store({
      ...header,
      type,
      material,
      id: context.freeId(type, header.id),
      delegated: 0n,
      origin: ORIGIN.imported | ORIGIN.importedWrapped,
    });
    return typeAndIdReply(type, object.id);
  },
};

export const RSA_WRAP_COMMANDS: readonly CommandHandler[] = [
  exportCommand(COMMAND['export-rsa-wrapped'], wholeObject),
  exportCommand(COMMAND['get-rsa-wrapped-key'], keyAlone),
  importRsaWrapped,
  putRsaWrappedKey,
];
