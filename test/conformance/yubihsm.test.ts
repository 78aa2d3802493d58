import { openYubiHsm } from '../support/yubihsm-adapter-devices.ts';
import { asymmetricConformance } from './asymmetric-suite.ts';
import { deviceConformance } from './device-suite.ts';

const whole = ['aes-ccm-yubihsm', 'rsa-aes-kwp-yubihsm'];

deviceConformance('yubihsm, simulated', () => openYubiHsm(), {
  trust: 'simulated',
  wrap: ['rsa-aes-kwp-sha1', 'rsa-aes-kwp-sha256', ...whole],
  notWrap: ['rsa-oaep-sha1', 'rsa-oaep-sha256', 'aes-kw', 'aes-kwp'],
});

asymmetricConformance('yubihsm, simulated', () => openYubiHsm(), ['rsa-aes-kwp-sha1', 'rsa-aes-kwp-sha256']);
