/**
 * A change, server by server, and what the operator is asked when one of them refuses it. The vendor's prompts for createUser and
 * deleteUser are documented; other commands get createUser's. Whatever differs between the servers in the end is said.
 */
import { type HsmNode, HsmRefusal, type NodeSession } from '../../adapters/cloudhsm/cluster/cluster.ts';
import { type CmuSession, failureText, serverName } from './cmu-session.ts';

export interface Change {
  readonly command: string;
  /** Said of a server that refused: `creating user on server 0(10.0.2.14) failed`. */
  readonly failed: (server: string) => string;
  /** `<command> success on server …` after each. */
  readonly saysSuccess: boolean;
  readonly act: (session: NodeSession, node: HsmNode) => void;
  /** Why what is done on other servers cannot be undone. Present: the operator may answer B (rollBack) instead of A (Abort). */
  readonly noWayBack?: string;
}

/** `done`: no server was left out. */
export async function onEveryServer(cmu: CmuSession, change: Change): Promise<'done' | 'incomplete'> {
  const { servers } = cmu;
  const changed: HsmNode[] = [];
  const left: HsmNode[] = [];
  for (const [place, node] of servers.entries()) {
    const end = await onServer(cmu, change, node);
    if (end === 'done') changed.push(node);
    else left.push(node);
    if (end === 'stop') {
      left.push(...servers.slice(place + 1));
      break;
    }
  }
  if (left.length === 0) return 'done';
  if (changed.length > 0) {
    const names = (nodes: readonly HsmNode[]): string => nodes.map(serverName).join(', ');
    cmu.terminal.note(
      `${change.command} was done on ${names(changed)} and not on ${names(left)}: the HSMs now differ, and the cluster does not mend that by itself.`,
    );
  }
  return 'incomplete';
}

/** `skip`: go on with the next server. */
async function onServer(cmu: CmuSession, change: Change, node: HsmNode): Promise<'done' | 'skip' | 'stop'> {
  while (true) {
    const refusal = attempt(cmu, change, node);
    if (refusal === null) {
      if (change.saysSuccess) cmu.line(`${change.command} success on ${serverName(node)}`);
      return 'done';
    }
    cmu.line(`${change.command} failed: ${failureText(refusal)}`);
    cmu.line(change.failed(serverName(node)));
    cmu.line();
    const answer = await askWhatNow(cmu, change);
    if (answer === 'R') continue;
    if (answer === 'I') return 'skip';
    if (answer === 'B' && change.noWayBack !== undefined) cmu.terminal.note(change.noWayBack);
    return 'stop';
  }
}

function attempt(cmu: CmuSession, change: Change, node: HsmNode): HsmRefusal | null {
  try {
    change.act(cmu.sessionOn(node), node);
    return null;
  } catch (error) {
    if (error instanceof HsmRefusal) return error;
    throw error;
  }
}

/** The end of the input counts as stopping. */
async function askWhatNow(cmu: CmuSession, { noWayBack }: Change): Promise<'R' | 'I' | 'A' | 'B'> {
  const isUndoable = noWayBack !== undefined;
  const question = isUndoable ? 'Retry/rollBack/Ignore?(R/B/I):' : 'Retry/Ignore/Abort?(R/I/A):';
  while (true) {
    const answer = (await cmu.terminal.ask(question))?.trim().toUpperCase();
    if (answer === undefined) return isUndoable ? 'B' : 'A';
    if (answer === 'R' || answer === 'I') return answer;
    if (answer === 'A' && !isUndoable) return answer;
    if (answer === 'B' && isUndoable) return answer;
  }
}
