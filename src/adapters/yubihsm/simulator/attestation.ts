/**
 * Who the simulated device is, and what it says of its keys: certificates whose extensions name firmware, serial number and what the object
 * is (docs.yubico.com, YubiHSM OIDs). The root that issued the device's certificate is the simulator's own and forgets its key.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { FirmwareVersion } from '../wire/frame.ts';
import { ByteWriter } from '../wire/writer.ts';
import { type Extension, issueCertificate, nameOf, type TemplateParts } from './certificate.ts';
import { bits, bool, type DerNode, integer, octets, sequence, time, utf8 } from './der.ts';
import type { DeviceIdentity } from './device-state.ts';
import type { StoredObject } from './stored-object.ts';

const ORGANIZATION = 'keyferry simulator - not a vendor certificate';
const ARC = '1.3.6.1.4.1.41482.4';
const BASIC_CONSTRAINTS = '2.5.29.19';
const NOT_BEFORE = '200101000000Z';
const NOT_AFTER = '491231235959Z';

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
const pkcs8 = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));

export const keyFromPkcs8 = (der: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.from(der), type: 'pkcs8', format: 'der' });

const deviceExtensions = (firmware: FirmwareVersion, serial: number): readonly Extension[] => [
  { oid: `${ARC}.1`, value: octets(Uint8Array.of(firmware.major, firmware.minor, firmware.patch)) },
  { oid: `${ARC}.2`, value: integer(new ByteWriter().u32(serial).toBytes()) },
];

export function makeIdentity(serial: number, firmware: FirmwareVersion): DeviceIdentity {
  const [root, attestation, authentication] = [newKey(), newKey(), newKey()];
  const validity = sequence(time(NOT_BEFORE), time(NOT_AFTER));
  const rootName = nameOf('keyferry simulator YubiHSM root', ORGANIZATION);
  const authority: Extension = { oid: BASIC_CONSTRAINTS, value: sequence(bool(true)) };
  const issue = (subject: DerNode, key: KeyObject, extensions: readonly Extension[]): Uint8Array =>
    issueCertificate({
      ...{ subject, validity, extensions: [authority, ...extensions] },
      issuer: rootName,
      publicKey: createPublicKey(key),
      signingKey: root,
    });
  return {
    serial,
    authenticationKey: pkcs8(authentication),
    attestationKey: pkcs8(attestation),
    attestationCertificate: issue(
      nameOf(`YubiHSM Attestation (${serial})`, ORGANIZATION),
      attestation,
      deviceExtensions(firmware, serial),
    ),
    attestationRoot: issue(rootName, root, []),
  };
}

export interface AttestationRequest {
  readonly object: StoredObject;
  readonly publicKey: KeyObject;
  readonly template: TemplateParts;
  readonly signingKey: KeyObject;
  readonly firmware: FirmwareVersion;
  readonly serial: number;
}

/** DER: issuer and dates are those of the attesting key's certificate. */
export function attest(request: AttestationRequest): Uint8Array {
  const { object, template, firmware, serial } = request;
  const writer = (): ByteWriter => new ByteWriter();
  const about: readonly Extension[] = [
    { oid: `${ARC}.3`, value: bits(Uint8Array.of(object.origin)) },
    { oid: `${ARC}.4`, value: bits(writer().u16(object.domains).toBytes()) },
    { oid: `${ARC}.5`, value: bits(writer().u64(object.capabilities).toBytes()) },
    { oid: `${ARC}.6`, value: integer(writer().u16(object.id).toBytes()) },
    { oid: `${ARC}.9`, value: utf8(object.label) },
  ];
  return issueCertificate({
    subject: nameOf(`YubiHSM Attestation id 0x${object.id.toString(16).padStart(4, '0')}`),
    issuer: template.subject,
    validity: template.validity,
    publicKey: request.publicKey,
    extensions: [...deviceExtensions(firmware, serial), ...about],
    signingKey: request.signingKey,
  });
}
