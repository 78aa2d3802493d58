/**
 * import-key and put-symmetric-key: an AES key in clear becomes a key of the device (firmware 2.3), which is how the device takes it: inside the
 * encrypted session. What arrived is compared with the bytes, and after a crash, when they are gone, with the fingerprint in the intent.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { type ClearMethod, checkValueOfClearKey, fingerprintClearKey } from '../../../keys/clear-fingerprint.ts';
import { ClearKey } from '../../../keys/clear-key.ts';
import { checkClearKey } from '../../../keys/clear-key-check.ts';
import type { Fingerprint } from '../../../keys/fingerprint.ts';
import { labelHex } from '../../../keys/locator.ts';
import { optional, withDefault } from '../../../schema/shape.ts';
import { type Arguments, done, type Source } from '../../actions/action.ts';
import { artifact, readKeyIfKnown, readTextIfGiven, shape } from '../../actions/arguments.ts';
import { type ActionCall, type ActionResult, type Finding, isNotYet, type Violation } from '../../adapter.ts';
import { putSymmetricKey as putCommand } from '../commands/put-symmetric-key.ts';
import { type Asked, differences, headerOf } from '../objects/asked.ts';
import { comparedForecast, idFor, readBack, reconcileCreation, type Wanted } from '../objects/creation.ts';
import { duplicateFindings } from '../objects/duplicates.ts';
import { fingerprintKey, fingerprintMethods } from '../objects/fingerprints.ts';
import { type Found, objectInWords } from '../objects/key-model.ts';
import { refOf } from '../objects/locate.ts';
import { objectIdOf } from '../objects/object-id.ts';
import { AES_ALGORITHM } from '../objects/object-kinds.ts';
import { askedProblems, firmwareLacks, idTaken, logProblem, sessionLacks } from '../objects/permissions.ts';
import { hasCapability } from '../wire/capabilities.ts';
import { OBJECT_TYPE } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { blocks, renamed, type YubiHsmAction } from './action.ts';
import { capabilities, domains, objectId, readObjectIdIfGiven } from './arguments.ts';
import { toMake } from './making.ts';
import { choose, domainsOf, NEW_KEY, rightsOf } from './new-object.ts';

const TYPE = OBJECT_TYPE['symmetric-key'];

/** null: not known yet, or gone with an earlier process. */
function materialOf(args: Arguments): ClearKey | null {
  const { material } = args;
  if (material === undefined || isNotYet(material)) return null;
  if (!(material instanceof ClearKey)) {
    throw new KeyferryError(
      'argument-invalid',
      'The argument "material" must be a key in clear, as export-key or get-random gives it.',
    );
  }
  const { problem } = checkClearKey('aes', material.reveal());
  if (problem !== null) throw new KeyferryError('argument-invalid', `The key cannot be imported: ${problem}.`);
  return material;
}

function labelOf(args: Arguments): string {
  const label = readTextIfGiven(args, 'label');
  return label === undefined ? (readKeyIfKnown(args, 'like')?.locator.label ?? '') : labelHex(label);
}

function wantedOf(args: Arguments): Wanted {
  const like = readKeyIfKnown(args, 'like');
  const id = readObjectIdIfGiven(args) ?? (like === null ? undefined : objectIdOf(like.locator.id));
  return { objectTypes: [TYPE], class: 'secret', type: 'aes', label: labelOf(args), id };
}

/** Length null: the shortest, so that what else is wrong can be said. */
function askedOf(hsm: YubiHsm, args: Arguments, key: ClearKey | null): Asked {
  const usage = key?.usage ?? { encrypt: true, decrypt: true };
  return {
    type: TYPE,
    algorithm: choose(AES_ALGORITHM, (key?.reveal().length ?? 16) * 8, 'AES key in bits'),
    label: labelOf(args),
    domains: domainsOf(hsm, args),
    capabilities: rightsOf('aes', args, usage).capabilities,
  };
}

const NOT_COMPARED = 'with these capabilities the key could not be compared with its bytes, so it is not imported';

/** undefined: the key that arrives could not be compared with its bytes. */
function methodFor(hsm: YubiHsm, rights: bigint): ClearMethod | undefined {
  const able = fingerprintMethods(hsm);
  const ways = ['encrypt-ecb', 'decrypt-ecb'] as const;
  return ways.find((way) => able.includes(way) && hasCapability(rights, way));
}

function problems(hsm: YubiHsm, args: Arguments): readonly string[] {
  const old = firmwareLacks(hsm, [2, 3], 'AES keys', 'keep the bytes as an opaque object, or use a newer device');
  if (old !== null) return [old];
  if (args.like === undefined && args.label === undefined) return ['it needs "label", or a key that it is "like"'];
  const session = sessionLacks(hsm, 'put-symmetric-key');
  const asked = askedOf(hsm, args, materialOf(args));
  return [
    ...(session === null ? [] : [session]),
    ...rightsOf('aes', args).problems,
    ...askedProblems(hsm, asked),
    ...(methodFor(hsm, asked.capabilities) === undefined ? [NOT_COMPARED] : []),
  ];
}

function sourceOf(hsm: YubiHsm, call: ActionCall, key: ClearKey): NonNullable<Source> {
  const method = methodFor(hsm, askedOf(hsm, call.args, key).capabilities);
  if (method === undefined) throw hsm.fail('capability-missing', `${NOT_COMPARED}.`);
  const salt = call.salt ?? new Uint8Array(16);
  const fingerprint = fingerprintClearKey(key, salt, method);
  if (fingerprint === null) throw hsm.fail('capability-missing', `${NOT_COMPARED}.`);
  return { fingerprint, salt };
}

/** `wanted`: what the key must give, and under which salt. */
async function result(
  hsm: YubiHsm,
  args: Arguments,
  found: Found,
  wanted: NonNullable<Source>,
  key: ClearKey | null,
): Promise<ActionResult> {
  const { fingerprint, salt } = wanted;
  const got = await fingerprintKey(hsm, found, salt, [fingerprint.method]);
  const isSame = got?.value === fingerprint.value;
  const message = `${hsm.name} does not hold the key that was given to it as ${objectInWords(found.info)} (${fingerprint.method}).`;
  const other: readonly Violation[] = isSame ? [] : [{ code: 'verification-failed', message }];
  const rights = key === null ? [] : differences(hsm.name, askedOf(hsm, args, key), found.info);
  const outputs = {
    key: refOf(hsm, found, isSame ? fingerprint : null),
    method: fingerprint.method,
    ...(key === null ? {} : { kcv: checkValueOfClearKey(key) }),
  };
  return done(outputs, [...other, ...rights]);
}

async function previewOne(hsm: YubiHsm, args: Arguments, salt: Uint8Array | null): Promise<readonly Finding[]> {
  try {
    const found = problems(hsm, args);
    if (found.length > 0) return blocks(...found);
  } catch (error) {
    if (error instanceof KeyferryError && error.code === 'argument-invalid') return blocks(error.message);
    throw error;
  }
  const { id, label } = wantedOf(args);
  const like = readKeyIfKnown(args, 'like');
  if (like === null) return blocks(await idTaken(hsm, TYPE, id));
  const [there = []] = await duplicateFindings(hsm, [{ source: like.locator, objectType: TYPE, id, label }], salt);
  return there;
}

export const importKey: YubiHsmAction = {
  spec: {
    name: 'import-key',
    summary: 'Create a key from a symmetric key in clear',
    effect: 'create',
    exposes: 'plaintext',
    input: shape({
      material: artifact('The key, as export-key or get-random gives it'),
      type: optional({ kind: 'enum', values: ['aes'], description: 'A YubiHSM takes AES: 16, 24 or 32 bytes' }),
      like: optional({ kind: 'opaque', type: 'key', description: 'Label, id and type are taken from this key' }),
      ...NEW_KEY,
      label: optional({ kind: 'string', description: 'Label of the new key' }),
      id: objectId,
      domains,
      capabilities,
      extractable: withDefault({ kind: 'boolean', description: 'Whether it may leave the device wrapped' }, false),
    }),
    outputs: {
      key: { type: 'key', lifetime: 'permanent', description: 'The new key' },
      kcv: { type: 'string', lifetime: 'permanent', description: 'Its check value, six hex digits' },
      method: { type: 'string', lifetime: 'permanent', description: 'How it was compared with the bytes' },
    },
    undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
    role: { kind: 'import', like: 'like', key: 'key', method: 'method' },
  },
  async preview(hsm, calls, salt) {
    const log = await logProblem(hsm, calls.length);
    const all: (readonly Finding[])[] = [];
    for (const args of calls) all.push([...blocks(log), ...(await previewOne(hsm, args, salt))]);
    return all;
  },
  async expect(hsm, call) {
    const key = materialOf(call.args);
    if (key === null) throw hsm.fail('argument-invalid', 'the key to be imported is not there yet.');
    return await comparedForecast(hsm, wantedOf(call.args), sourceOf(hsm, call, key));
  },
  async perform(hsm, call) {
    const { args } = call;
    const [problem] = problems(hsm, args);
    if (problem !== undefined) throw hsm.fail('capability-missing', `${problem}.`);
    const key = materialOf(args);
    if (key === null) throw hsm.fail('argument-invalid', 'the key to be imported is not there yet.');
    const source = sourceOf(hsm, call, key);
    const asked = askedOf(hsm, args, key);
    const id = await idFor(hsm, call, wantedOf(args));
    await hsm.call(putCommand, { ...headerOf(asked, id), key: key.reveal() }, toMake('put', asked, id));
    return await hsm.checking(async () => result(hsm, args, await readBack(hsm, TYPE, id), source, key));
  },
  async reconcile(hsm, call) {
    const recorded = recordedFingerprint(call);
    const source = recorded === null ? null : { fingerprint: recorded, salt: call.salt ?? new Uint8Array(16) };
    return await reconcileCreation(hsm, call, {
      wanted: wantedOf(call.args),
      source,
      async result(found) {
        // Of key material that is made anew each time only the intent knows what was sent.
        if (source === null) throw hsm.fail('needs-attention', 'the intent does not say which key was to be made.');
        return await result(hsm, call.args, found, source, null);
      },
    });
  },
};

const recordedFingerprint = ({ expectation }: ActionCall): Fingerprint | null =>
  expectation?.kind === 'count' ? expectation.locator.fingerprint : null;

export const putSymmetricKey = renamed(importKey, 'put-symmetric-key', 'Put an AES key in clear on the device');
