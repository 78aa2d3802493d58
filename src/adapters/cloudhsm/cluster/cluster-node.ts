/** One HSM of a simulated cluster, as its management tools reach it. */
import { randomBytes } from 'node:crypto';
import { isAlive, markOf } from '../../processes/process-mark.ts';
import {
  type ClientKind,
  type HsmCertificates,
  type HsmNode,
  HsmRefusal,
  type HsmUser,
  type NodeSession,
  type QuorumService,
  type QuorumTokenView,
  type UserType,
} from './cluster.ts';
import { type ClusterCore, countCall, upNode } from './cluster-core.ts';
import { type NodeRecord, nodeOf } from './cluster-record.ts';
import { OpenNodeSession } from './node-session.ts';
import { tryLogin, userView } from './node-users.ts';
import { passwordHash } from './passwords.ts';
import { keptTokens, tokenView } from './quorum.ts';
import { hasAnswered, newChallenge } from './second-factor.ts';

export class ClusterNode implements HsmNode {
  readonly id: number;
  readonly server: number;
  readonly address: string;
  readonly #core: ClusterCore;

  constructor(core: ClusterCore, place: { readonly id: number; readonly server: number; readonly address: string }) {
    this.#core = core;
    this.id = place.id;
    this.server = place.server;
    this.address = place.address;
  }

  get isUp(): boolean {
    return nodeOf(this.#core.store.fresh(), this.id).isUp;
  }

  users(): HsmUser[] {
    return this.#read().users.map(userView);
  }

  mValue(service: QuorumService): number {
    return this.#read().mValues[service];
  }

  quorumTokens(): QuorumTokenView[] {
    const node = this.#read();
    const nowMs = this.#core.clock();
    return keptTokens(node, nowMs).map((token) => tokenView(node, token, nowMs));
  }

  async certificates(): Promise<HsmCertificates> {
    const { root, hsms } = await this.#core.identities.identity();
    const hsm = hsms[this.id];
    if (hsm === undefined) throw new Error(`HSM ${this.id} has no identity`);
    return { root, chain: hsm.chain };
  }

  challenge(): Uint8Array {
    this.#read();
    return newChallenge(this.#core, this.id);
  }

  login(
    type: UserType,
    name: string,
    password: string,
    client: ClientKind = 'legacy',
    signature = new Uint8Array(),
  ): NodeSession {
    countCall(this.#core, this.id);
    const hash = passwordHash(this.#core.store.read().id, name, password);
    const outcome = this.#core.store.change((record) => {
      const node = upNode(record, this.id);
      const user = tryLogin(node, { type, name, hash }, (key) => hasAnswered(this.#core, this.id, key, signature));
      if (user instanceof HsmRefusal) return user;
      const id = randomBytes(8).toString('hex');
      node.sessions = node.sessions.filter((session) => isAlive(session.process));
      node.sessions.push({ id, userId: user.id, process: markOf(process.pid) });
      return { id, nodeId: this.id, boot: node.boot, user: userView(user), client };
    });
    if (outcome instanceof HsmRefusal) throw outcome;
    return new OpenNodeSession(this.#core, outcome);
  }

  #read(): NodeRecord {
    return upNode(this.#core.store.fresh(), this.id);
  }
}
