/** Capabilities and domains of an object as text that travels with its wrapped key from one YubiHSM to another. */
import type { ObjectInfo } from '../wire/object-info.ts';

export interface ObjectRights {
  readonly capabilities: bigint;
  readonly domains: number;
}

const FORM = /^yubihsm:([0-9a-f]{16}):([0-9a-f]{4})$/;

export const rightsText = ({ capabilities, domains }: Pick<ObjectInfo, 'capabilities' | 'domains'>): string =>
  `yubihsm:${capabilities.toString(16).padStart(16, '0')}:${domains.toString(16).padStart(4, '0')}`;

/** undefined: of another kind of device, or of none. */
export function rightsFromText(text: string | undefined): ObjectRights | undefined {
  const [, capabilities, domains] = FORM.exec(text ?? '') ?? [];
  if (capabilities === undefined || domains === undefined) return undefined;
  return { capabilities: BigInt(`0x${capabilities}`), domains: Number.parseInt(domains, 16) };
}
