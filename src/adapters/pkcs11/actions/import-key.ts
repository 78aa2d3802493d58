/**
 * import-key: a symmetric key in clear becomes a key of the device, as the old tools' imSymKey does it. The device is given it under
 * RSA-OAEP (it never takes CKA_VALUE), its fingerprint is compared with that of the bytes, and equal material is never imported twice.
 */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { type ClearMethod, checkValueOfClearKey, fingerprintClearKey } from '../../../keys/clear-fingerprint.ts';
import { CLEAR_KEY_TYPES, type ClearKey } from '../../../keys/clear-key.ts';
import type { Fingerprint } from '../../../keys/fingerprint.ts';
import { optional, path } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import { attributes, id, readKeyIfKnown, readTextIfGiven, shape } from '../../actions/arguments.ts';
import type { ActionCall, ActionResult, Finding, Violation } from '../../adapter.ts';
import { forecast, idFor, reconcileCreation } from '../creation.ts';
import type { Handle } from '../cryptoki.ts';
import { duplicatesOn } from '../duplicates.ts';
import { fingerprintKey } from '../fingerprints.ts';
import { inWords } from '../locate.ts';
import type { ObjectName } from '../object-index.ts';
import { bringIn, readyPair, transportIn } from '../plaintext/clear-transport.ts';
import {
  askedOf,
  comparisonFor,
  importProblem,
  type Material,
  materialOf,
  templateFor,
  wantedOf,
} from '../plaintext/import-arguments.ts';
import { materialOn } from '../plaintext/material-search.ts';
import { differences } from '../template.ts';
import type { Token } from '../token.ts';
import type { Pkcs11Action } from './action.ts';

const BLOCK = (reason: string): Finding => ({ level: 'block', reason });

const NO_TRANSPORT = 'takes no key in clear: it cannot unwrap with RSA-OAEP';
const NOT_COMPARED =
  'with these attributes the arrived key could not be compared with its bytes, so it is not imported';

function methodOf(token: Token, args: Arguments, key: ClearKey): ClearMethod {
  const method = comparisonFor(token, key.type, askedOf(args, key));
  if (method === undefined) throw token.fail('capability-missing', `${NOT_COMPARED}.`);
  return method;
}

/** The fingerprint that the arrived key must have. */
const sourceOf = (token: Token, args: Arguments, key: ClearKey, salt: Uint8Array): Fingerprint | null =>
  fingerprintClearKey(key, salt, methodOf(token, args, key));

async function findings(token: Token, args: Arguments, salt: Uint8Array | null): Promise<readonly Finding[]> {
  const problem = importProblem(args);
  if (problem !== null) return [BLOCK(problem)];
  if (transportIn(token) === undefined) return [BLOCK(`${token.name} ${NO_TRANSPORT}`)];
  let material: Material | null;
  try {
    material = await materialOf(args);
  } catch (error) {
    if (error instanceof KeyferryError) return [BLOCK(error.message)];
    throw error;
  }
  if (material === null) return [];
  const { key, notes } = material;
  try {
    if (comparisonFor(token, key.type, askedOf(args, key)) === undefined) return [BLOCK(NOT_COMPARED)];
    const found = notes.map((reason): Finding => ({ level: 'note', reason }));
    return [...(await collisions(token, args, key, salt)), ...found];
  } finally {
    material.release();
  }
}

async function collisions(token: Token, args: Arguments, key: ClearKey, salt: Uint8Array | null): Promise<Finding[]> {
  if (salt !== null) {
    const search = materialOn(token, salt);
    const there = await search.find(key);
    if (there !== null) return [{ level: 'duplicate', reason: `already on ${token.name} as ${inWords(there)}` }];
    const other = search.otherFile(key, readTextIfGiven(args, 'path') ?? '');
    if (other !== null) return [{ level: 'duplicate', reason: `${other} holds the same key, and is imported` }];
  }
  const { id: wantedId = '' } = wantedOf(args);
  if (wantedId === '') return [];
  const taken = token.find('secret').some((handle) => token.nameAt(handle, 'secret').id === wantedId);
  const reason = `id ${wantedId} on ${token.name} belongs to another key`;
  return taken ? [{ level: token.uniqueIds ? 'block' : 'note', reason }] : [];
}

/** Where the key comes from another device, its fingerprint is known before its bytes are. */
async function likeFindings(token: Token, args: Arguments, salt: Uint8Array | null): Promise<readonly Finding[]> {
  const like = readKeyIfKnown(args, 'like');
  if (like === null || importProblem(args) !== null) return [];
  const { classes, id: wantedId, type, label } = wantedOf(args);
  const arriving = { class: classes[0], type, label, id: wantedId ?? '' };
  return (await duplicatesOn(token, salt).findings([{ locator: like.locator, arriving }]))[0] ?? [];
}

async function checked(
  token: Token,
  call: ActionCall,
  handle: Handle,
  found: { readonly name: ObjectName; readonly key: ClearKey },
): Promise<ActionResult> {
  const { name, key } = found;
  const salt = call.salt ?? new Uint8Array(16);
  const method = methodOf(token, call.args, key);
  const wanted = fingerprintClearKey(key, salt, method);
  const got = await fingerprintKey(token, token.facts(handle, 'secret'), salt, [method]);
  const isSame = wanted !== null && got?.value === wanted.value;
  const other: Violation[] = isSame
    ? []
    : [
        {
          code: 'verification-failed',
          message: `${token.name} does not hold the key that was given to it (${method}).`,
        },
      ];
  return done({ key: token.ref(name, isSame ? wanted : null), kcv: checkValueOfClearKey(key), method }, [
    ...other,
    ...differences(token, handle, templateFor(token, call.args, name.id, key)),
  ]);
}

export const importKey: Pkcs11Action = {
  spec: {
    name: 'import-key',
    summary: 'Create a key from a symmetric key in clear',
    effect: 'create',
    exposes: 'plaintext',
    input: shape({
      path: optional(path('The file that holds the key: its bytes, nothing else')),
      material: optional({ kind: 'opaque', type: 'artifact', description: 'The key, as export-key gives it' }),
      type: optional({ kind: 'enum', values: CLEAR_KEY_TYPES, description: 'AES: 16, 24 or 32 bytes; des3: 24' }),
      bits: optional({ kind: 'integer', minimum: 128, maximum: 256, description: 'Length that it must have, in bits' }),
      label: optional({ kind: 'string', description: 'Label of the new key' }),
      id,
      like: optional({ kind: 'opaque', type: 'key', description: 'Label, id and type are taken from this key' }),
      purpose: optional({
        kind: 'enum',
        values: ['wrapping'],
        description: 'A transit key: it can wrap and unwrap only',
      }),
      attributes,
    }),
    outputs: {
      key: { type: 'key', lifetime: 'permanent', description: 'The new key' },
      kcv: { type: 'string', lifetime: 'permanent', description: 'Its check value, six hex digits' },
      method: { type: 'string', lifetime: 'permanent', description: 'How it was compared with the bytes' },
    },
    undo: [{ action: 'delete-key', argument: 'key', output: 'key' }],
    role: { kind: 'import', like: 'like', key: 'key', method: 'method' },
  },
  async preview(token, calls, salt) {
    return await token.guard('reading', 'look at the keys to be imported', async () => {
      await token.ensureIndexed();
      const all: (readonly Finding[])[] = [];
      for (const args of calls) {
        all.push([...(await likeFindings(token, args, salt)), ...(await findings(token, args, salt))]);
      }
      return all;
    });
  },
  async expect(token, call) {
    const material = await known(token, call.args);
    try {
      return await token.guard('reading', 'look for the key to be imported', async () => {
        const salt = call.salt ?? new Uint8Array(16);
        const fingerprint = sourceOf(token, call.args, material.key, salt);
        const source = fingerprint === null ? null : { fingerprint, salt };
        const found = await forecast(token, wantedOf(call.args), source);
        if (found.already !== null || call.salt === undefined) return found;
        const there = await materialOn(token, salt).find(material.key);
        return there === null ? found : { ...found, already: token.ref(there, fingerprint) };
      });
    } finally {
      material.release();
    }
  },
  async perform(token, call) {
    const { args } = call;
    const transport = transportIn(token);
    if (transport === undefined) throw token.fail('capability-missing', `it ${NO_TRANSPORT}.`);
    const material = await known(token, args);
    try {
      const { key } = material;
      methodOf(token, args, key);
      const wanted = wantedOf(args);
      const keyId = idFor(call, wanted);
      const name = { class: 'secret', type: wanted.type, id: keyId, label: wanted.label } as const;
      await token.guard('reading', 'make a session key pair', () => readyPair(token));
      const handle = await token.guard(
        'changing',
        () => `import the ${inWords(name)}`,
        () => bringIn(token, transport, key, templateFor(token, args, keyId, key)),
      );
      token.index.add(name, handle);
      return await token.guard('checking', 'compare the imported key', () =>
        checked(token, call, handle, { name, key }),
      );
    } finally {
      material.release();
    }
  },
  async reconcile(token, call) {
    const material = await known(token, call.args);
    try {
      const salt = call.salt ?? new Uint8Array(16);
      return await token.guard('reading', 'look for the imported key', async () => {
        const fingerprint = sourceOf(token, call.args, material.key, salt);
        return await reconcileCreation(token, call, {
          wanted: wantedOf(call.args),
          source: fingerprint === null ? null : { fingerprint, salt },
          result: async (found) => {
            const made = found.get('secret');
            if (made === undefined) throw token.fail('key-not-found', 'the imported key is gone.');
            return await checked(token, call, made.handle, { name: made.name, key: material.key });
          },
        });
      });
    } finally {
      material.release();
    }
  },
};

async function known(token: Token, args: Arguments): Promise<Material> {
  const material = await materialOf(args);
  if (material === null) throw token.fail('argument-invalid', 'the key to be imported is not there yet.');
  return material;
}
