/**
 * The simulated CloudHSM cluster as its tools see it: HSM nodes that each keep their own users, sharing, attribute changes and quorum
 * values (those do not synchronise), and keys that do. Facts: docs/devices.md. The consoles and the simulated `cloudhsm-cli` speak to
 * this; PKCS#11 callers get it through the simulated module. State is durable and shared between processes.
 */
import type { Cryptoki } from '../../pkcs11/cryptoki.ts';
import type { FaultPlan } from '../../pkcs11/simulator/faults.ts';
import type { Defects } from '../../pkcs11/simulator/personality.ts';
import type { Attestation } from '../attest/statement.ts';

export const USER_TYPES = ['PRECO', 'PCO', 'CO', 'CU', 'AU'] as const;
export type UserType = (typeof USER_TYPES)[number];

/** 3: user management · 4: quorum values. */
export type QuorumService = 3 | 4;

/** Approvals of crypto users, for one key (Client SDK 5). Management: wrap, unwrap, share, unshare, change attributes. */
export type KeyService = 'key-management' | 'key-usage';

/** Approvals that a key wants, of its owner and the users it is shared with. Both 0: none; else both 2 to 8. */
export interface KeyQuorum {
  readonly manage: number;
  readonly use: number;
}

/**
 * What an HSM refuses. `code` is the vendor's number where a source has it, null where none is known: then callers show `name` in words
 * of their own and never make a number up.
 */
export class HsmRefusal extends Error {
  override readonly name: string;
  readonly code: number | null;

  constructor(name: string, code: number | null, message: string) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

export interface HsmUser {
  readonly id: number;
  readonly name: string;
  readonly type: UserType;
  readonly hasQuorumKey: boolean;
  /** Logs in with a signature beside the password. */
  readonly hasSecondFactor: boolean;
  readonly loginFailures: number;
  readonly isLocked: boolean;
}

export interface HsmKeyInfo {
  /** Cluster-wide key handle: creating node · 2^18 + n. The same in every process. */
  readonly handle: number;
  readonly owner: number;
  /** On this node. */
  readonly sharedWith: readonly number[];
  readonly isSession: boolean;
  /** Approvals wanted to use and to manage the key, the larger of both; 0: none. */
  readonly quorum: number;
  readonly quorums: KeyQuorum;
}

export interface QuorumTokenView {
  readonly id: number;
  readonly service: QuorumService | KeyService;
  /** The node number that the token names. */
  readonly node: number;
  /** 0: a token of officers. */
  readonly keyHandle: number;
  readonly user: string;
  /** Seconds, 0: may be purged at any time. */
  readonly validitySeconds: number;
  readonly required: number;
  readonly approvers: readonly string[];
}

/** An officer's signature over a whole token file; of a key's token, a crypto user's. */
export interface TokenApproval {
  readonly user: string;
  readonly type: 'CO' | 'CU';
  readonly signature: Uint8Array;
}

/**
 * The old tools, or Client SDK 5. `legacy`: quorum tokens die with their session and may be used at 0 s of validity; keys may be used at
 * once. `sdk5`: tokens outlive their session and end with their validity; a key must be on two HSMs before it is used.
 */
export type ClientKind = 'legacy' | 'sdk5';

/** A key of an officer's own (RSA-2048) that signs what an HSM gives at each login, and the proof that the officer has it. */
export interface SecondFactor {
  readonly publicKeyPem: string;
  /** Over this HSM's last challenge. */
  readonly signature: Uint8Array;
}

export interface HsmCertificates {
  /** PEM: the simulator's own root. */
  readonly root: string;
  /** PEM: this HSM's, then its issuer's. */
  readonly chain: readonly string[];
}

/** One HSM. Every call answers for this node alone. Throws HsmRefusal, also `node-down`. */
export interface HsmNode {
  /** Node id, as key_mgmt_util prints it. Not in order, not the server number. */
  readonly id: number;
  /** Server number, as cloudhsm_mgmt_util prints it: 0, 1, … */
  readonly server: number;
  readonly address: string;
  readonly isUp: boolean;
  /** Needs no login. */
  users(): readonly HsmUser[];
  mValue(service: QuorumService): number;
  quorumTokens(): readonly QuorumTokenView[];
  certificates(): Promise<HsmCertificates>;
  /** SHA-256 of something random, to be signed (PKCS#1 v1.5). Good once, until the next one. */
  challenge(): Uint8Array;
  /** `client`: `legacy` when absent. `signature`: over the challenge, of users with a second factor. */
  login(type: UserType, name: string, password: string, client?: ClientKind, signature?: Uint8Array): NodeSession;
}

/** A management session of one user on one node. It ends with logout, with the node, and with the process. */
export interface NodeSession {
  readonly user: HsmUser;
  logout(): void;
  /** `second`: for officers only. Throws also `second-factor` for a proof that is none. */
  createUser(type: 'CO' | 'CU', name: string, password: string, second?: SecondFactor): HsmUser;
  deleteUser(type: 'CO' | 'CU', name: string): void;
  /** Without `second` a user who had a second factor has none afterwards. */
  changePassword(type: UserType, name: string, password: string, second?: SecondFactor): void;
  /** Copies a token key with what is said about it to an HSM that lacks it: an officer any key, a crypto user an own one. */
  syncKey(handle: number, toNode: number): void;
  /** Makes that HSM say of this user what this one says. By officers. */
  syncUser(userId: number, toNode: number): void;
  /** Handles of token keys owned by or shared with that user, ascending. */
  findAllKeys(userId: number): readonly { readonly handle: number; readonly isOwned: boolean }[];
  /** Hex digest over ownership and sharing of all keys on this node. */
  keyHash(): string;
  keyInfo(handle: number): HsmKeyInfo;
  share(handle: number, userId: number, isShared: boolean): void;
  getAttribute(handle: number, attribute: number): Uint8Array;
  setAttribute(handle: number, attribute: number, value: Uint8Array): void;
  /** A token key with all that belongs to it on this node, under the cluster's own key. For its owner and for officers. */
  extractMasked(handle: number): Uint8Array;
  /** Own, shared and public keys. `nonce`: any bytes; they come back in the statement. Rejects with HsmRefusal and KeyferryError. */
  attest(handle: number, nonce: Uint8Array): Promise<Attestation>;
  setMValue(service: QuorumService, m: number): void;
  /** Raw entry of this node for the token file. */
  requestToken(service: QuorumService): { readonly view: QuorumTokenView; readonly bytes: Uint8Array };
  /** The same for one key, by a crypto user who owns it or shares in it. Throws `quorum-not-set` for a key that wants no approval. */
  requestKeyToken(service: KeyService, handle: number): { readonly view: QuorumTokenView; readonly bytes: Uint8Array };
  /** `signed`: the whole token file as the approvers signed it, of which this node finds its own entry. */
  approveToken(signed: Uint8Array, approvals: readonly TokenApproval[]): void;
  deleteToken(id: number): void;
  /** `proof`: any bytes up to 245, signed with the private key of `publicKeyPem` (RSA-2048, SHA-256, PKCS#1 v1.5). */
  registerQuorumKey(name: string, proof: Uint8Array, signature: Uint8Array, publicKeyPem: string): void;
}

export interface Divergence {
  readonly what:
    | 'users'
    | 'password'
    | 'second-factors'
    | 'sharing'
    | 'attributes'
    | 'quorum-values'
    | 'quorum-keys'
    | 'keys'
    | 'node';
  /** Which user, key or service; `node`: the address of one that is down. */
  readonly subject: string;
  /** Node id → what that node says, in words. */
  readonly nodes: Readonly<Record<number, string>>;
}

export interface SimulatedCluster {
  readonly id: string;
  /** Serial number of the token that PKCS#11 callers see. */
  readonly serial: string;
  readonly nodes: readonly HsmNode[];
  /** Every difference between nodes that are up; nodes that are down are named too. */
  syncCheck(): readonly Divergence[];
  /** Brings the other nodes to what `from` says. Gives what it could not mend. */
  repair(from: HsmNode): readonly Divergence[];
  /** Fails a node and brings it back, for tests and rehearsals; `calls`: only after so many management calls more. */
  fail(nodeId: number, calls?: number): void;
  restore(nodeId: number): void;
  /** PEM of the simulator's own root, which `attest` leads to; with a state folder also in its attestation-root.pem. */
  attestationRoot(): Promise<string>;
  /** What a crypto user's PKCS#11 library shows: PIN `user:password`, own, shared and public keys. */
  /** Every call gives a module of its own, as another process would have it. `client`: `sdk5` when absent. */
  module(options?: ModuleOptions): Cryptoki & { close(): Promise<void> };
  /** Cluster-wide handle of an object of `module()`, and back. */
  keyHandle(session: bigint, object: bigint): number;
  objectHandle(session: bigint, handle: number): bigint;
  /**
   * Runs `make`, whose keys (made through the session's module, and nothing else through it meanwhile) must be on so many nodes within
   * the time; null: wait for ever. Else they are removed again from every node that can be reached, and HsmRefusal `too-few-servers`.
   */
  createOnAtLeast<T>(session: bigint, rule: MinimumServers, make: () => Promise<T>): Promise<T>;
  /**
   * Runs `make`, whose keys (public ones aside) are shared with these users and want these approvals from the start. Throws HsmRefusal
   * `quorum-value`, `no-such-user` and `user-owns-key` before anything is made.
   */
  createGuarded<T>(session: bigint, guard: KeyGuard, make: () => Promise<T>): Promise<T>;
  /**
   * Runs `use`, in which these keys may be used although they want approvals. Every HSM that is up must have an approved token for each,
   * and all of them are spent before `use` begins. Throws HsmRefusal RET_MXN_AUTH_FAILED with nothing spent. Other keys pass.
   */
  withApproval<T>(session: bigint, uses: readonly KeyUse[], use: () => Promise<T>): Promise<T>;
  /**
   * Makes a key of what `extractMasked` gave here or in a cluster of which this is a clone: with its owner, who need not be the caller, its
   * sharing and approvals, under a handle of its own. Throws HsmRefusal `masked-object`, `no-such-user` (its owner is no user any more),
   * `key-id` (another key has its id), `key-limit`.
   */
  insertMasked(session: bigint, masked: Uint8Array): InsertedKey;
  /** Fault: the next removal after `createOnAtLeast` does not reach the node, which keeps an orphan key. */
  loseTombstone(nodeId: number): void;
  /** Makes a token key of a session key of the caller's own (OBJ_ATTR_TOKEN 0 → 1). */
  promote(session: bigint, object: bigint): void;
  close(): Promise<void>;
}

export interface InsertedKey {
  readonly handle: number;
  /** Names of users with whom the key was shared and who are none any more. */
  readonly lostSharers: readonly string[];
}

export interface KeyGuard {
  readonly quorum: KeyQuorum;
  /** User ids. */
  readonly users: readonly number[];
}

export interface KeyUse {
  readonly handle: number;
  readonly service: KeyService;
}

export interface MinimumServers {
  readonly minServers: number;
  readonly timeoutMs: number | null;
}

export interface ModuleOptions {
  readonly client?: ClientKind;
  readonly faults?: FaultPlan;
  /** Threads for RSA private operations. Default 0. */
  readonly cryptoWorkers?: number;
}

export interface ClusterOptions {
  /** null: memory only. */
  readonly stateDir: string | null;
  /** Of a cluster that has no state yet. */
  readonly nodes: readonly { readonly id: number; readonly address: string }[];
  readonly users: readonly { readonly type: UserType; readonly name: string; readonly password: string }[];
  readonly hsmType: 'hsm1.medium' | 'hsm2m.medium' | 'unlimited';
  /** SDK 5: a key must be on two HSMs before it is used. Default true; a cluster of one HSM needs it off. */
  readonly checksAvailability?: boolean;
  /** Keys are created only while so many HSMs answer (create_object_minimum_nodes of the client's configuration). Default 1. */
  readonly createObjectMinimumNodes?: number;
  /** Label of the token that PKCS#11 callers see; absent: the adapter's own. */
  readonly label?: string;
  readonly defects?: Defects;
  /** Injected for tests: milliseconds since the epoch. */
  readonly clock?: () => number;
}
