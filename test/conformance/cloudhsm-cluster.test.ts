import { cloudhsm } from '../../src/adapters/cloudhsm/adapter.ts';
import { openSimulated } from '../support/pkcs11-devices.ts';
import { asymmetricConformance } from './asymmetric-suite.ts';
import { deviceConformance } from './device-suite.ts';

const NAME = 'cloudhsm, simulated cluster of three';
const open = () => openSimulated(cloudhsm, { nodes: 3 });

deviceConformance(NAME, open, {
  trust: 'simulated',
  wrap: ['rsa-oaep-sha1', 'rsa-oaep-sha256', 'rsa-oaep-sha512', 'aes-kw', 'aes-kwp', 'aes-kw-pkcs5'],
  notWrap: [],
});
asymmetricConformance(NAME, open, ['rsa-aes-kwp-sha1', 'rsa-aes-kwp-sha256']);
