/** Makes AES keys on a simulated device through its own commands, to have something to move. */
import { labelHex } from '../../keys/locator.ts';
import type { FillRequest } from '../adapter.ts';
import { generateSymmetricKey } from './commands/generate-symmetric-key.ts';
import { headerOf } from './objects/asked.ts';
import { AES_ALGORITHM } from './objects/object-kinds.ts';
import { capabilitiesFor } from './objects/usage.ts';
import { OBJECT_TYPE } from './wire/object-types.ts';
import type { YubiHsm } from './yubihsm.ts';

const BITS: Readonly<Partial<Record<FillRequest['type'], number>>> = { 'aes-128': 128, 'aes-192': 192, 'aes-256': 256 };

/** Gives the number of keys made. The keys that cannot leave are spread evenly. */
export async function fillYubiHsm(hsm: YubiHsm, request: FillRequest): Promise<number> {
  const bits = BITS[request.type];
  const algorithm = bits === undefined ? undefined : AES_ALGORITHM[bits];
  if (algorithm === undefined) throw hsm.fail('argument-invalid', `a YubiHSM has no ${request.type} keys.`);
  const share = Math.min(1, Math.max(0, request.nonextractableShare));
  const width = Math.max(4, String(request.count).length);
  for (let number = 1; number <= request.count; number += 1) {
    const isStuck = Math.floor(number * share) > Math.floor((number - 1) * share);
    const { capabilities } = capabilitiesFor('aes', { encrypt: true, decrypt: true, extractable: !isStuck });
    const asked = {
      type: OBJECT_TYPE['symmetric-key'],
      algorithm,
      label: labelHex(`${request.prefix}${String(number).padStart(width, '0')}`),
      domains: hsm.authority.domains,
      capabilities,
    };
    await hsm.call(
      generateSymmetricKey,
      headerOf(asked, await hsm.freeId()),
      `generate key ${number} of ${request.count}`,
    );
  }
  return request.count;
}
