/** Wrapping under AES-CCM wrap keys: whole objects out and in, and data of the host. */
import { randomBytes } from 'node:crypto';
import { isCcmWrap } from '../../wire/algorithms.ts';
import { type CapabilityName, hasCapability } from '../../wire/capabilities.ts';
import { CCM_NONCE_BYTES, openCcm, sealCcm } from '../../wire/ccm-wrap.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import { isFirmwareAtLeast } from '../../wire/frame.ts';
import { OBJECT_TYPE } from '../../wire/object-types.ts';
import type { ByteReader } from '../../wire/reader.ts';
import type { CommandContext } from '../command-context.ts';
import { refuse } from '../refusal.ts';
import type { StoredObject } from '../stored-object.ts';
import { admitWrapped, exportable, serialise } from '../wrapped-transfer.ts';
import { type CommandHandler, typeAndIdReply } from './command.ts';

const seal = (key: StoredObject, plaintext: Uint8Array): Uint8Array =>
  sealCcm(key.material, randomBytes(CCM_NONCE_BYTES), plaintext);

/** A wrap key that is RSA cannot do CCM. */
function ccmKey(key: StoredObject): StoredObject {
  return isCcmWrap(key.algorithm) ? key : refuse('invalid-data');
}

function readFormat(request: ByteReader, context: CommandContext): boolean {
  if (request.remaining === 0 || !isFirmwareAtLeast(context.firmware, 2, 4)) return false;
  const format = request.u8();
  return format <= 1 ? format === 1 : refuse('invalid-data');
}

const exportWrapped: CommandHandler = {
  code: COMMAND['export-wrapped'],
  capability: 'export-wrapped',
  run: (request, context) => {
    const wrapId = request.u16();
    const type = request.u8();
    const id = request.u16();
    const withSeed = readFormat(request, context);
    request.end();
    const wrapKey = ccmKey(context.use(OBJECT_TYPE['wrap-key'], wrapId, 'export-wrapped'));
    const target = exportable(context, wrapKey, type, id);
    return seal(wrapKey, serialise(target, { wrapAlgorithm: wrapKey.algorithm, withSeed }));
  },
};

const importWrapped: CommandHandler = {
  code: COMMAND['import-wrapped'],
  capability: 'import-wrapped',
  run: (request, context) => {
    const wrapKey = ccmKey(context.use(OBJECT_TYPE['wrap-key'], request.u16(), 'import-wrapped'));
    const plaintext = openCcm(wrapKey.material, request.rest());
    if (plaintext === null) return refuse('invalid-data');
    const object = admitWrapped(context, wrapKey, plaintext);
    return typeAndIdReply(object.type, object.id);
  },
};

/** In front of the host's data, so that no exported object, which begins with an algorithm, passes for data. */
const DATA_MARK = 0;

/** Before firmware 2.5 a key without the capability is called invalid data. */
function dataKey(request: ByteReader, context: CommandContext, capability: CapabilityName): StoredObject {
  const key = context.object(OBJECT_TYPE['wrap-key'], request.u16());
  if (hasCapability(key.capabilities, capability)) return ccmKey(key);
  return refuse(isFirmwareAtLeast(context.firmware, 2, 5) ? 'insufficient-permissions' : 'invalid-data');
}

const wrapData: CommandHandler = {
  code: COMMAND['wrap-data'],
  capability: 'wrap-data',
  run: (request, context) => {
    const key = dataKey(request, context, 'wrap-data');
    if (request.remaining === 0) refuse('wrong-length');
    return seal(key, Buffer.concat([Uint8Array.of(DATA_MARK), request.rest()]));
  },
};

const unwrapData: CommandHandler = {
  code: COMMAND['unwrap-data'],
  capability: 'unwrap-data',
  run: (request, context) => {
    const key = dataKey(request, context, 'unwrap-data');
    const plaintext = openCcm(key.material, request.rest());
    return plaintext?.[0] === DATA_MARK ? plaintext.slice(1) : refuse('invalid-data');
  },
};

export const CCM_COMMANDS: readonly CommandHandler[] = [exportWrapped, importWrapped, wrapData, unwrapData];
