/**
 * export-key: an exportable AES key in clear on this computer. The device gives it under a key pair that is made here for this one call (firmware
 * 2.4: put-public-wrap-key, get-rsa-wrapped-key); the wrap key is deleted whatever happens, and what came out is compared with the key there.
 */
import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { type AttributeName, USAGE_ATTRIBUTES } from '../../../keys/attributes.ts';
import { fingerprintClearKey, isClearMethod } from '../../../keys/clear-fingerprint.ts';
import { ClearKey } from '../../../keys/clear-key.ts';
import { rsaFromSpki } from '../../../keys/public-key.ts';
import { done, note } from '../../actions/action.ts';
import { key, readKey, readKeyIfKnown, shape } from '../../actions/arguments.ts';
import type { Finding } from '../../adapter.ts';
import { getRsaWrappedKey } from '../commands/export-rsa-wrapped.ts';
import { putPublicWrapKey } from '../commands/put-public-wrap-key.ts';
import { fingerprintKey, fingerprintMethods } from '../objects/fingerprints.ts';
import { attributesOf, type Found, objectInWords, whyNotExportable } from '../objects/key-model.ts';
import { locate } from '../objects/locate.ts';
import { idText } from '../objects/object-id.ts';
import {
  leftoverNotes,
  ONE_USE_NAME,
  oneUseLabel,
  removeEarlierOneUseKeys,
  removeOneUseKey,
} from '../objects/one-use-key.ts';
import { firmwareLacks, logProblem, sessionLacks } from '../objects/permissions.ts';
import { routeOf } from '../objects/wrap-routes.ts';
import { ALGORITHM, aesKeyBytes } from '../wire/algorithms.ts';
import { capabilitiesBeyond, capabilityMask, capabilityNames, hasCapability } from '../wire/capabilities.ts';
import { digestOfLabel } from '../wire/oaep.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import { rsaUnwrap } from '../wire/rsa-wrap.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { blocks, type YubiHsmAction } from './action.ts';

const ONE_USE_BITS = 2048;
const SHA256 = { hash: 'sha256', mgf1Hash: 'sha256', labelDigest: digestOfLabel('sha256') } as const;

const WHY_IN_CLEAR =
  'in clear on this computer: under RSA the device wraps AES keys with RSA-AES key wrap only, never with RSA-OAEP alone, which is all that some targets take';

/** What should be known of a key that can be exported. */
function notesOf(hsm: YubiHsm, { info }: Found): readonly Finding[] {
  const able = fingerprintMethods(hsm);
  const isCompared = (['encrypt-ecb', 'decrypt-ecb'] as const).some(
    (way) => able.includes(way) && hasCapability(info.capabilities, way),
  );
  if (isCompared) return [note(WHY_IN_CLEAR)];
  const uncompared = `what comes out is not compared with the ${objectInWords(info)}: it or the authentication key lacks encrypt-ecb`;
  return [note(WHY_IN_CLEAR), note(uncompared)];
}

/** Why no key leaves this device in clear. */
const deviceProblem = (hsm: YubiHsm): readonly (string | null)[] => [
  firmwareLacks(hsm, [2, 4], 'RSA wrap', 'export it under an AES wrap key (export-wrapped) to a YubiHSM with 2.4'),
  sessionLacks(hsm, 'export-wrapped', 'put-public-wrap-key', 'delete-public-wrap-key'),
];

function keyProblem(hsm: YubiHsm, found: Found): string | null {
  const { info } = found;
  if (info.type !== OBJECT_TYPE['symmetric-key'])
    return `only AES keys are exported in clear, not the ${objectInWords(info)}`;
  const beyond = capabilitiesBeyond(info.capabilities, hsm.authority.delegated);
  return (
    whyNotExportable(found) ??
    (beyond === 0n
      ? null
      : `the authentication key may not delegate ${capabilityNames(beyond).join(', ')} to a wrap key`)
  );
}

interface OneUse {
  readonly publicKey: KeyObject;
  readonly salt: Uint8Array | undefined;
}

async function wrappedBy(hsm: YubiHsm, { info }: Found, { publicKey, salt }: OneUse): Promise<Uint8Array> {
  const route = routeOf('rsa-aes-kwp-sha256');
  if (route?.oaep == null) throw new Error('no route for key material');
  await removeEarlierOneUseKeys(hsm, salt);
  const id = await hsm.freeId();
  let isMade = false;
  try {
    const { modulus } = rsaFromSpki(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })));
    await hsm.call(
      putPublicWrapKey,
      {
        id,
        label: oneUseLabel(salt),
        domains: info.domains & hsm.authority.domains,
        capabilities: capabilityMask(['export-wrapped']),
        algorithm: ALGORITHM.rsa2048,
        delegatedCapabilities: info.capabilities,
        modulus,
      },
      `put the one-use wrap key ${idText(id)}`,
    );
    isMade = true;
    const object = { type: info.type, id: info.id };
    const request = { wrapKeyId: id, object, aesAlgorithm: ALGORITHM.aes256, ...route.oaep };
    const bytes = await hsm.call(getRsaWrappedKey, request, `export the ${objectInWords(info)}`);
    await removeOneUseKey(hsm, id);
    return bytes;
  } catch (error) {
    if (!(error instanceof KeyferryError)) throw error;
    if (!isMade && error.outcome === 'not-applied') throw error;
    const isGone = await removeOneUseKey(hsm, id).then(
      () => true,
      () => false,
    );
    throw isGone ? cleared(hsm, error) : withLeftover(error, id);
  }
}

/** Nothing is left on the device, which answers again: whatever became of the call before, it may be made anew. */
function cleared(hsm: YubiHsm, error: KeyferryError): KeyferryError {
  if (error.outcome !== 'unknown' || (error.scope === 'run' && error.code !== 'device-lost')) return error;
  const what = `could not export the key: ${error.operation ?? 'a command'} for its one-use wrap key had no answer that can be believed`;
  return hsm.fail('device-busy', `${what}. That wrap key is not on the device now.`, { cause: error });
}

function withLeftover(error: KeyferryError, id: number): KeyferryError {
  const left = `The public wrap key ${idText(id)} "${ONE_USE_NAME}" may still be there; delete it.`;
  return new KeyferryError(error.code, `${error.message} ${left}`, { ...error.toRecord(), cause: error });
}

async function clearBytes(hsm: YubiHsm, found: Found, salt: Uint8Array | undefined): Promise<Uint8Array> {
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: ONE_USE_BITS });
  const blob = await wrappedBy(hsm, found, { publicKey: pair.publicKey, salt });
  const bytes = rsaUnwrap(blob, pair.privateKey, SHA256);
  if (bytes === null)
    throw hsm.fail('mechanism-invalid', `what it gave of the ${objectInWords(found.info)} cannot be opened.`);
  if (bytes.length === aesKeyBytes(found.info.algorithm)) return bytes;
  bytes.fill(0);
  throw hsm.fail('mechanism-invalid', `the ${objectInWords(found.info)} came out with another length than it has.`);
}

async function requireSame(hsm: YubiHsm, found: Found, clear: ClearKey): Promise<void> {
  const salt = new Uint8Array(randomBytes(16));
  const there = await fingerprintKey(hsm, found, salt, fingerprintMethods(hsm).filter(isClearMethod));
  if (there === null || !isClearMethod(there.method)) return;
  if (fingerprintClearKey(clear, salt, there.method)?.value === there.value) return;
  throw hsm.fail('verification-failed', `what came out is not the ${objectInWords(found.info)} (${there.method}).`);
}

function usageOf(found: Found): { readonly [name in AttributeName]?: boolean } {
  const attributes = attributesOf(found);
  return Object.fromEntries(USAGE_ATTRIBUTES.map((name) => [name, attributes[name] ?? false]));
}

export const exportKey: YubiHsmAction = {
  spec: {
    name: 'export-key',
    summary: 'Bring an exportable AES key in clear to this computer',
    effect: 'read',
    exposes: 'plaintext',
    input: shape({ key: key('The key to export') }),
    outputs: { material: { type: 'artifact', lifetime: 'run', description: 'The key in clear' } },
  },
  async preview(hsm, calls) {
    const log = await logProblem(hsm, 3 * calls.length);
    const left = await leftoverNotes(hsm);
    const all: (readonly Finding[])[] = [];
    for (const args of calls) {
      const ref = readKeyIfKnown(args, 'key');
      const found = ref === null ? null : await locate(hsm, ref);
      const problems = blocks(log, ...deviceProblem(hsm), found === null ? null : keyProblem(hsm, found));
      all.push(problems.length > 0 || found === null ? problems : [...notesOf(hsm, found), ...left]);
    }
    return all;
  },
  async perform(hsm, { args, salt }) {
    const problem = deviceProblem(hsm).find((reason) => reason !== null);
    if (problem != null) throw hsm.fail('capability-missing', `${problem}.`);
    const found = await locate(hsm, readKey(args, 'key'));
    const stuck = keyProblem(hsm, found);
    if (stuck !== null)
      throw hsm.fail('key-not-extractable', `the ${objectInWords(found.info)} cannot be exported: ${stuck}.`);
    const clear = new ClearKey('aes', await clearBytes(hsm, found, salt), usageOf(found));
    try {
      await requireSame(hsm, found, clear);
    } catch (error) {
      clear.wipe();
      throw error;
    }
    return done({ material: clear });
  },
};
