/**
 * Before the first wrap of every process: the public key that the source will wrap under, read back from the source, must be the one that
 * belongs to the target's private key, and that private key must have been made on the target. Whoever swaps the public key on its way
 * would otherwise receive every key. (Design §4, wrapping keys.)
 */
import { createHash } from 'node:crypto';
import type { BoundDevice } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Journal } from '../journal/journal.ts';
import { isKeyRef, type KeyRef } from '../keys/key-record.ts';
import { routesOf } from '../plan/routes.ts';
import type { Playbook, Scope, Step } from '../playbook/model.ts';
import { missingSteps, resolveTemplate } from './arguments.ts';
import type { CallClock } from './call-clock.ts';
import { compareKeys } from './compare-keys.ts';
import { patiently } from './patience.ts';

export interface GuardEnvironment {
  readonly playbook: Playbook;
  readonly journal: Journal;
  readonly devices: ReadonlyMap<string, BoundDevice>;
  readonly salt: Uint8Array;
  readonly clock: CallClock;
}

export async function guardWrappingKeys(env: GuardEnvironment, scope: Scope): Promise<void> {
  for (const route of routesOf(env.playbook)) {
    const { wrap, unwrap } = route;
    if (wrap?.spec.role?.kind !== 'wrap' || unwrap?.spec.role?.kind !== 'unwrap') continue;
    const wrapping = keyArgument(wrap, wrap.spec.role.wrappingKey, scope);
    const unwrapping = keyArgument(unwrap, unwrap.spec.role.unwrappingKey, scope);
    if (wrapping === null || unwrapping === null) continue;
    const name = `${wrap.id} → ${unwrap.id}`;
    try {
      const detail =
        unwrapping.locator.class === 'secret'
          ? await compareSecretKeys(env, wrapping, unwrapping)
          : await comparePublicKeys(env, wrapping, unwrapping);
      await env.journal.append({ kind: 'check', name: `wrapping-key ${name}`, result: 'passed', detail });
    } catch (error) {
      if (error instanceof KeyferryError) {
        await env.journal.append({
          kind: 'check',
          name: `wrapping-key ${name}`,
          result: 'failed',
          detail: error.toRecord(),
        });
      }
      throw error;
    }
  }
}

async function comparePublicKeys(env: GuardEnvironment, wrapping: KeyRef, unwrapping: KeyRef): Promise<unknown> {
  const source = bound(env, wrapping);
  const target = bound(env, unwrapping);
  const there = spkiHash(await patiently(env.clock, () => source.device.publicKey(wrapping)));
  const here = spkiHash(await patiently(env.clock, () => target.device.publicKey(unwrapping)));
  if (there !== here) {
    throw new KeyferryError(
      'wrapping-key-swapped',
      `the public key on ${source.settings.name} (SHA-256 ${there.slice(0, 16)}…) does not belong to the private key on ${target.settings.name} (${here.slice(0, 16)}…); nothing was wrapped`,
      { device: source.settings.name, operation: 'publicKey' },
    );
  }
  const { attributes } = await patiently(env.clock, () => target.device.read(unwrapping, { kcv: false }));
  if (attributes.local !== true) {
    throw new KeyferryError(
      'wrapping-key-not-local',
      `the unwrapping key on ${target.settings.name} was not generated there (LOCAL is ${attributes.local === false ? 'false' : 'not given'}); nothing was wrapped`,
      { device: target.settings.name, operation: 'read' },
    );
  }
  return { spkiSha256: here };
}

/** A transit KEK is on both sides as a secret key: it must be the same one. */
async function compareSecretKeys(env: GuardEnvironment, wrapping: KeyRef, unwrapping: KeyRef): Promise<unknown> {
  const verification = await patiently(env.clock, () =>
    compareKeys({
      source: wrapping,
      target: unwrapping,
      devices: env.devices,
      salt: env.salt,
      sourceFingerprint: null,
      mayBeWeak: true,
    }),
  );
  if (verification.result === 'different') {
    throw new KeyferryError(
      'wrapping-key-swapped',
      `the wrapping keys on ${wrapping.device} and ${unwrapping.device} are not the same; nothing was wrapped`,
    );
  }
  return verification;
}

/** null: the key is made per item, so there is nothing to compare before. */
function keyArgument(step: Step, argument: string, scope: Scope): KeyRef | null {
  const template = step.with[argument];
  if (template === undefined || template.kind !== 'expression' || missingSteps(step, scope.steps, argument).length > 0)
    return null;
  const value = resolveTemplate(template, scope);
  return isKeyRef(value) ? value : null;
}

function bound(env: GuardEnvironment, key: KeyRef): BoundDevice {
  const device = env.devices.get(key.device);
  if (device === undefined) throw new KeyferryError('device-unknown', `no device is bound to ${key.device}`);
  return device;
}

const spkiHash = (spki: Uint8Array): string => createHash('sha256').update(spki).digest('hex');
