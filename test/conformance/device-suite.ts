/**
 * What every device must do, whatever its vendor: chosen by its capabilities, never by its name. A target file gives a way to open a
 * fresh, empty device; the suite makes what it needs through the device's own actions.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device, DeviceDescription, Trust } from '../../src/adapters/adapter.ts';
import { KeyferryError } from '../../src/errors/keyferry-error.ts';
import type { KeyRef } from '../../src/keys/key-record.ts';
import {
  listKeys,
  makeKey,
  makeRoute,
  type Route,
  refOf,
  SALT,
  unwrapCall,
  wrapCall,
} from '../support/pkcs11-devices.ts';

export interface Expectations {
  readonly trust: Trust;
  /** Mechanisms that this device must offer, of those it is known to have. */
  readonly wrap: readonly string[];
  /** Mechanisms that it must not offer. */
  readonly notWrap: readonly string[];
}

/** For moving keys to and fro; devices differ in which of them they have. */
const ROUTE_MECHANISMS = ['rsa-oaep-sha1', 'rsa-aes-kwp-sha256'];

async function refusal(work: Promise<unknown>): Promise<KeyferryError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof KeyferryError) return error;
  throw new Error(`expected a KeyferryError, got ${String(error)}`);
}

export function deviceConformance(name: string, factory: () => Promise<Device>, expectations: Expectations): void {
  describe(name, () => {
    let device: Device;
    let description: DeviceDescription;
    let route: Route;
    beforeAll(async () => {
      device = await factory();
      description = await device.describe();
      route = await makeRoute(device, device);
    }, 60_000);
    afterAll(async () => {
      await device?.close();
    });

    /** What this device both wraps and unwraps under the route's RSA key. */
    const mechanism = (): string => {
      const { wrap, unwrap } = description.capabilities;
      const found = ROUTE_MECHANISMS.find((name) => wrap.includes(name) && unwrap.includes(name));
      if (found === undefined) throw new Error('the device has no mechanism that the suite moves keys with');
      return found;
    };
    const wrapped = (like: KeyRef) => device.perform(wrapCall(like, route, mechanism()));
    const movedTo = async (like: KeyRef, more: Readonly<Record<string, unknown>> = {}) => {
      const { outputs } = await wrapped(like);
      return await device.perform(unwrapCall(outputs.data, like, route, more));
    };

    it('says what it is and what it can do', () => {
      expect(description.trust).toBe(expectations.trust);
      expect(description.serial).not.toBe('');
      expect(description.capabilities.wrap).toEqual(expect.arrayContaining([...expectations.wrap]));
      for (const mechanism of expectations.notWrap) expect(description.capabilities.wrap).not.toContain(mechanism);
      expect(description.capabilities.fingerprints).toContain('encrypt-ecb');
    });

    it('leaves no object of its own probes behind', async () => {
      // Some devices list what is no key: authentication keys, for one.
      const keys = (await listKeys(device)).filter(({ type }) => type !== 'other');
      expect(keys.map(({ label }) => label).filter((label) => label !== 'route')).toEqual([]);
    });

    it('makes wrapping keys that can wrap, or unwrap, and nothing else', async () => {
      const publicKey = await device.read(route.publicKey);
      const privateKey = await device.read(route.privateKey);
      expect(publicKey.attributes).toMatchObject({ wrap: true, encrypt: false, verify: false });
      expect(privateKey.attributes).toMatchObject({
        unwrap: true,
        decrypt: false,
        sign: false,
        sensitive: true,
        extractable: false,
        local: true,
      });
    });

    it('shows one public key on both sides of a route', async () => {
      const made = Buffer.from(await device.publicKey(route.publicKey));
      expect(Buffer.from(await device.publicKey(route.wrapper))).toEqual(made);
      expect(Buffer.from(await device.publicKey(route.privateKey))).toEqual(made);
    });

    it('lists a key as it was asked for', async () => {
      const ref = await makeKey(device, { label: 'listed', id: 'a1b2', bits: 256 });
      const record = (await listKeys(device, { classes: ['secret'] })).find(({ label }) => label === 'listed');
      expect(record).toMatchObject({
        id: 'a1b2',
        class: 'secret',
        type: 'aes',
        bits: 256,
        exportable: true,
        reason: null,
      });
      expect(record?.kcv).toMatch(/^[0-9a-f]{6}$/);
      expect(await device.read(ref)).toMatchObject({ kcv: record?.kcv, label: 'listed' });
    });

    it.each(['aes', 'des3'] as const)('moves a %s key with its name and usage, not extractable', async (type) => {
      if (!description.capabilities.generate.includes(type)) return;
      const like = await makeKey(device, {
        type,
        bits: 192,
        label: `moved-${type}`,
        id: type === 'aes' ? '00c1' : '00c2',
      });
      const { outputs, violations } = await movedTo(like, { id: type === 'aes' ? '00d1' : '00d2' });
      const arrived = outputs.key as KeyRef;
      expect(violations).toEqual([]);
      const request = { salt: SALT, methods: ['encrypt-ecb'] as const };
      const [before, after] = [
        await device.fingerprint({ key: like, ...request }),
        await device.fingerprint({ key: arrived, ...request }),
      ];
      expect(after).not.toBeNull();
      expect(after).toEqual(before);
      const record = await device.read(arrived);
      const source = await device.read(like);
      expect(record.kcv).toBe(source.kcv);
      expect(record.attributes).toMatchObject({
        encrypt: true,
        decrypt: true,
        extractable: false,
        sensitive: true,
        local: false,
      });
      expect(record.attributes.sign).toBe(source.attributes.sign);
    });

    it('gives different fingerprints for different keys and different salts', async () => {
      const one = await makeKey(device, { label: 'one' });
      const other = await makeKey(device, { label: 'other' });
      const made = (key: KeyRef, salt: Uint8Array) => device.fingerprint({ key, salt, methods: ['encrypt-ecb'] });
      expect((await made(one, SALT))?.value).not.toBe((await made(other, SALT))?.value);
      expect((await made(one, SALT))?.value).not.toBe((await made(one, new Uint8Array(16)))?.value);
    });

    it('settles a cross challenge, and sees another key', async () => {
      const key = await makeKey(device, { label: 'challenged' });
      const other = await makeKey(device, { label: 'bystander' });
      const data = new Uint8Array(32).fill(9);
      const challenge = await device.challenge({ key, kind: 'encrypt', data });
      expect(challenge).not.toBeNull();
      if (challenge === null) return;
      expect(await device.answer({ key, kind: 'encrypt', challenge, data })).toBe(true);
      expect(await device.answer({ key: other, kind: 'encrypt', challenge, data })).toBe(false);
    });

    it('refuses to wrap a key that is not extractable, in the plan and in the run', async () => {
      const key = await makeKey(device, { label: 'stuck', extractable: false });
      const { reason } = await device.read(key);
      expect(reason).toMatch(/extractable|exportable/);
      const call = wrapCall(key, route, mechanism());
      const [findings] = await device.preview('wrap-key', [call.args], SALT);
      expect(findings).toEqual([{ level: 'block', reason }]);
      const error = await refusal(device.perform(call));
      expect(error).toMatchObject({ code: 'key-not-extractable', outcome: 'not-applied' });
      const [check] = await device.preview('require-attribute', [{ key, name: 'extractable', value: true }], SALT);
      expect(check).toEqual([{ level: 'skip', reason }]);
    });

    it('refuses to wrap under a key that may not wrap', async () => {
      const key = await makeKey(device, { label: 'payload' });
      const error = await refusal(device.perform(wrapCall(key, { ...route, wrapper: key }, mechanism())));
      expect(error.code).toBe('argument-invalid');
    });

    it('refuses a mechanism that it does not have', async () => {
      const key = await makeKey(device, { label: 'mechanism' });
      for (const mechanism of expectations.notWrap) {
        expect((await refusal(device.perform(wrapCall(key, route, mechanism)))).code).toBe('capability-missing');
        const [findings] = await device.preview('wrap-key', [wrapCall(key, route, mechanism).args], SALT);
        expect(findings?.[0]?.level).toBe('block');
      }
    });

    it('creates nothing from a wrapped key that was altered', async () => {
      const like = await makeKey(device, { label: 'altered', id: '00e1' });
      const { outputs } = await wrapped(like);
      const data = outputs.data as { bytes: Uint8Array };
      const bytes = Uint8Array.from(data.bytes);
      bytes[5] = (bytes[5] ?? 0) ^ 1;
      const call = unwrapCall({ ...data, bytes }, like, route, { id: '00e2' });
      const error = await refusal(device.perform(call));
      expect(error.outcome).not.toBe('applied');
      expect((await listKeys(device)).filter(({ id }) => id === '00e2')).toEqual([]);
    });

    it('finds a duplicate by its material, under another name', async () => {
      const like = await makeKey(device, { label: 'original', id: '00f1' });
      await movedTo(like, { id: '00f2', label: 'copy' });
      const fingerprint = await device.fingerprint({ key: like, salt: SALT, methods: ['encrypt-ecb'] });
      const known = { ...like, locator: { ...like.locator, fingerprint } };
      const [findings] = await device.preview('unwrap-key', [{ like: known, label: 'elsewhere' }], SALT);
      expect(findings?.[0]?.level).toBe('duplicate');
      const [strange] = await device.preview('unwrap-key', [{ like: known, id: '0099' }], null);
      expect(strange).toEqual([]);
    });

    it('settles a create that it made, and one that it did not', async () => {
      const call = { action: 'generate-key', args: { type: 'aes', bits: 128, label: 'marked' } };
      const { expectation } = await device.expect(call, null);
      expect(expectation.kind).toBe('marker');
      expect(await device.reconcile({ ...call, expectation }, null)).toEqual({ state: 'absent' });
      const { outputs } = await device.perform({ ...call, expectation });
      expect(await device.reconcile({ ...call, expectation }, null)).toEqual({
        state: 'done',
        outputs,
        violations: [],
      });
    }, 30_000);

    it('counts what has the name that a key is to arrive under', async () => {
      const made = await makeKey(device, { label: 'counted', id: '00b1' });
      const fingerprint = await device.fingerprint({ key: made, salt: SALT, methods: ['encrypt-ecb'] });
      if (fingerprint === null) throw new Error('no fingerprint');
      const like = { ...made, locator: { ...made.locator, fingerprint } };
      const source = { fingerprint, salt: SALT };
      const { outputs: wrap } = await wrapped(like);
      const call = unwrapCall(wrap.data, like, route, { id: '00b2' });
      const forecast = await device.expect(call, source);
      expect(forecast).toMatchObject({ expectation: { kind: 'count', named: 0, same: 0 }, already: null });
      const intent = { ...call, expectation: forecast.expectation };
      expect(await device.reconcile(intent, source)).toEqual({ state: 'absent' });
      const { outputs } = await device.perform(intent);
      expect(await device.reconcile(intent, source)).toMatchObject({ state: 'done', outputs });
      expect((await device.expect(call, source)).already).toEqual(outputs.key);
    }, 30_000);

    it('deletes one key, and settles whether it did', async () => {
      const key = await makeKey(device, { label: 'doomed' });
      const call = { action: 'delete-key', args: { key } };
      expect(await device.reconcile(call, null)).toEqual({ state: 'absent' });
      await device.perform(call);
      expect((await device.reconcile(call, null)).state).toBe('done');
      expect(await refusal(device.read(key))).toMatchObject({ code: 'key-not-found', outcome: 'not-applied' });
      expect((await refusal(device.perform(call))).code).toBe('key-not-found');
    }, 30_000);

    it('finds a key again by its locator, not by its handle', async () => {
      await makeKey(device, { label: 'found', id: '0077' });
      const { outputs } = await device.perform({ action: 'find-keys', args: { label: 'found' } });
      const [first] = outputs.keys as KeyRef[];
      expect(first?.locator).toMatchObject({ id: '0077', class: 'secret', type: 'aes', serial: description.serial });
      const record = (await listKeys(device)).find(({ id }) => id === '0077');
      if (record === undefined) throw new Error('not listed');
      expect((await device.read(refOf(record))).label).toBe('found');
    });

    it('refuses a key of another token', async () => {
      const key = await makeKey(device, { label: 'foreign' });
      const foreign = { ...key, locator: { ...key.locator, serial: 'another' } };
      expect((await refusal(device.read(foreign))).code).toBe('key-not-found');
      expect((await refusal(device.perform({ action: 'delete-key', args: { key: foreign } }))).code).toBe(
        'key-not-found',
      );
      expect((await device.read(key)).label).toBe('foreign');
    });

    it('refuses an action that there is not', async () => {
      expect((await refusal(device.perform({ action: 'explode', args: {} }))).code).toBe('argument-invalid');
      expect((await refusal(device.perform({ action: 'read', args: {} }))).code).toBe('argument-invalid');
    });
  });
}
