/** Two SoftHSM tokens for the engine, the source with AES-256 keys to move. The keys are made by a process of their own. */
import { randomBytes } from 'node:crypto';
import pkcs11js from 'pkcs11js';
import { makeSoftHsmToken, SOFTHSM_MODULE, useSoftHsm } from '../test/support/softhsm.ts';

export const SOFTHSM_TOKENS = { classic: 'bench-classic', cluster: 'bench-cluster' } as const;
export const BENCH_PIN = 'bench-pin';

export const softHsmModule = (): string => SOFTHSM_MODULE;

/** Sets SOFTHSM2_CONF for this process and its children: call it before anything loads the module. */
export function makeSoftHsmTokens(dir: string, count: number): void {
  const token = makeSoftHsmToken({ dir, label: SOFTHSM_TOKENS.classic, pin: BENCH_PIN });
  makeSoftHsmToken({ dir, label: SOFTHSM_TOKENS.cluster, pin: BENCH_PIN });
  useSoftHsm(token);
  const module = new pkcs11js.PKCS11();
  module.load(SOFTHSM_MODULE);
  module.C_Initialize();
  try {
    const slot = module.C_GetSlotList(true).find((id) => module.C_GetTokenInfo(id).label.trim() === token.token);
    if (slot === undefined) throw new Error(`SoftHSM does not show token ${token.token}`);
    const session = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    module.C_Login(session, pkcs11js.CKU_USER, BENCH_PIN);
    for (let index = 0; index < count; index += 1) {
      module.C_GenerateKey(session, { mechanism: pkcs11js.CKM_AES_KEY_GEN }, [
        { type: pkcs11js.CKA_VALUE_LEN, value: 32 },
        { type: pkcs11js.CKA_TOKEN, value: true },
        { type: pkcs11js.CKA_PRIVATE, value: true },
        { type: pkcs11js.CKA_SENSITIVE, value: true },
        { type: pkcs11js.CKA_EXTRACTABLE, value: true },
        { type: pkcs11js.CKA_ENCRYPT, value: true },
        { type: pkcs11js.CKA_DECRYPT, value: true },
        { type: pkcs11js.CKA_LABEL, value: Buffer.from(`payments-${index}`) },
        { type: pkcs11js.CKA_ID, value: randomBytes(16) },
      ]);
    }
  } finally {
    module.C_Finalize();
    module.close();
  }
}
