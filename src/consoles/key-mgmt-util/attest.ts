/**
 * `-attest`: the HSM that made the key signs what it is, and this console checks it as the vendor's tool is said to, against the simulated
 * manufacturer's root. The line for a check that passed is the vendor's (user guide, imSymKey); the one for a check that failed is ours.
 */
import { randomBytes } from 'node:crypto';
import {
  type CheckedAttestation,
  checkAttestation,
  type ShownKey,
} from '../../adapters/cloudhsm/attest/check-attestation.ts';
import { AttestationRefusal, readRoot } from '../../adapters/cloudhsm/attest/check-chain.ts';
import { HsmRefusal } from '../../adapters/cloudhsm/cluster/cluster.ts';
import { ulongOf } from '../../adapters/pkcs11/attribute-codec.ts';
import { CKA, CKO } from '../../adapters/pkcs11/constants.ts';
import type { Handle } from '../../adapters/pkcs11/cryptoki.ts';
import { readFacts } from '../../adapters/pkcs11/key-facts.ts';
import type { KeyClass } from '../../keys/key-spec.ts';
import { spkiFromRsa, spkiSha256 } from '../../keys/public-key.ts';
import type { KmuSession } from './kmu-session.ts';

const NONCE_BYTES = 32;

const CLASSES: ReadonlyMap<number, KeyClass> = new Map([
  [CKO.SECRET_KEY, 'secret'],
  [CKO.PUBLIC_KEY, 'public'],
  [CKO.PRIVATE_KEY, 'private'],
]);

/** Prints the outcome. The key is there either way. */
export async function attest(k: KmuSession, object: Handle): Promise<void> {
  try {
    const { statement } = await checked(k, object);
    k.paragraph('Attestation Check : [PASS]');
    k.terminal.note(`Signed by simulated HSM ${statement.node}, checked against the simulator's own root.`);
  } catch (error) {
    if (!(error instanceof AttestationRefusal || error instanceof HsmRefusal)) throw error;
    k.paragraph(
      `The attestation check failed. In keyferry's words (the vendor's are not known): ${error.message}.`,
      `The key ${k.handleOf(object)} was made all the same; deleteKey removes it.`,
    );
  }
}

async function checked(k: KmuSession, object: Handle): Promise<CheckedAttestation> {
  const shown = shownKey(k, object);
  const root = readRoot(await k.cluster.attestationRoot());
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
  let refusal = new HsmRefusal('node-down', null, 'no HSM of the cluster answers');
  for (const { id } of k.upNodes) {
    try {
      const answer = await k.loggedIn.nodes.get(id)?.attest(shown.handle, nonce);
      if (answer !== undefined) return checkAttestation(answer, { nonce, node: id, shown, root, nowMs: Date.now() });
    } catch (error) {
      // A session key is on one HSM only.
      if (!(error instanceof HsmRefusal)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

function shownKey(k: KmuSession, object: Handle): ShownKey {
  const { module } = k;
  const { session } = k.loggedIn;
  const [cls, modulus, exponent] = module.C_GetAttributeValue(session, object, [
    CKA.CLASS,
    CKA.MODULUS,
    CKA.PUBLIC_EXPONENT,
  ]);
  const keyClass = CLASSES.get(ulongOf(cls?.value ?? null));
  if (keyClass === undefined) throw new Error('a key that was just made is of no class that is known');
  const facts = readFacts(module, session, { handle: object, keyClass, withCheckValue: true });
  const [slot] = module.C_GetSlotList(true);
  if (slot === undefined) throw new Error('a cluster without a token');
  const { serial, firmware } = module.C_GetTokenInfo(slot);
  const { local = false, extractable = null, sensitive = null, neverExtractable = null } = facts.attributes;
  return {
    serial,
    firmware,
    handle: k.handleOf(object),
    class: keyClass,
    type: facts.type,
    kcv: facts.checkValue ?? null,
    spkiSha256:
      modulus?.value && exponent?.value
        ? spkiSha256(spkiFromRsa({ modulus: modulus.value, exponent: exponent.value }))
        : null,
    local,
    extractable,
    sensitive,
    neverExtractable,
  };
}
