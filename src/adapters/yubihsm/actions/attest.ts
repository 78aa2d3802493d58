/**
 * attest: the device's certificate that it holds a key, where the key comes from and what it may do, checked against what the device says of the
 * key in the session. The chain ends at the certificate that the device has: whether that is Yubico's own is for whoever holds Yubico's roots.
 */
import { X509Certificate } from 'node:crypto';
import { spkiSha256 } from '../../../keys/public-key.ts';
import { optional } from '../../../schema/shape.ts';
import { type Arguments, done } from '../../actions/action.ts';
import { key, readKey, readKeyIfKnown, shape } from '../../actions/arguments.ts';
import type { OutputSpec } from '../../adapter.ts';
import { certificateFacts } from '../attestation/certificate-facts.ts';
import { getOpaque } from '../commands/get-opaque.ts';
import { signAttestationCertificate } from '../commands/sign-attestation-certificate.ts';
import { type Found, isLocal, labelHexOf, objectInWords } from '../objects/key-model.ts';
import { locate } from '../objects/locate.ts';
import { idHex } from '../objects/object-id.ts';
import { sessionLacks } from '../objects/permissions.ts';
import { spkiOf } from '../objects/public-half.ts';
import { isEd25519 } from '../wire/algorithms.ts';
import { capabilityNames } from '../wire/capabilities.ts';
import type { ObjectInfo } from '../wire/object-info.ts';
import { domainsText, OBJECT_TYPE, originName } from '../wire/object-types.ts';
import type { YubiHsm } from '../yubihsm.ts';
import { blocks, type YubiHsmAction } from './action.ts';

const kept = (type: OutputSpec['type'], description: string): OutputSpec => ({
  type,
  lifetime: 'permanent',
  description,
});

function unattestable(info: ObjectInfo): string | null {
  const isAsymmetric = info.type === OBJECT_TYPE['asymmetric-key'] && !isEd25519(info.algorithm);
  return isAsymmetric ? null : `the device attests RSA and EC keys, not the ${objectInWords(info)}`;
}

function parsed(hsm: YubiHsm, der: Uint8Array, whose: string): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw hsm.fail('attestation-failed', `the certificate of ${whose} cannot be read.`, { cause });
  }
}

async function attesterOf(
  hsm: YubiHsm,
  args: Arguments,
): Promise<{ readonly id: number; readonly info: ObjectInfo | null }> {
  const ref = readKeyIfKnown(args, 'attester');
  if (ref === null) return { id: 0, info: null };
  const { info } = await locate(hsm, ref);
  return { id: info.id, info };
}

/** What is wrong with the certificate; null: it says what the device says, and its key signed it. */
async function flaw(
  hsm: YubiHsm,
  found: Found,
  certificate: Uint8Array,
  issuer: X509Certificate,
): Promise<string | null> {
  const { info } = found;
  const own = parsed(hsm, certificate, `the ${objectInWords(info)}`);
  if (!own.verify(issuer.publicKey)) return 'the certificate is not signed by the attesting key';
  const spki = new Uint8Array(own.publicKey.export({ type: 'spki', format: 'der' }));
  if (spkiSha256(spki) !== spkiSha256(await spkiOf(hsm, found))) return 'the certificate is for another public key';
  const facts = certificateFacts(certificate);
  if (facts === null) return 'its extensions cannot be read';
  const wanted = [
    ['serial number', facts.serial, Number(hsm.serial)],
    ['firmware', facts.firmware, hsm.firmware],
    ['origin', facts.origin, info.origin],
    ['domains', facts.domains, info.domains],
    ['capabilities', facts.capabilities, info.capabilities],
    ['id', facts.id, info.id],
    ['label', facts.label, labelHexOf(info)],
  ] as const;
  const wrong = wanted.filter(([, got, asked]) => got !== asked).map(([name]) => name);
  return wrong.length === 0 ? null : `it does not say of ${wrong.join(', ')} what the device says of the key`;
}

export const attest: YubiHsmAction = {
  spec: {
    name: 'attest',
    summary: "Have the device certify a key's origin and rights, and check the certificate",
    // The certificate is evidence and must outlive the device: only what a changing step gives is journalled. It is safe to repeat.
    effect: 'change',
    input: shape({
      key: key('The asymmetric key'),
      attester: optional({ kind: 'opaque', type: 'key', description: "The attesting key; absent: the device's own" }),
    }),
    outputs: {
      certificate: kept('string', 'The certificate (PEM)'),
      issuer_certificate: kept('string', 'That of the attesting key (PEM)'),
      serial: kept('string', 'Serial number of the device, as certified'),
      firmware: kept('string', 'Firmware, as certified'),
      id: kept('string', 'Object id, four hex digits'),
      origin: kept('string', 'generated, imported, or either with "imported under wrap"'),
      is_local: kept('bool', 'Generated on this device and never outside it under wrap'),
      domains: kept('string', 'Domains'),
      capabilities: kept('list', 'Capabilities'),
      spki_sha256: kept('string', 'SHA-256 of the public key (SPKI), hex'),
    },
  },
  async preview(hsm, calls) {
    const all = [];
    for (const args of calls) {
      const ref = readKeyIfKnown(args, 'key');
      const session = sessionLacks(hsm, 'sign-attestation-certificate');
      all.push(blocks(session, ref === null ? null : unattestable((await locate(hsm, ref)).info)));
    }
    return all;
  },
  async perform(hsm, { args }) {
    const found = await locate(hsm, readKey(args, 'key'));
    const { info } = found;
    const problem = unattestable(info);
    if (problem !== null) throw hsm.fail('capability-missing', `${problem}.`);
    const attester = await attesterOf(hsm, args);
    const what = `attest the ${objectInWords(info)}`;
    const der = await hsm.call(signAttestationCertificate, { id: info.id, attesterId: attester.id }, what);
    const issuerDer = await hsm.call(getOpaque, { id: attester.id }, `read the certificate of the attesting key`);
    const issuer = parsed(hsm, issuerDer, 'the attesting key');
    const wrong = await flaw(hsm, found, der, issuer);
    if (wrong !== null) throw hsm.fail('attestation-failed', `could not ${what}: ${wrong}.`);
    return done({
      certificate: parsed(hsm, der, `the ${objectInWords(info)}`).toString(),
      issuer_certificate: issuer.toString(),
      serial: hsm.serial,
      firmware: hsm.firmware,
      id: idHex(info.id),
      origin: originName(info.origin),
      is_local: isLocal(info),
      domains: domainsText(info.domains),
      capabilities: capabilityNames(info.capabilities),
      spki_sha256: spkiSha256(await spkiOf(hsm, found)),
    });
  },
  async reconcile() {
    return { state: 'absent' };
  },
};
