/** A run of one key at a time, stopped in its second. */
import type { Playbook } from '../../src/playbook/model.ts';
import { aGate, type FakeSite, routePlaybook } from './engine-fakes.ts';

export const narrow = (rest: Partial<Playbook> = {}): Playbook =>
  routePlaybook({ policy: { concurrency: 1, ramp: [{ share: 1 }], stopWhen: null }, ...rest });

/** Starts a run whose second unwrap waits at a gate, and gives it back when it is there. */
export async function halfWay(site: FakeSite, playbook = narrow()) {
  const gate = aGate();
  const arrived = aGate();
  site.script = {
    'target unwrap-key': async ({ label }) => {
      if (label !== 'key-2') return undefined;
      arrived.open();
      await gate.passed;
      return undefined;
    },
  };
  const handle = await site.start(playbook);
  await arrived.passed;
  return { handle, gate };
}
