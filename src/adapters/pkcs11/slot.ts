/** Which slot holds the wanted token. Slot numbers shift as devices come and go, so label or serial are the better choice. */
import { KeyferryError } from '../../errors/keyferry-error.ts';
import { asKeyferryError } from './ckr-errors.ts';
import { CKF, CKR } from './constants.ts';
import { type Cryptoki, CryptokiError, type TokenInfo } from './cryptoki.ts';

export interface TokenSelector {
  readonly token?: string;
  readonly slot?: number;
  readonly serial?: string;
}

/** Rejects with `token-not-found` (the message lists what there is) or `token-ambiguous`. */
export function selectToken(name: string, module: Cryptoki, selector: TokenSelector): TokenInfo {
  const tokens = listTokens(name, module);
  const fitting = tokens.filter(
    (token) =>
      (selector.token === undefined || token.label === selector.token) &&
      (selector.serial === undefined || token.serial === selector.serial) &&
      (selector.slot === undefined || token.slot === BigInt(selector.slot)),
  );
  const [only] = fitting;
  if (only === undefined) {
    const there =
      tokens.length === 0
        ? 'The module has no initialised token.'
        : `The module has ${tokens.map(inWords).join(', ')}.`;
    throw new KeyferryError('token-not-found', `${name}: no token is ${wanted(selector)}. ${there}`, { device: name });
  }
  if (fitting.length > 1) {
    const message = `${name}: ${fitting.length} tokens are ${wanted(selector)}: ${fitting.map(inWords).join(', ')}.`;
    throw new KeyferryError('token-ambiguous', message, { device: name });
  }
  return only;
}

function listTokens(name: string, module: Cryptoki): TokenInfo[] {
  try {
    const tokens: TokenInfo[] = [];
    for (const slot of module.C_GetSlotList(true)) {
      const info = readToken(module, slot);
      // SoftHSM always shows one more token that nobody has initialised.
      if (info !== null && (info.flags & CKF.TOKEN_INITIALIZED) !== 0) tokens.push(info);
    }
    return tokens;
  } catch (error) {
    throw asKeyferryError(error, { device: name, operation: 'list the tokens', effect: 'reading' });
  }
}

/** null: the token went away between the two calls, or is none that the module knows. */
function readToken(module: Cryptoki, slot: bigint): TokenInfo | null {
  try {
    return module.C_GetTokenInfo(slot);
  } catch (error) {
    const isAbsent =
      error instanceof CryptokiError &&
      (error.value === CKR.TOKEN_NOT_PRESENT || error.value === CKR.TOKEN_NOT_RECOGNIZED);
    if (isAbsent) return null;
    throw error;
  }
}

const inWords = (token: TokenInfo): string => `"${token.label}" (slot ${token.slot}, serial ${token.serial})`;

function wanted(selector: TokenSelector): string {
  const parts = [
    ...(selector.token === undefined ? [] : [`labelled "${selector.token}"`]),
    ...(selector.serial === undefined ? [] : [`of serial ${selector.serial}`]),
    ...(selector.slot === undefined ? [] : [`in slot ${selector.slot}`]),
  ];
  return parts.length === 0 ? 'there to choose without a label, serial or slot' : parts.join(' and ');
}
