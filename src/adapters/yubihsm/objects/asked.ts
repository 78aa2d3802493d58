/** What a creating command asks for, how it goes on the wire, and what is read back of it. */
import type { Violation } from '../../adapter.ts';
import { algorithmName } from '../wire/algorithms.ts';
import { capabilitiesBeyond, capabilityNames } from '../wire/capabilities.ts';
import { LABEL_BYTES } from '../wire/label.ts';
import type { ObjectHeader } from '../wire/object-header.ts';
import type { ObjectInfo } from '../wire/object-info.ts';
import { domainsText } from '../wire/object-types.ts';
import { labelHexOf, objectInWords } from './key-model.ts';

export interface Asked {
  readonly type: number;
  readonly algorithm: number;
  /** Hex. */
  readonly label: string;
  readonly domains: number;
  readonly capabilities: bigint;
  /** Of wrap keys: what their payloads may be able to do. undefined: the type has none. */
  readonly delegated?: bigint;
}

export const headerOf = (asked: Asked, id: number): ObjectHeader => ({
  id,
  label: new Uint8Array(Buffer.from(asked.label, 'hex')),
  domains: asked.domains,
  capabilities: asked.capabilities,
  algorithm: asked.algorithm,
});

/** null: the device can keep it. */
export function labelProblem(label: string): string | null {
  const bytes = label.length / 2;
  if (bytes > LABEL_BYTES) return `its label has ${bytes} bytes, and a YubiHSM keeps ${LABEL_BYTES} at most`;
  return label.endsWith('00') ? 'its label ends with a zero byte, which a YubiHSM does not keep' : null;
}

/** `wrapping-key-widened` for a wrap key that can do more than asked: under it more could leave, or come in. */
export function differences(device: string, asked: Asked, info: ObjectInfo): readonly Violation[] {
  const what = `the ${objectInWords(info)} on ${device}`;
  const found: Violation[] = [];
  const differs = (name: string, got: string, wanted: string, isWider = false): void => {
    const code = isWider && asked.delegated !== undefined ? 'wrapping-key-widened' : 'attribute-mismatch';
    found.push({ code, message: `${what} has ${name} ${got}, not ${wanted}.` });
  };
  const masks = (name: string, got: bigint, wanted: bigint): void => {
    if (got === wanted) return;
    const words = (mask: bigint): string => capabilityNames(mask).join(',') || 'none';
    differs(name, words(got), words(wanted), capabilitiesBeyond(got, wanted) !== 0n);
  };
  masks('capabilities', info.capabilities, asked.capabilities);
  if (asked.delegated !== undefined) masks('delegated capabilities', info.delegatedCapabilities, asked.delegated);
  if (info.domains !== asked.domains) differs('domains', domainsText(info.domains), domainsText(asked.domains));
  if (info.algorithm !== asked.algorithm)
    differs('algorithm', algorithmName(info.algorithm), algorithmName(asked.algorithm));
  if (labelHexOf(info) !== asked.label) differs('label (hex)', labelHexOf(info), asked.label);
  return found;
}
