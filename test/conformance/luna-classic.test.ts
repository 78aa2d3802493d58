import { lunaClassic } from '../../src/adapters/luna-classic/adapter.ts';
import { openSimulated } from '../support/pkcs11-devices.ts';
import { asymmetricConformance } from './asymmetric-suite.ts';
import { deviceConformance } from './device-suite.ts';

const expectations = {
  trust: 'simulated',
  wrap: ['rsa-oaep-sha1', 'aes-kw', 'aes-kwp'],
  notWrap: ['rsa-oaep-sha256', 'aes-kw-pkcs5'],
} as const;

deviceConformance('luna-classic, simulated', () => openSimulated(lunaClassic), expectations);
deviceConformance(
  'luna-classic, simulated HA group',
  () => openSimulated(lunaClassic, { 'ha-members': 2 }),
  expectations,
);

asymmetricConformance('luna-classic, simulated', () => openSimulated(lunaClassic), ['rsa-aes-kwp-sha1']);
asymmetricConformance('luna-classic, simulated HA group', () => openSimulated(lunaClassic, { 'ha-members': 2 }), [
  'rsa-aes-kwp-sha1',
]);
