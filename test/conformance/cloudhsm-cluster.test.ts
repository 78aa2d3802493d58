import { cloudhsm } from '../../src/adapters/cloudhsm/adapter.ts';
import { openSimulated } from '../support/pkcs11-devices.ts';
import { deviceConformance } from './device-suite.ts';

deviceConformance('cloudhsm, simulated cluster of three', () => openSimulated(cloudhsm, { nodes: 3 }), {
  trust: 'simulated',
  wrap: ['rsa-oaep-sha1', 'rsa-oaep-sha256', 'rsa-oaep-sha512', 'aes-kw', 'aes-kwp', 'aes-kw-pkcs5'],
  notWrap: [],
});
