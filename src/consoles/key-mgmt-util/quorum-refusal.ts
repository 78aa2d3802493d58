/**
 * Why a key that wants approvals was not used. Which number key_mgmt_util prints, and how its getToken names a key, stands in no document:
 * a key made with -m_value is used through cloudhsm-cli.
 */
import { CKR } from '../../adapters/pkcs11/constants.ts';
import { CryptokiError, type Handle } from '../../adapters/pkcs11/cryptoki.ts';
import type { KmuSession, RefusalText } from './kmu-session.ts';

/** For `call`: explains the refusal where it comes from one of these keys' quorum. */
export const wantsApproval =
  (k: KmuSession, ...keys: readonly Handle[]) =>
  (error: unknown): RefusalText | null => {
    if (!(error instanceof CryptokiError) || error.value !== CKR.KEY_FUNCTION_NOT_PERMITTED) return null;
    for (const key of keys) {
      const handle = k.handleOf(key);
      const { quorum } = k.anyNode.keyInfo(handle);
      if (quorum > 0) {
        return {
          words: `the key ${handle} wants ${quorum} approvals, and approved tokens are handed in with cloudhsm-cli only`,
        };
      }
    }
    return null;
  };
