/**
 * A key of a simulated cluster, attested by one of its HSMs and compared with what PKCS#11 shows of it. The root is pinned by the devices
 * file: whoever could choose it could vouch for anything.
 */
import { randomBytes, type X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { ErrorCode } from '../../../errors/codes.ts';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import type { KeyRef } from '../../../keys/key-record.ts';
import { spkiSha256 } from '../../../keys/public-key.ts';
import type { Secret } from '../../../keys/secret.ts';
import type { Device } from '../../adapter.ts';
import { type HsmNode, HsmRefusal, type SimulatedCluster } from '../cluster/cluster.ts';
import { type CheckedAttestation, checkAttestation, type ShownKey } from './check-attestation.ts';
import { AttestationRefusal, readRoot } from './check-chain.ts';
import { ROOT_FILE } from './identity-store.ts';
import type { Attestation } from './statement.ts';

export interface KeyAttestation {
  /** The pinned root. Rejects with `capability-missing`, `file-unreadable`, `file-unsafe`, `attestation-failed`. */
  root(): Promise<X509Certificate>;
  /**
   * `handle`: as the administration tool names the key. `node`: id of the HSM to ask; null: the first that is up and has the key. Rejects
   * with `attestation-failed`, `device-refused`, and as `root` does.
   */
  attest(key: KeyRef, handle: number, node: number | null): Promise<CheckedAttestation>;
}

export interface KeyAttestationOptions {
  readonly cluster: SimulatedCluster;
  /** What PKCS#11 shows. */
  readonly device: Device;
  /** Name in the devices file. */
  readonly name: string;
  /** Of the crypto user, known to be right. */
  readonly pin: Secret;
  /** null: the devices file names none. */
  readonly rootPath: string | null;
}

const NONCE_BYTES = 32;
const MAX_ROOT_BYTES = 65_536;
const GROUP_OR_OTHERS_WRITE = 0o022;

interface Asked {
  readonly node: number;
  readonly answer: Attestation;
}

export function keyAttestation(options: KeyAttestationOptions): KeyAttestation {
  const { cluster, device, name, rootPath } = options;
  const fail = (code: ErrorCode, message: string, details: { hint?: string; cause?: unknown } = {}): KeyferryError =>
    new KeyferryError(code, `${name}: ${message}`, { device: name, outcome: 'not-applied', ...details });

  async function root(): Promise<X509Certificate> {
    if (rootPath === null) {
      throw fail('capability-missing', 'no root is pinned that attestations could lead to.', {
        hint: `Name one in the devices file: attestation-root: PATH. A simulated cluster writes its own to ${ROOT_FILE} in its state folder.`,
      });
    }
    // The file may be the simulator's own, which is made when it is first asked for.
    await cluster.attestationRoot();
    const pem = readPinned(rootPath, fail);
    try {
      return readRoot(pem);
    } catch (error) {
      throw refused(error, rootPath);
    }
  }

  function refused(error: unknown, what: string): unknown {
    if (!(error instanceof AttestationRefusal)) return error;
    return fail('attestation-failed', `${what}: ${error.message}.`, { cause: error });
  }

  async function ask(handle: number, nonce: Uint8Array, nodeId: number | null): Promise<Asked> {
    const nodes = cluster.nodes.filter(({ id, isUp }) => (nodeId === null ? isUp : id === nodeId));
    let refusal = new HsmRefusal('no-such-node', null, nodeId === null ? 'no HSM is up' : `there is no HSM ${nodeId}`);
    for (const node of nodes) {
      try {
        return { node: node.id, answer: await askNode(node, options.pin, handle, nonce) };
      } catch (error) {
        if (!(error instanceof HsmRefusal)) throw error;
        refusal = error;
      }
    }
    throw fail('device-refused', `the key was not attested: ${refusal.message}.`, { cause: refusal });
  }

  return {
    root,
    async attest(key, handle, nodeId) {
      const pinned = await root();
      const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
      const { node, answer } = await ask(handle, nonce, nodeId);
      const shown = await shownKey(device, key, handle);
      try {
        return checkAttestation(answer, { nonce, node, shown, root: pinned, nowMs: Date.now() });
      } catch (error) {
        throw refused(error, `what HSM ${node} says of key ${handle} does not hold`);
      }
    },
  };
}

async function askNode(node: HsmNode, pin: Secret, handle: number, nonce: Uint8Array): Promise<Attestation> {
  const [user = '', ...password] = pin.reveal().split(':');
  const session = node.login('CU', user, password.join(':'), 'sdk5');
  try {
    return await session.attest(handle, nonce);
  } finally {
    // An HSM that went down meanwhile has ended the session by itself.
    if (node.isUp) session.logout();
  }
}

async function shownKey(device: Device, key: KeyRef, handle: number): Promise<ShownKey> {
  const { serial, firmware } = await device.describe();
  const record = await device.read(key);
  const { local = false, extractable = null, sensitive = null, neverExtractable = null } = record.attributes;
  return {
    serial,
    firmware,
    handle,
    class: record.class,
    type: record.type,
    kcv: record.kcv,
    spkiSha256: record.class === 'secret' ? null : spkiSha256(await device.publicKey(key)),
    local,
    extractable,
    sensitive,
    neverExtractable,
  };
}

function readPinned(path: string, fail: (code: ErrorCode, message: string, details?: object) => KeyferryError): string {
  try {
    const { mode, size } = statSync(path);
    if ((mode & GROUP_OR_OTHERS_WRITE) !== 0) throw fail('file-unsafe', `${path} can be written by others.`);
    if (size > MAX_ROOT_BYTES) throw fail('file-unreadable', `${path} is too large for a certificate.`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof KeyferryError) throw cause;
    throw fail('file-unreadable', `${path} with the root of attestations could not be read.`, { cause });
  }
}
