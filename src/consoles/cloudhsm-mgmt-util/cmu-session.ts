/**
 * What one operator of cloudhsm_mgmt_util has open: a session of the same user on every server it is connected to. Nothing this tool
 * changes is synchronised by the cluster: it is done server by server, and may fail on one of them.
 */
import {
  type HsmNode,
  HsmRefusal,
  type NodeSession,
  type SimulatedCluster,
  type UserType,
} from '../../adapters/cloudhsm/cluster/cluster.ts';
import { Misuse } from '../command.ts';
import type { Terminal } from '../console.ts';
import type { Edition } from '../edition.ts';

export interface CmuLogin {
  readonly type: UserType;
  readonly user: string;
  readonly sessions: ReadonlyMap<number, NodeSession>;
}

export class CmuSession {
  readonly cluster: SimulatedCluster;
  readonly edition: Edition;
  readonly terminal: Terminal;
  login: CmuLogin | null = null;
  /** Server number of server mode. */
  onlyServer: number | null = null;

  constructor(parts: { cluster: SimulatedCluster; edition: Edition; terminal: Terminal }) {
    this.cluster = parts.cluster;
    this.edition = parts.edition;
    this.terminal = parts.terminal;
  }

  /** The servers that a command goes to. */
  get servers(): readonly HsmNode[] {
    return this.cluster.nodes.filter(({ server }) => this.onlyServer === null || server === this.onlyServer);
  }

  /** Throws Misuse when nobody is logged in, or a user of another type is. */
  loggedIn(...types: readonly UserType[]): CmuLogin {
    if (this.login === null) throw new Misuse('Log in first: loginHSM <user type> <user name> <password>.');
    if (types.length > 0 && !types.includes(this.login.type)) {
      throw new Misuse(`This is for users of type ${types.join(', ')}; ${this.login.user} is ${this.login.type}.`);
    }
    return this.login;
  }

  /** Throws HsmRefusal where the server did not take the login, or is down. */
  sessionOn(node: HsmNode): NodeSession {
    const session = this.login?.sessions.get(node.server);
    if (session !== undefined && node.isUp) return session;
    throw new HsmRefusal(
      'node-down',
      null,
      node.isUp ? 'nobody is logged in on this server' : 'the server does not answer',
    );
  }

  line(text = ''): void {
    this.terminal.line(text);
  }
}

/** `server 0(10.0.2.14)` */
export const serverName = ({ server, address }: HsmNode): string => `server ${server}(${address})`;

const SYMBOLIC = /^[A-Z][A-Z0-9_]*$/;

/** The vendor's symbol where one is known, else our words. */
export function failureText(refusal: HsmRefusal): string {
  return SYMBOLIC.test(refusal.name)
    ? refusal.name
    : `in keyferry's words (the vendor's are not known): ${refusal.message}`;
}
