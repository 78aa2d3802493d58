/** What the commands that create an object share: header, checks, storing. */
import type { CapabilityName } from '../../wire/capabilities.ts';
import type { FirmwareVersion } from '../../wire/frame.ts';
import { readObjectHeader } from '../../wire/object-header.ts';
import { ORIGIN } from '../../wire/object-types.ts';
import type { ByteReader } from '../../wire/reader.ts';
import type { CommandContext } from '../command-context.ts';
import { refuse } from '../refusal.ts';
import { hasDelegated } from '../stored-object.ts';
import { type CommandHandler, idReply } from './command.ts';

/** Makes the material out of the rest of the request. null: it is none of this algorithm. */
type Material = (algorithm: number, rest: ByteReader) => Uint8Array | null | Promise<Uint8Array | null>;

export interface Creation {
  readonly code: number;
  readonly capability: CapabilityName;
  readonly type: number;
  readonly origin: number;
  isOfType(algorithm: number, firmware: FirmwareVersion): boolean;
  readonly material: Material;
}

/** A command that reads header, delegated capabilities where the type has them, and key. */
export function creation(spec: Creation): CommandHandler {
  return {
    code: spec.code,
    capability: spec.capability,
    run: async (request, context) => {
      const header = readObjectHeader(request);
      const delegated = hasDelegated(spec.type) ? request.u64() : 0n;
      if (!spec.isOfType(header.algorithm, context.firmware)) refuse('invalid-data');
      const id = context.admit({ ...header, type: spec.type, delegated });
      return await store(spec, { ...header, id, delegated }, request, context);
    },
  };
}

interface Admitted {
  readonly id: number;
  readonly label: Uint8Array;
  readonly domains: number;
  readonly capabilities: bigint;
  readonly algorithm: number;
  readonly delegated: bigint;
}

async function store(
  { type, origin, material: make }: Creation,
  admitted: Admitted,
  rest: ByteReader,
  context: CommandContext,
): Promise<Uint8Array> {
  const material = await make(admitted.algorithm, rest);
  if (material === null) return refuse('invalid-data');
  rest.end();
  return idReply(context.store({ ...admitted, type, origin, material }).id);
}

export const generated = { origin: ORIGIN.generated } as const;
export const imported = { origin: ORIGIN.imported } as const;

/** Exactly so many bytes of key; a request of another length is refused as such. */
export function keyOf(rest: ByteReader, bytes: number | undefined): Uint8Array {
  if (bytes === undefined) return refuse('invalid-data');
  return rest.remaining === bytes ? rest.bytes(bytes) : refuse('wrong-length');
}
