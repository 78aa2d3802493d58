/**
 * The vendor's administration tool as the actions see it: `cloudhsm-cli` of Client SDK 5 in single-command mode, one command and one JSON
 * answer per call. The real one is a process (native-tool.ts), the simulated one answers the same words over the simulated cluster.
 */
import type { Secret } from '../../../keys/secret.ts';

export type ToolRole = 'admin' | 'crypto-user';

export interface ToolLogin {
  readonly role: ToolRole;
  /** `user:password`. Never an argument. */
  readonly pin: Secret;
}

export interface ToolOptions {
  /** null: a command that needs no login. */
  readonly login: ToolLogin | null;
  /** Given at the tool's own prompt, twice. Never an argument. */
  readonly newPassword?: Secret;
}

export interface AdminTool {
  /** `data` of the answer. Rejects with ToolRefusal or ToolFailure and nothing else. */
  run(args: readonly string[], options: ToolOptions): Promise<unknown>;
}

/** The tool answered with an error code; the message is its own sentence. Part of the cluster may have changed all the same. */
export class ToolRefusal extends Error {
  override readonly name = 'ToolRefusal';
}

/** The tool gave no answer that can be read. `hasStarted`: it ran, so the cluster may have changed. */
export class ToolFailure extends Error {
  override readonly name = 'ToolFailure';
  readonly hasStarted: boolean;

  constructor(message: string, hasStarted: boolean) {
    super(message);
    this.hasStarted = hasStarted;
  }
}

export const userOfPin = (pin: Secret): string => pin.reveal().split(':')[0] ?? '';
