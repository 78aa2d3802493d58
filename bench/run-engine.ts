/** Runs the engine once in a process of its own and gives what it measured. */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineMessage, EngineReply, EngineRequest } from './engine-messages.ts';

export async function runEngine(options: {
  readonly keys: number;
  readonly devices: EngineRequest['devices'];
  readonly parentDir: string;
}): Promise<EngineReply> {
  const dir = mkdtempSync(join(options.parentDir, 'engine-'));
  const request: EngineRequest = { keys: options.keys, devices: options.devices, dir };
  try {
    return await new Promise((resolve, reject) => {
      const child = fork(new URL('./engine-main.js', import.meta.url), [JSON.stringify(request)], {
        execArgv: ['--expose-gc'],
        serialization: 'advanced',
        // What the engine's process says belongs to nobody's result.
        stdio: ['ignore', 2, 2, 'ipc'],
      });
      child.once('message', (message: EngineMessage) => {
        if (message.kind === 'done') resolve(message.reply);
        else reject(new Error(message.message));
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`the engine's process ended: ${code ?? signal}`)));
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
