/**
 * Keys that must be on so many HSMs within a time (`-min_srv`, `-timeout` of the old key tool; facts 2.8). Keys reach every HSM that
 * answers at once, so what is waited for is HSMs that come back. In vain, the keys are removed again, and where that removal does not
 * arrive an orphan stays.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SimulatedObject } from '../../pkcs11/simulator/simulated-object.ts';
import { HsmRefusal, type MinimumServers } from './cluster.ts';
import type { ClusterCore } from './cluster-core.ts';
import { handleOf } from './cluster-keys.ts';
import { type CryptoUserAuthority, forgetKey } from './crypto-user-authority.ts';

const POLL_MS = 20;

export async function createOnAtLeast<T>(
  core: ClusterCore,
  authority: CryptoUserAuthority,
  { timeoutMs, ...rule }: MinimumServers,
  make: () => Promise<T>,
): Promise<T> {
  const deadline = timeoutMs === null ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  // The larger of what the caller and the configuration say.
  const minServers = Math.max(rule.minServers, authority.minimumNodes);
  const { result, made } = await authority.collect(make);
  while (upCount(core) < minServers) {
    if (performance.now() >= deadline) {
      const left = made.filter((object) => object.session === 0 && !tombstone(core, object)).length;
      throw new HsmRefusal(
        'too-few-servers',
        null,
        left === 0
          ? `the key was not on ${minServers} HSMs in time and was removed`
          : `the key was not on ${minServers} HSMs in time, and its removal did not reach every HSM`,
      );
    }
    await sleep(POLL_MS);
  }
  return result;
}

const upCount = (core: ClusterCore): number => core.store.fresh().nodes.filter(({ isUp }) => isUp).length;

/** False: it is still somewhere. */
function tombstone(core: ClusterCore, object: SimulatedObject): boolean {
  const handle = handleOf(object);
  const orphaned = core.store.change((record) => {
    const nodes = record.nodes.filter((node) => node.isUp && node.losesNextTombstone);
    for (const node of nodes) node.losesNextTombstone = false;
    if (nodes.length > 0) record.presence[handle] = nodes.map(({ id }) => id);
    return nodes.length > 0;
  });
  if (orphaned) return false;
  core.keys.remove(object.uid);
  forgetKey(core, handle);
  return true;
}
