/**
 * sign and verify: files, with keys of the HSMs (user guide, the commands' pages). Hashed on the host. Signatures of EC keys are r ‖ s, as
 * PKCS#11 has them; what the vendor's tool writes is in no document.
 */
import { createHash, verify as verifySignature } from 'node:crypto';
import { CKA, CKK } from '../../../adapters/pkcs11/constants.ts';
import { Misuse } from '../../command.ts';
import { readFileFor, writeFileFor } from '../files.ts';
import { type Flags, flag } from '../flags.ts';
import { kmuCommand } from '../kmu-command.ts';
import { readPublicKey } from '../public-half.ts';
import { wantsApproval } from '../quorum-refusal.ts';
import { RETURN } from '../return-codes.ts';
import { DIGEST_INFO, SIGNATURES, type SignatureMechanism } from '../signatures.ts';

function chosen(flags: Flags): SignatureMechanism {
  const number = flags.neededNumber('m');
  const mechanism = SIGNATURES[number];
  if (mechanism !== undefined) return mechanism;
  const known = Object.entries(SIGNATURES).map(([each, { name }]) => `${each} (${name})`);
  throw new Misuse(`-m ${number} is not known here: ${known.join(', ')}.`);
}

/** What the HSM signs: for RSA the hash in its DER, which it pads; for EC the data, which it hashes. */
function signedBytes({ keyType, hash }: SignatureMechanism, data: Buffer): Buffer {
  if (keyType === 'ec') return data;
  return Buffer.concat([Buffer.from(DIGEST_INFO[hash], 'hex'), createHash(hash).update(data).digest()]);
}

export const signFile = kmuCommand({
  name: 'sign',
  summary: 'sign a file with a private key',
  flags: {
    f: flag.text.required('file'),
    k: flag.number.required('private key handle'),
    m: flag.number.required('signature mechanism'),
    out: flag.text.required('signature file'),
  },
  async run(k, flags) {
    const call = 'Cfm3Sign';
    const { session } = k.loggedIn;
    const mechanism = chosen(flags);
    const out = flags.neededText('out');
    const data = readFileFor(k, flags.neededText('f'));
    const key = await k.object(call, flags.neededNumber('k'));
    const [keyType] = k.module.C_GetAttributeValue(session, key, [CKA.KEY_TYPE]);
    if (keyType?.value?.[0] !== (mechanism.keyType === 'rsa' ? CKK.RSA : CKK.EC)) {
      k.refused(call, { words: `${mechanism.name} goes with private keys of type ${mechanism.keyType.toUpperCase()}` });
      return;
    }
    const signature = await k.call(
      call,
      () => k.module.sign(session, { type: mechanism.type }, key, signedBytes(mechanism, data)),
      wantsApproval(k, key),
    );
    writeFileFor(k, out, signature);
    k.returned(call);
    k.margin(`signature is written to file ${out}`);
    k.status();
  },
});

export const verifyFile = kmuCommand({
  name: 'verify',
  summary: "check a file's signature with a public key",
  flags: {
    f: flag.text.required('file'),
    s: flag.text.required('signature file'),
    k: flag.number.required('public key handle'),
    m: flag.number.required('signature mechanism'),
  },
  async run(k, flags) {
    const call = 'Cfm3Verify';
    const mechanism = chosen(flags);
    const data = readFileFor(k, flags.neededText('f'));
    const signature = readFileFor(k, flags.neededText('s'));
    const handle = await k.object(call, flags.neededNumber('k'));
    const key = await k.call(call, () => readPublicKey(k, handle));
    const may = k.module.C_GetAttributeValue(k.loggedIn.session, handle, [CKA.VERIFY])[0]?.value?.[0] === 1;
    if (key?.asymmetricKeyType !== mechanism.keyType || !may) {
      const words = may
        ? `it goes with public keys of type ${mechanism.keyType.toUpperCase()}`
        : 'the key may not verify';
      k.refused(call, { words: `${mechanism.name}: ${words}` });
      return;
    }
    if (verifySignature(mechanism.hash, data, { key, dsaEncoding: 'ieee-p1363' }, signature)) {
      k.margin('Signature verification successful');
      k.returned(call);
      return;
    }
    // The document shows this number for an RSA signature; for others none is known.
    k.refused(
      call,
      mechanism.keyType === 'rsa'
        ? { code: RETURN.badSignature }
        : { words: 'the signature is not one of this key over this file' },
    );
  },
});
