import { cloudhsm } from '../../src/adapters/cloudhsm/adapter.ts';
import { openSimulated } from '../support/pkcs11-devices.ts';
import { asymmetricConformance } from './asymmetric-suite.ts';
import { deviceConformance } from './device-suite.ts';

deviceConformance('cloudhsm, simulated', () => openSimulated(cloudhsm), {
  trust: 'simulated',
  wrap: ['rsa-oaep-sha1', 'rsa-oaep-sha256', 'rsa-oaep-sha512', 'aes-kw', 'aes-kwp', 'aes-kw-pkcs5'],
  notWrap: [],
});

asymmetricConformance('cloudhsm, simulated', () => openSimulated(cloudhsm), ['rsa-aes-kwp-sha1', 'rsa-aes-kwp-sha256']);
