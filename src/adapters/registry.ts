/**
 * Every adapter, one line each. Nothing in workflows, plan or cli names a vendor. An adapter with its actions takes a tenth of a second to
 * load, so a command loads those that its files speak of.
 */
import type { Adapter } from './adapter.ts';

export type AdapterRegistry = Readonly<Record<string, Adapter>>;

const LOADERS: Readonly<Record<string, () => Promise<Adapter>>> = {
  'luna-classic': async () => (await import('./luna-classic/adapter.ts')).lunaClassic,
  cloudhsm: async () => (await import('./cloudhsm/adapter.ts')).cloudhsm,
  kms: async () => (await import('./kms/adapter.ts')).kms,
  yubihsm: async () => (await import('./yubihsm/adapter.ts')).yubihsm,
};

/** All names are there, for suggestions; asking for an adapter that was not loaded throws: that is a bug. */
export async function loadAdapters(isWanted: (name: string) => boolean = () => true): Promise<AdapterRegistry> {
  const registry: Record<string, Adapter> = {};
  for (const [name, load] of Object.entries(LOADERS)) {
    if (isWanted(name)) registry[name] = await load();
    else Object.defineProperty(registry, name, { enumerable: true, get: () => notLoaded(name) });
  }
  return registry;
}

/** Those whose names stand in a text. A name may be written with escapes, and then only a parser sees it. */
export const loadAdaptersIn = (text: string): Promise<AdapterRegistry> =>
  loadAdapters((name) => text.includes(name) || text.includes('\\'));

function notLoaded(name: string): never {
  throw new Error(`the adapter ${name} was asked for and not loaded`);
}
