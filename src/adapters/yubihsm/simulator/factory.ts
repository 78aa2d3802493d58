/** How a YubiHSM leaves its maker and every reset: one authentication key, whose password everybody knows. */
import { ALGORITHM } from '../wire/algorithms.ts';
import { ALL_DOMAINS, OBJECT_TYPE, ORIGIN } from '../wire/object-types.ts';
import { logsAfterReset } from './audit-log.ts';
import type { Change } from './device-state.ts';
import type { StoredObject } from './stored-object.ts';

/** K-ENC | K-MAC of `password`. */
const FACTORY_KEYS = Buffer.from('090b47dbed595654901dee1cc655e420592fd483f759e29909a04c4505d2ce0a', 'hex');

/** With what stands behind its text on a device. */
const LABEL = Buffer.from('DEFAULT AUTHKEY CHANGE THIS ASAP\0\xc0\xff\xee\xc0\xff\xee\x01', 'latin1');

/** All 64, those without a name too: what users read from new devices, and what libyubihsm sends for `all`. */
const EVERY_BIT = (1n << 64n) - 1n;

const factoryKey = (): StoredObject => ({
  type: OBJECT_TYPE['authentication-key'],
  id: 1,
  label: new Uint8Array(LABEL),
  domains: ALL_DOMAINS,
  capabilities: EVERY_BIT,
  delegated: EVERY_BIT,
  algorithm: ALGORITHM['aes128-yubico-authentication'],
  sequence: 0,
  origin: ORIGIN.imported,
  material: new Uint8Array(FACTORY_KEYS),
});

/** Everything that was there is gone; the reset and the start after it are the log's first entries. */
export const factoryReset = (): readonly Change[] => [
  { kind: 'reset' },
  { kind: 'put', object: factoryKey() },
  ...logsAfterReset(),
];
