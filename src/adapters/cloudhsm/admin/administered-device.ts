/** A cluster as one Device: keys through PKCS#11, its administration through the tool. Which of the two an action means is its name's to say. */
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { ActionCall, Device, Finding } from '../../adapter.ts';
import type { AdminAction } from './actions/action.ts';
import { ADMIN_ACTIONS } from './actions/actions.ts';
import type { Administration } from './administration.ts';

export interface AdministeredDeviceOptions {
  /** The keys. */
  readonly device: Device;
  /** null: the devices file says nothing of an administration. */
  readonly admin: Administration | null;
  /** Name in the devices file. */
  readonly name: string;
  /** What the devices file lacks, for the refusal. */
  readonly lacking: string;
}

export function administeredDevice(options: AdministeredDeviceOptions): Device {
  const { device, admin, name, lacking } = options;
  const missing = `${name} has no administration: ${lacking}`;

  /** undefined: not one of the administration's. What PKCS#11 has too stays there when there is no tool. */
  const actionOf = ({ action }: Pick<ActionCall, 'action'>): AdminAction | undefined =>
    admin === null && action === 'set-attribute' ? undefined : ADMIN_ACTIONS.get(action);
  const required = (): Administration => {
    if (admin !== null) return admin;
    throw new KeyferryError('capability-missing', `${missing}.`, { device: name });
  };

  return {
    describe: () => device.describe(),
    inventory: (query) => device.inventory(query),
    fingerprint: (request) => device.fingerprint(request),
    challenge: (request) => device.challenge(request),
    answer: (request) => device.answer(request),
    read: (key, how) => device.read(key, how),
    publicKey: (key) => device.publicKey(key),
    close: () => device.close(),
    ...(device.fill === undefined ? {} : { fill: (request) => device.fill?.(request) ?? Promise.resolve(0) }),
    async preview(action, calls, salt) {
      const own = actionOf({ action });
      if (own === undefined) return await device.preview(action, calls, salt);
      if (admin === null) return calls.map(() => [{ level: 'block', reason: missing }]);
      const all: (readonly Finding[])[] = [];
      for (const args of calls) all.push((await own.preview?.(admin, args)) ?? []);
      return all;
    },
    async expect(call, source) {
      const own = actionOf(call);
      if (own === undefined) return await device.expect(call, source);
      if (own.expect !== undefined) return await own.expect(required(), call);
      throw new KeyferryError('argument-invalid', `${name}: ${call.action} creates nothing.`, { device: name });
    },
    async perform(call) {
      const own = actionOf(call);
      return own === undefined ? await device.perform(call) : await own.perform(required(), call);
    },
    async reconcile(call, source) {
      const own = actionOf(call);
      if (own === undefined) return await device.reconcile(call, source);
      if (own.reconcile !== undefined) return await own.reconcile(required(), call);
      throw new KeyferryError('argument-invalid', `${name}: ${call.action} changes nothing.`, { device: name });
    },
  };
}
