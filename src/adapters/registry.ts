/** Every adapter, one line each. Nothing in workflows, plan or cli names a vendor. */
import type { Adapter } from './adapter.ts';
import { cloudhsm } from './cloudhsm/adapter.ts';
import { kms } from './kms/adapter.ts';
import { lunaClassic } from './luna-classic/adapter.ts';
import { yubihsm } from './yubihsm/adapter.ts';

export type AdapterRegistry = Readonly<Record<string, Adapter>>;

export const ADAPTERS: AdapterRegistry = {
  'luna-classic': lunaClassic,
  cloudhsm,
  kms,
  yubihsm,
};
