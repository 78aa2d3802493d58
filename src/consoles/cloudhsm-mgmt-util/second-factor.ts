/**
 * `-2fa FILE`: the tool writes what each HSM wants signed, waits until the signatures stand in the file, and reads it again (user guide,
 * `create-2fa`, `reference-2fa`). The words around the question are the guide's for createUser; other commands get them without the key.
 */
import { type HsmNode, HsmRefusal, type SecondFactor } from '../../adapters/cloudhsm/cluster/cluster.ts';
import { Misuse } from '../command.ts';
import type { CmuSession } from './cmu-session.ts';
import { readNamedFile, writeNamedFile } from './files.ts';

/** The path behind -2fa among the words from `place` on; undefined: not asked for. Throws Misuse for anything else there. */
export function secondFactorFile(words: readonly string[], place: number, usage: string): string | undefined {
  const [flag, path, more] = words.slice(place);
  if (flag === undefined) return undefined;
  if (flag !== '-2fa' || path === undefined || more !== undefined) throw new Misuse(usage);
  return path;
}

const hsmId = ({ id }: HsmNode): string => `hsm-simulated-${id}`;

/** What the operator put into the file, by HSM. `isNewKey`: the public key is wanted too. null: the input is over. */
export async function askSignatures(
  cmu: CmuSession,
  path: string,
  isNewKey: boolean,
): Promise<ReadonlyMap<number, SecondFactor> | null> {
  const nodes = cmu.servers.filter((node) => node.isUp);
  const entries = nodes.map((node) => ({
    HsmId: hsmId(node),
    Digest: Buffer.from(node.challenge()).toString('base64'),
    Signature: '',
  }));
  const request = { Version: '1.0', PublicKey: '', Data: entries };
  writeNamedFile(path, new Uint8Array(Buffer.from(`${JSON.stringify(request, null, 2)}\n`, 'utf8')));
  cmu.line(`Authentication data written to: "${path}"`);
  cmu.line('Generate Base64-encoded signatures for SHA256 digests in the authentication datafile.');
  cmu.line(
    `To generate the signatures, use the RSA private key, which is the second factor of authentication for this user. Paste the signatures ${
      isNewKey ? 'and the corresponding public key ' : ''
    }into the authentication data file and provide the file path below.`,
  );
  cmu.line('Leave this field blank to use the path initially provided.');
  const answer = await cmu.terminal.ask('Enter filename:');
  if (answer === null) return null;
  return readSignatures(answer.trim() === '' ? path : answer.trim(), nodes, isNewKey);
}

interface Answered {
  readonly PublicKey?: unknown;
  readonly Data?: unknown;
}

function readSignatures(path: string, nodes: readonly HsmNode[], isNewKey: boolean): Map<number, SecondFactor> {
  let answered: Answered;
  try {
    answered = JSON.parse(Buffer.from(readNamedFile(path)).toString('utf8')) as Answered;
  } catch (error) {
    if (error instanceof Misuse) throw error;
    throw new Misuse(`The file ${path} is not JSON; nothing was done.`);
  }
  const publicKeyPem = typeof answered?.PublicKey === 'string' ? answered.PublicKey : '';
  if (isNewKey && publicKeyPem === '') throw new Misuse(`The file ${path} has no PublicKey; nothing was done.`);
  const entries: readonly unknown[] = Array.isArray(answered?.Data) ? answered.Data : [];
  const found = new Map<number, SecondFactor>();
  for (const node of nodes) {
    const entry = entries.find((each) => (each as { HsmId?: unknown } | null)?.HsmId === hsmId(node));
    const signature = (entry as { Signature?: unknown } | undefined)?.Signature;
    if (typeof signature !== 'string' || signature === '') {
      throw new Misuse(`The file ${path} has no Signature of ${hsmId(node)}; nothing was done.`);
    }
    found.set(node.id, { publicKeyPem, signature: new Uint8Array(Buffer.from(signature, 'base64')) });
  }
  return found;
}

/** Of this HSM. Throws HsmRefusal where it gave no digest to sign. */
export function factorOf(
  factors: ReadonlyMap<number, SecondFactor> | undefined,
  node: HsmNode,
): SecondFactor | undefined {
  if (factors === undefined) return undefined;
  const factor = factors.get(node.id);
  if (factor === undefined) throw new HsmRefusal('second-factor', null, 'this HSM gave no digest to sign');
  return factor;
}
