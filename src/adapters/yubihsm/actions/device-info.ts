/** device-info and find-objects: what the device says of itself, and every object that the session sees, keys or not. */

import { optional } from '../../../schema/shape.ts';
import { done } from '../../actions/action.ts';
import { readTextIfGiven, shape } from '../../actions/arguments.ts';
import type { OutputSpec } from '../../adapter.ts';
import { getStorageInfo } from '../commands/get-storage-info.ts';
import type { ObjectFilter } from '../commands/list-objects.ts';
import { type Found, labelHexOf, shownLabel, whyNotExportable } from '../objects/key-model.ts';
import { refOf } from '../objects/locate.ts';
import { idHex } from '../objects/object-id.ts';
import { ALGORITHM, algorithmName, isAlgorithmName } from '../wire/algorithms.ts';
import { capabilitiesBeyond, capabilityNames } from '../wire/capabilities.ts';
import { domainsText, isObjectTypeName, OBJECT_TYPE, objectTypeName, originName } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import type { YubiHsmAction } from './action.ts';
import {
  capabilities,
  domains,
  objectId,
  readCapabilitiesIfGiven,
  readDomainsIfGiven,
  readObjectIdIfGiven,
} from './arguments.ts';

const text = (description: string): OutputSpec => ({ type: 'string', lifetime: 'run', description });
const int = (description: string): OutputSpec => ({ type: 'int', lifetime: 'run', description });

export const deviceInfo: YubiHsmAction = {
  spec: {
    name: 'device-info',
    summary: 'Read firmware, serial number, free places and the state of the audit log',
    effect: 'read',
    input: shape({}),
    outputs: {
      serial: text('Serial number'),
      firmware: text('Firmware version'),
      log_used: int('Entries in the audit log'),
      log_total: int('Entries that it can hold'),
      force_audit: text('on, off, or unknown where the session may not ask'),
      free_objects: int('Objects that there is room for'),
      total_objects: int('Objects that it can hold'),
      algorithms: { type: 'list', lifetime: 'run', description: 'Algorithms of this firmware, by name' },
    },
  },
  async perform(hsm) {
    const { logUsed, logTotal } = await hsm.deviceInfo();
    const storage = await hsm.call(getStorageInfo, undefined, 'read how much room there is');
    const isForced = await hsm.forceAudit();
    return done({
      serial: hsm.serial,
      firmware: hsm.firmware,
      log_used: logUsed,
      log_total: logTotal,
      force_audit: isForced === null ? 'unknown' : isForced ? 'on' : 'off',
      free_objects: storage.freeRecords,
      total_objects: storage.totalRecords,
      algorithms: hsm.algorithms.map(algorithmName),
    });
  },
};

const lineOf = (found: Found) => {
  const { info } = found;
  const label = labelHexOf(info);
  return {
    type: objectTypeName(info.type),
    id: idHex(info.id),
    label: shownLabel(label) ?? label,
    algorithm: algorithmName(info.algorithm),
    domains: domainsText(info.domains),
    capabilities: capabilityNames(info.capabilities),
    delegated: capabilityNames(info.delegatedCapabilities),
    origin: originName(info.origin),
    sequence: info.sequence,
    reason: whyNotExportable(found) ?? '',
  };
};

export const findObjects: YubiHsmAction = {
  spec: {
    name: 'find-objects',
    summary: 'Find objects of any type, with what the device says of each',
    effect: 'read',
    input: shape({
      type: optional({ kind: 'enum', values: Object.keys(OBJECT_TYPE), description: 'Type of object' }),
      id: objectId,
      label: optional({ kind: 'string', description: 'Exact label' }),
      algorithm: optional({ kind: 'enum', values: Object.keys(ALGORITHM), description: 'Algorithm of the object' }),
      domains,
      capabilities,
    }),
    outputs: {
      objects: { type: 'list', lifetime: 'run', description: 'The objects, by type and id' },
      lines: {
        type: 'list',
        lifetime: 'run',
        description: 'Of each: type, id, label, rights, and why it cannot leave',
      },
      count: int('How many'),
    },
  },
  async perform(hsm, { args }) {
    const wanted = readCapabilitiesIfGiven(args);
    const mask = readDomainsIfGiven(args);
    const label = readTextIfGiven(args, 'label');
    const found = (await everything(hsm, filterOf(args))).filter(
      ({ info }) =>
        (label === undefined || shownLabel(labelHexOf(info)) === label) &&
        (mask === undefined || (info.domains & mask) === mask) &&
        (wanted === undefined || capabilitiesBeyond(wanted, info.capabilities) === 0n),
    );
    return done({ objects: found.map((each) => refOf(hsm, each)), lines: found.map(lineOf), count: found.length });
  },
};

/** The device knows "in one of the domains" and "with one of the capabilities"; all of them are asked for here, so those it is not asked. */
function filterOf(args: Readonly<Record<string, unknown>>): ObjectFilter {
  const type = readTextIfGiven(args, 'type');
  const algorithm = readTextIfGiven(args, 'algorithm');
  const id = readObjectIdIfGiven(args);
  return {
    ...(type !== undefined && isObjectTypeName(type) ? { type: OBJECT_TYPE[type] } : {}),
    ...(algorithm !== undefined && isAlgorithmName(algorithm) ? { algorithm: ALGORITHM[algorithm] } : {}),
    ...(id === undefined ? {} : { id }),
  };
}

async function everything(hsm: YubiHsm, filter: ObjectFilter): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const { type, id } of await hsm.list(filter)) {
    const info = await hsm.info({ type, id });
    if (info !== null) found.push({ info, isHalf: false });
  }
  return found.sort((one, other) => one.info.type - other.info.type || one.info.id - other.info.id);
}
