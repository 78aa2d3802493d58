/** How a PKCS#11 login is done safely; login.ts is the guard that remembers refused PINs. */
import type { Secret } from '../../keys/secret.ts';
import type { Cryptoki, Handle, TokenInfo } from './cryptoki.ts';

export interface LoginGuard {
  login(module: Cryptoki, session: Handle, token: TokenInfo, pin: Secret): Promise<void>;
}
