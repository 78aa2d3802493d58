/**
 * Is the arrived key its source? Tried in this order: a fingerprint method that both can do, a cross challenge (one side encrypts or wraps,
 * the other undoes it), and with `verify: weak` the KCV, which is 24 bits and no proof.
 */
import { randomBytes } from 'node:crypto';
import type { BoundDevice, ChallengeKind } from '../adapters/adapter.ts';
import { KeyferryError } from '../errors/keyferry-error.ts';
import type { Verification } from '../journal/journal.ts';
import { FINGERPRINT_METHODS, type Fingerprint, type FingerprintMethod, sameFingerprint } from '../keys/fingerprint.ts';
import type { KeyRef } from '../keys/key-record.ts';

export interface Comparison {
  readonly source: KeyRef;
  readonly target: KeyRef;
  readonly devices: ReadonlyMap<string, BoundDevice>;
  readonly salt: Uint8Array;
  /** As this process read it from the source, null: read it now. */
  readonly sourceFingerprint: Fingerprint | null;
  readonly mayBeWeak: boolean;
}

const verdict = (method: string, strength: Verification['strength'], isSame: boolean): Verification => ({
  method,
  strength,
  result: isSame ? 'same' : 'different',
});

export async function compareKeys(comparison: Comparison): Promise<Verification> {
  const source = boundTo(comparison, comparison.source);
  const target = boundTo(comparison, comparison.target);
  const fingerprintOf = (
    side: BoundDevice,
    key: KeyRef,
    methods: readonly FingerprintMethod[],
  ): Promise<Fingerprint | null> => side.device.fingerprint({ key, salt: comparison.salt, methods });

  let known = comparison.sourceFingerprint;
  for (const method of methodOrder(known)) {
    if (known?.method !== method) known = await fingerprintOf(source, comparison.source, [method]);
    if (known === null) continue;
    const arrived = await fingerprintOf(target, comparison.target, [method]);
    if (arrived !== null) return verdict(method, 'strong', sameFingerprint(known, arrived));
  }
  for (const kind of ['encrypt', 'wrap'] as const) {
    const there = await crossChallenge(kind, source, comparison.source, target, comparison.target);
    if (there !== null) return verdict(`cross-${kind}`, 'strong', there);
    const back = await crossChallenge(kind, target, comparison.target, source, comparison.source);
    if (back !== null) return verdict(`cross-${kind}`, 'strong', back);
  }
  if (comparison.mayBeWeak) {
    const [here, there] = await Promise.all([
      source.device.read(comparison.source),
      target.device.read(comparison.target),
    ]);
    if (here.kcv !== null && there.kcv !== null) return verdict('kcv', 'weak', here.kcv === there.kcv);
  }
  return { method: 'none', strength: 'none', result: 'not-compared' };
}

function methodOrder(known: Fingerprint | null): readonly FingerprintMethod[] {
  if (known === null) return FINGERPRINT_METHODS;
  return [known.method, ...FINGERPRINT_METHODS.filter((method) => method !== known.method)];
}

/** null: one of the two cannot do its part. */
async function crossChallenge(
  kind: ChallengeKind,
  maker: BoundDevice,
  makerKey: KeyRef,
  answerer: BoundDevice,
  answererKey: KeyRef,
): Promise<boolean | null> {
  const data = randomBytes(kind === 'encrypt' ? 32 : 16);
  const challenge = await maker.device.challenge({ key: makerKey, kind, data });
  if (challenge === null) return null;
  return answerer.device.answer({ key: answererKey, kind, challenge, data });
}

function boundTo(comparison: Comparison, key: KeyRef): BoundDevice {
  const device = comparison.devices.get(key.device);
  if (device === undefined) throw new KeyferryError('device-unknown', `no device is bound to ${key.device}`);
  return device;
}
