/** One action of the devices behind PKCS#11, on a token that is logged in. Both adapters share the same actions. */
import type { Action } from '../../actions/action.ts';
import type { Token } from '../token.ts';

export type Pkcs11Action = Action<Token>;
