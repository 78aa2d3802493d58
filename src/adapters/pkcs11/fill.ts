/** Makes keys on a simulated device through its own functions, to have something to move. */
import { randomBytes } from 'node:crypto';
import type { KeyType } from '../../keys/key-spec.ts';
import { labelHex } from '../../keys/locator.ts';
import type { FillRequest } from '../adapter.ts';
import { ulongAttribute } from './attribute-codec.ts';
import { CKA, CKM } from './constants.ts';
import { templateOf } from './template.ts';
import { ENUMERATION_BATCH, type Token } from './token.ts';

const KINDS: Readonly<
  Record<FillRequest['type'], { readonly type: KeyType; readonly mechanism: number; readonly bytes: number }>
> = {
  'aes-128': { type: 'aes', mechanism: CKM.AES_KEY_GEN, bytes: 16 },
  'aes-192': { type: 'aes', mechanism: CKM.AES_KEY_GEN, bytes: 24 },
  'aes-256': { type: 'aes', mechanism: CKM.AES_KEY_GEN, bytes: 32 },
  des3: { type: 'des3', mechanism: CKM.DES3_KEY_GEN, bytes: 24 },
};

/** Gives the number of keys made. The keys that are not extractable are spread evenly. */
export async function fillToken(token: Token, request: FillRequest): Promise<number> {
  await token.ensureIndexed();
  const { type, mechanism, bytes } = KINDS[request.type];
  const share = Math.min(1, Math.max(0, request.nonextractableShare));
  const width = Math.max(4, String(request.count).length);
  const more = type === 'des3' ? [] : [ulongAttribute(CKA.VALUE_LEN, bytes)];
  const one = async (number: number): Promise<void> => {
    const label = labelHex(`${request.prefix}${String(number).padStart(width, '0')}`);
    const id = randomBytes(16).toString('hex');
    const isStuck = Math.floor(number * share) > Math.floor((number - 1) * share);
    const { required, optional } = templateOf(token, {
      class: 'secret',
      type,
      id,
      label,
      more,
      attributes: {
        private: true,
        sensitive: true,
        extractable: !isStuck,
        encrypt: true,
        decrypt: true,
        wrap: true,
        unwrap: true,
      },
    });
    const handle = await token.pool.use((session) =>
      token.module.C_GenerateKey(session, { type: mechanism }, [...required, ...optional]),
    );
    token.index.add({ class: 'secret', type, id, label }, handle);
  };
  for (let start = 1; start <= request.count; start += ENUMERATION_BATCH) {
    const end = Math.min(request.count, start + ENUMERATION_BATCH - 1);
    await Promise.all(Array.from({ length: end - start + 1 }, (_, index) => one(start + index)));
  }
  return request.count;
}
