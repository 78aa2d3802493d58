/**
 * wrap-key, and the same under Yubico's names: export-wrapped (whole object under AES-CCM) and export-rsa-wrapped (key material, or the whole
 * object, under a public wrap key). The key stays where it is.
 */
import { type AttributeName, type KeyAttributes, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import type { WrappedKey } from '../../../keys/wrapped-key.ts';
import { type Field, required, withDefault } from '../../../schema/shape.ts';
import { type Arguments, block, done } from '../../actions/action.ts';
import { key, mechanism, readKey, readKeyIfKnown, readTextIfGiven, shape } from '../../actions/arguments.ts';
import type { Finding } from '../../adapter.ts';
import { exportRsaWrapped as exportObject, getRsaWrappedKey } from '../commands/export-rsa-wrapped.ts';
import { exportWrapped as exportCcm } from '../commands/export-wrapped.ts';
import { attributesOf, type Found, objectInWords, whyNotExportable } from '../objects/key-model.ts';
import { locate } from '../objects/locate.ts';
import { kindOf } from '../objects/object-kinds.ts';
import { objectName } from '../objects/object-name.ts';
import { logProblem } from '../objects/permissions.ts';
import { rightsText } from '../objects/rights-text.ts';
import {
  mayLeave,
  mayWrap,
  type Refusal,
  ROUTE_NAMES,
  routeOf,
  routeProblem,
  type WrapRoute,
} from '../objects/wrap-routes.ts';
import { ALGORITHM, aesKeyBytes, isEd25519, rsaModulusBytes } from '../wire/algorithms.ts';
import type { ObjectInfo } from '../wire/object-info.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { blocks, type YubiHsmAction } from './action.ts';

function usageOf(found: Found): KeyAttributes {
  const attributes = attributesOf(found);
  const usage: { [name in AttributeName]?: boolean } = {};
  for (const name of USAGE_ATTRIBUTES) {
    const value = attributes[name];
    if (value !== undefined) usage[name] = value;
  }
  return usage;
}

function refusals(hsm: YubiHsm, payload: Found, wrapping: ObjectInfo | null, route: WrapRoute): readonly Refusal[] {
  const whyNot = payload.isHalf
    ? 'the public half of a pair is exported with export-public-key'
    : whyNotExportable(payload);
  const pair = wrapping === null ? [] : mayWrap(payload.info, wrapping, route);
  // A wrap key of the wrong kind is the playbook's mistake, and the rest of little help.
  const misfit = pair.find(({ code }) => code === 'argument-invalid');
  return misfit === undefined ? [...mayLeave(hsm, payload.info, route, whyNot), ...pair] : [misfit];
}

/** Under RSA: the one-use key, as long as the modulus, then the payload with RFC 5649, which only of AES keys has a fixed length. */
function wrongLength(payload: ObjectInfo, wrapping: ObjectInfo, route: WrapRoute, bytes: Uint8Array): boolean {
  if (route.oaep === null) return false;
  const rest = bytes.length - (rsaModulusBytes(wrapping.algorithm) ?? 0);
  const length = route.carries === 'key' ? aesKeyBytes(payload.algorithm) : undefined;
  return length === undefined ? rest < 16 || rest % 8 !== 0 : rest !== Math.ceil(length / 8) * 8 + 8;
}

async function exported(hsm: YubiHsm, payload: ObjectInfo, wrapKeyId: number, route: WrapRoute): Promise<Uint8Array> {
  const what = `wrap the ${objectInWords(payload)}`;
  const object = { type: payload.type, id: payload.id };
  if (route.oaep === null) {
    // Without its seed an Ed25519 key works and can never be anything else than an object of a YubiHSM.
    const withSeed = isEd25519(payload.algorithm) && hsm.isFirmwareAtLeast(2, 4);
    return await hsm.call(exportCcm, { wrapKeyId, object, withSeed }, what);
  }
  const request = { wrapKeyId, object, aesAlgorithm: ALGORITHM.aes256, ...route.oaep };
  return await hsm.call(route.carries === 'key' ? getRsaWrappedKey : exportObject, request, what);
}

async function findings(hsm: YubiHsm, args: Arguments, name: string | undefined): Promise<readonly Finding[]> {
  const problem = name === undefined ? null : routeProblem(hsm, name, 'wrap');
  if (problem !== null) return [block(problem)];
  const ref = readKeyIfKnown(args, 'key');
  const route = name === undefined ? undefined : routeOf(name);
  if (ref === null || route === undefined) return [];
  const wrappingRef = readKeyIfKnown(args, 'wrapping-key');
  const wrapping = wrappingRef === null ? null : (await locate(hsm, wrappingRef)).info;
  return refusals(hsm, await locate(hsm, ref), wrapping, route).map(({ reason }) => block(reason));
}

interface Wrapping {
  readonly name: string;
  readonly summary: string;
  readonly fields: Readonly<Record<string, Field>>;
  /** undefined: not known yet. */
  readonly mechanism: (args: Arguments) => string | undefined;
}

function wrapping({ name, summary, fields, mechanism: mechanismOf }: Wrapping): YubiHsmAction {
  return {
    spec: {
      name,
      summary,
      effect: 'read',
      input: shape({ key: key('The key to wrap'), 'wrapping-key': key('The key to wrap it under'), ...fields }),
      outputs: {
        data: { type: 'artifact', lifetime: 'run', description: 'The wrapped key' },
        name: {
          type: 'string',
          lifetime: 'run',
          description: 'Type and id, which no two objects share: symmetric-key-0x0100',
        },
      },
      role: { kind: 'wrap', payload: 'key', wrappingKey: 'wrapping-key', wrapped: 'data' },
    },
    async preview(hsm, calls) {
      const log = await logProblem(hsm, calls.length);
      const all: (readonly Finding[])[] = [];
      for (const args of calls) all.push([...blocks(log), ...(await findings(hsm, args, mechanismOf(args)))]);
      return all;
    },
    async perform(hsm, { args }) {
      const chosen = mechanismOf(args) ?? '';
      const missing = routeProblem(hsm, chosen, 'wrap');
      const route = routeOf(chosen);
      if (missing !== null || route === undefined) throw hsm.fail('capability-missing', `${missing}.`);
      const payload = await locate(hsm, readKey(args, 'key'));
      const under = (await locate(hsm, readKey(args, 'wrapping-key'))).info;
      const [refused] = refusals(hsm, payload, under, route);
      const what = objectInWords(payload.info);
      if (refused !== undefined) throw hsm.fail(refused.code, `the ${what} cannot be wrapped: ${refused.reason}.`);
      const bytes = await exported(hsm, payload.info, under.id, route);
      if (wrongLength(payload.info, under, route, bytes)) {
        throw hsm.fail('mechanism-invalid', `${chosen} of the ${what} gave ${bytes.length} bytes, which it cannot be.`);
      }
      const kind = kindOf(payload.info);
      const data: WrappedKey = {
        kind: 'wrapped-key',
        mechanism: chosen,
        bytes,
        payload: { ...kind, usage: usageOf(payload), rights: rightsText(payload.info) },
      };
      return done({ data, name: objectName(payload.info) });
    },
  };
}

export const wrapKey = wrapping({
  name: 'wrap-key',
  summary: 'Wrap a key under a wrapping key, inside the device',
  fields: { mechanism: required(mechanism) },
  mechanism: (args) => readTextIfGiven(args, 'mechanism'),
});

export const exportWrapped = wrapping({
  name: 'export-wrapped',
  summary: 'Export an object with its name and rights under an AES wrap key, for a YubiHSM',
  fields: {
    mechanism: withDefault({ kind: 'enum', values: ['aes-ccm-yubihsm'], description: 'AES-CCM' }, 'aes-ccm-yubihsm'),
  },
  mechanism: () => 'aes-ccm-yubihsm',
});

/** The mechanism stands for itself in `mechanism`; a whole object has one of its own, since no other device opens it. */
export const exportRsaWrapped = wrapping({
  name: 'export-rsa-wrapped',
  summary: 'Export a key, or a whole object, under a public wrap key',
  fields: {
    as: withDefault(
      {
        kind: 'enum',
        values: ['key', 'object'],
        description: 'key: its material alone, which anybody can open; object: for a YubiHSM',
      },
      'key',
    ),
    mechanism: withDefault(
      {
        kind: 'enum',
        values: ROUTE_NAMES.filter((name) => name !== 'aes-ccm-yubihsm'),
        description: 'Wrapping mechanism of key material; a whole object always has rsa-aes-kwp-yubihsm',
      },
      'rsa-aes-kwp-sha256',
    ),
  },
  mechanism: (args) =>
    readTextIfGiven(args, 'as') === 'object'
      ? 'rsa-aes-kwp-yubihsm'
      : (readTextIfGiven(args, 'mechanism') ?? 'rsa-aes-kwp-sha256'),
});
