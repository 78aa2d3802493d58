import { cloudhsm } from '../../src/adapters/cloudhsm/adapter.ts';
import { lunaClassic } from '../../src/adapters/luna-classic/adapter.ts';
import { openContext } from '../support/pkcs11-devices.ts';
import { makeSoftHsmToken, useSoftHsm } from '../support/softhsm.ts';
import { asymmetricConformance } from './asymmetric-suite.ts';
import { deviceConformance } from './device-suite.ts';

for (const adapter of [lunaClassic, cloudhsm]) {
  const open = async () => {
    const token = makeSoftHsmToken({ label: adapter.name });
    useSoftHsm(token);
    const values = { module: token.module, token: token.token, capabilities: { 'settle-reads': 1 } };
    return await adapter.open(
      { name: adapter.name, adapter: adapter.name, driver: 'pkcs11', values },
      openContext(token.pin),
    );
  };
  // SoftHSM 2.6.1 does OAEP with SHA-1 only, and its 0x210A is RFC 5649, not PKCS#5 padding.
  const expectations = { wrap: ['rsa-oaep-sha1', 'aes-kw', 'aes-kwp'], notWrap: ['rsa-oaep-sha256', 'aes-kw-pkcs5'] };
  deviceConformance(`${adapter.name} over SoftHSM`, open, { trust: 'software', ...expectations });
  asymmetricConformance(`${adapter.name} over SoftHSM`, open, ['rsa-aes-kwp-sha1']);
}
