/** Commands about any object: list, describe, public key, delete. */
import { isAsymmetric, isRsa } from '../../wire/algorithms.ts';
import type { CapabilityName } from '../../wire/capabilities.ts';
import { COMMAND } from '../../wire/command-codes.ts';
import { encodeObjectInfo } from '../../wire/object-info.ts';
import { OBJECT_TYPE } from '../../wire/object-types.ts';
import type { ByteReader } from '../../wire/reader.ts';
import { ByteWriter } from '../../wire/writer.ts';
import { publicKeyOf } from '../key-material.ts';
import { refuse } from '../refusal.ts';
import { infoOf, type StoredObject } from '../stored-object.ts';
import { type CommandHandler, NOTHING } from './command.ts';

type Filter = (object: StoredObject) => boolean;

/** Of domains and capabilities one that matches is enough. */
function readFilter(request: ByteReader): Filter {
  switch (request.u8()) {
    case 1: {
      const id = request.u16();
      return (object) => object.id === id;
    }
    case 2: {
      const type = request.u8();
      return (object) => object.type === type;
    }
    case 3: {
      const domains = request.u16();
      return (object) => (object.domains & domains) !== 0;
    }
    case 4: {
      const capabilities = request.u64();
      return (object) => (object.capabilities & capabilities) !== 0n;
    }
    case 5: {
      const algorithm = request.u8();
      return (object) => object.algorithm === algorithm;
    }
    case 6: {
      const label = request.label();
      return (object) => Buffer.compare(object.label, label) === 0;
    }
    default:
      return refuse('invalid-data');
  }
}

export const listObjects: CommandHandler = {
  code: COMMAND['list-objects'],
  run: (request, context) => {
    const filters: Filter[] = [];
    while (request.remaining > 0) filters.push(readFilter(request));
    const writer = new ByteWriter();
    for (const object of context.visibleObjects()) {
      if (filters.every((matches) => matches(object))) writer.u16(object.id).u8(object.type).u8(object.sequence);
    }
    return writer.toBytes();
  },
};

export const getObjectInfo: CommandHandler = {
  code: COMMAND['get-object-info'],
  run: (request, context) => {
    const id = request.u16();
    const type = request.u8();
    request.end();
    return encodeObjectInfo(infoOf(context.object(type, id)));
  },
};

const hasPublicKey = (object: StoredObject): boolean =>
  object.type === OBJECT_TYPE['asymmetric-key'] ? isAsymmetric(object.algorithm) : isRsa(object.algorithm);

const PUBLIC_KEY_TYPES: readonly number[] = [
  OBJECT_TYPE['asymmetric-key'],
  OBJECT_TYPE['wrap-key'],
  OBJECT_TYPE['public-wrap-key'],
];

export const getPublicKey: CommandHandler = {
  code: COMMAND['get-public-key'],
  run: (request, context) => {
    const id = request.u16();
    const type = request.remaining === 0 ? OBJECT_TYPE['asymmetric-key'] : request.u8();
    request.end();
    if (!PUBLIC_KEY_TYPES.includes(type)) refuse('invalid-data');
    const object = context.object(type, id);
    if (!hasPublicKey(object)) refuse('invalid-data');
    return new ByteWriter().u8(object.algorithm).bytes(publicKeyOf(object)).toBytes();
  },
};

const DELETE: ReadonlyMap<number, CapabilityName> = new Map([
  [OBJECT_TYPE.opaque, 'delete-opaque'],
  [OBJECT_TYPE['authentication-key'], 'delete-authentication-key'],
  [OBJECT_TYPE['asymmetric-key'], 'delete-asymmetric-key'],
  [OBJECT_TYPE['wrap-key'], 'delete-wrap-key'],
  [OBJECT_TYPE['hmac-key'], 'delete-hmac-key'],
  [OBJECT_TYPE.template, 'delete-template'],
  [OBJECT_TYPE['otp-aead-key'], 'delete-otp-aead-key'],
  [OBJECT_TYPE['symmetric-key'], 'delete-symmetric-key'],
  [OBJECT_TYPE['public-wrap-key'], 'delete-public-wrap-key'],
]);

/** Takes the capability of the type on the session alone: what the object itself may do does not matter. */
export const deleteObject: CommandHandler = {
  code: COMMAND['delete-object'],
  run: (request, context) => {
    const id = request.u16();
    const type = request.u8();
    request.end();
    const capability = DELETE.get(type);
    if (capability === undefined) return refuse('invalid-data');
    context.requireOnSession(capability);
    context.remove(context.object(type, id));
    return NOTHING;
  },
};
