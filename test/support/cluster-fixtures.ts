/** Simulated clusters for tests: two officers, two crypto users, nodes 3, 4 and 5 as the documents number theirs. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type ClusterOptions,
  type HsmNode,
  HsmRefusal,
  type NodeSession,
  type SimulatedCluster,
} from '../../src/adapters/cloudhsm/cluster/cluster.ts';
import { openCluster } from '../../src/adapters/cloudhsm/cluster/open-cluster.ts';
import { CKA, CKK, CKM, CKO, CKU } from '../../src/adapters/pkcs11/constants.ts';
import type { Attribute, Cryptoki } from '../../src/adapters/pkcs11/cryptoki.ts';
import { boolValue, ulongValue } from '../../src/adapters/pkcs11/simulator/attribute-values.ts';

export const PASSWORD = 'password-1';

export const aCluster = (options: Partial<ClusterOptions> = {}): Promise<SimulatedCluster> =>
  openCluster({
    stateDir: null,
    nodes: [
      { id: 3, address: '10.0.2.14' },
      { id: 4, address: '10.0.1.4' },
      { id: 5, address: '10.0.3.9' },
    ],
    users: [
      { type: 'PCO', name: 'admin', password: PASSWORD },
      { type: 'CO', name: 'officer1', password: PASSWORD },
      { type: 'CO', name: 'officer2', password: PASSWORD },
      { type: 'CU', name: 'user4', password: PASSWORD },
      { type: 'CU', name: 'user5', password: PASSWORD },
    ],
    hsmType: 'hsm2m.medium',
    ...options,
  });

/** The nth of the cluster, from 0. */
export function nodeAt(cluster: SimulatedCluster, server: number): HsmNode {
  const node = cluster.nodes[server];
  if (node === undefined) throw new Error(`no node ${server}`);
  return node;
}

export const officer = (node: HsmNode, name = 'officer1'): NodeSession => node.login('CO', name, PASSWORD);
export const cryptoUser = (node: HsmNode, name = 'user4'): NodeSession => node.login('CU', name, PASSWORD);

export function userId(node: HsmNode, name: string): number {
  const user = node.users().find((each) => each.name === name);
  if (user === undefined) throw new Error(`no user ${name}`);
  return user.id;
}

/** What the call refuses with: `name code`. */
export function refusalOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof HsmRefusal)
      return error.code === null ? error.name : `${error.name} 0x${error.code.toString(16)}`;
    throw error;
  }
  return 'not refused';
}

export interface Client {
  readonly module: ReturnType<SimulatedCluster['module']>;
  readonly session: bigint;
}

/** A crypto user logged in through a PKCS#11 library of its own. */
export function logIn(cluster: SimulatedCluster, name = 'user4', password = PASSWORD): Client {
  const module = cluster.module();
  module.C_Initialize();
  const session = module.C_OpenSession(module.C_GetSlotList(true)[0] ?? -1n);
  module.C_Login(session, CKU.USER, `${name}:${password}`);
  return { module, session };
}

export const flag = (type: number, value: boolean): Attribute => ({ type, value: boolValue(value) });

export const aesTemplate = (more: readonly Attribute[] = []): Attribute[] => [
  { type: CKA.VALUE_LEN, value: ulongValue(32) },
  ...(more.some(({ type }) => type === CKA.TOKEN) ? [] : [flag(CKA.TOKEN, true)]),
  ...more,
];

export const makeAes = ({ module, session }: Client, more: readonly Attribute[] = []): Promise<bigint> =>
  module.C_GenerateKey(session, { type: CKM.AES_KEY_GEN }, aesTemplate(more));

export const unwrapTemplate = (more: readonly Attribute[] = []): Attribute[] => [
  { type: CKA.CLASS, value: ulongValue(CKO.SECRET_KEY) },
  { type: CKA.KEY_TYPE, value: ulongValue(CKK.AES) },
  flag(CKA.TOKEN, true),
  ...more,
];

export const isListed = (module: Cryptoki, session: bigint, object: bigint): boolean =>
  module.findObjects(session, []).includes(object);

/** Own key of an officer, for approvals. */
export interface Signer {
  readonly publicKeyPem: string;
  readonly privateKey: KeyObject;
}

export function aSigner(bits = 2048): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { publicKeyPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(), privateKey };
}

export const signed = (signer: Signer, data: Uint8Array): Uint8Array =>
  new Uint8Array(sign('sha256', data, signer.privateKey));

/** On that session's own node. */
export function register(session: NodeSession, name: string, signer: Signer): void {
  const proof = new TextEncoder().encode(`registration of ${name}`);
  session.registerQuorumKey(name, proof, signed(signer, proof), signer.publicKeyPem);
}

/** A wrapping pair of 2048 bits: public and private template. */
export const rsaTemplates = (): [Attribute[], Attribute[]] => [
  [
    { type: CKA.MODULUS_BITS, value: ulongValue(2048) },
    { type: CKA.PUBLIC_EXPONENT, value: Uint8Array.of(1, 0, 1) },
    flag(CKA.TOKEN, true),
  ],
  [flag(CKA.TOKEN, true)],
];
