/**
 * Where a simulated cluster keeps its HSMs' keys and certificates: in memory, or in `attestation.json` of the state folder, with the root
 * for whoever wants to pin it in `attestation-root.pem` beside it.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KeyferryError } from '../../../errors/keyferry-error.ts';
import { withFileLock } from '../../processes/file-lock.ts';
import {
  type ClusterIdentity,
  type IdentityRequest,
  isClusterIdentity,
  makeClusterIdentity,
} from './simulated-identity.ts';

const IDENTITY_FILE = 'attestation.json';
export const ROOT_FILE = 'attestation-root.pem';

/** Making keys for 28 HSMs takes seconds. */
const LOCK_WAIT_MS = 60_000;

export class IdentityStore {
  readonly #stateDir: string | null;
  readonly #request: () => IdentityRequest;
  #inMemory: Promise<ClusterIdentity> | null = null;

  constructor(stateDir: string | null, request: () => IdentityRequest) {
    this.#stateDir = stateDir;
    this.#request = request;
  }

  /** Rejects with `simulator-state`, `state-unwritable`, `device-busy`. */
  async identity(): Promise<ClusterIdentity> {
    if (this.#stateDir !== null) return await this.#kept(this.#stateDir);
    this.#inMemory ??= makeClusterIdentity(this.#request());
    return await this.#inMemory;
  }

  /** PEM. Of a cluster with a folder, what its file says now. Rejects as `identity` does. */
  async root(): Promise<string> {
    const { root } = await this.identity();
    if (this.#stateDir === null) return root;
    const path = join(this.#stateDir, ROOT_FILE);
    return readState(path);
  }

  async #kept(stateDir: string): Promise<ClusterIdentity> {
    const path = join(stateDir, IDENTITY_FILE);
    if (existsSync(path)) return parsed(path);
    const lock = { path: `${path}.lock`, waitMs: LOCK_WAIT_MS, purpose: 'the identity of a simulated cluster' };
    return await withFileLock(lock, async () => {
      if (existsSync(path)) return parsed(path);
      const identity = await makeClusterIdentity(this.#request());
      write(join(stateDir, ROOT_FILE), identity.root);
      // Last: with it the identity is there, and its root is too.
      write(path, JSON.stringify(identity));
      return identity;
    });
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (cause) {
    throw new KeyferryError('state-unwritable', `${path} of the simulated cluster cannot be written`, { cause });
  }
}

function readState(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new KeyferryError('simulator-state', `${path} of the simulated cluster cannot be read`, { cause });
  }
}

function parsed(path: string): ClusterIdentity {
  let identity: unknown;
  try {
    identity = JSON.parse(readState(path));
  } catch (cause) {
    if (cause instanceof KeyferryError) throw cause;
    throw new KeyferryError('simulator-state', `${path} of the simulated cluster is damaged`, { cause });
  }
  if (isClusterIdentity(identity)) return identity;
  throw new KeyferryError('simulator-state', `${path} does not hold the identity of simulated HSMs`);
}
