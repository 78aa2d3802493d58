/** Everything that was ever made, changed or deleted on a simulated device: equal before and after means that nothing was done to it. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeRecord } from '../../src/adapters/pkcs11/simulator/record-codec.ts';
import { RecordLog } from '../../src/adapters/simulation/record-log.ts';

/** One line per change of an object, in order; logins and PIN counters are no change of an object. */
export function objectHistory(stateDir: string): readonly string[] {
  if (!existsSync(stateDir)) return [];
  const history: string[] = [];
  for (const file of readdirSync(stateDir).filter((name) => name.endsWith('.log'))) {
    const log = new RecordLog(join(stateDir, file), (payload) => {
      const record = decodeRecord(Buffer.from(payload));
      if (record.kind !== 'token') history.push(`${record.kind} ${createHash('sha256').update(payload).digest('hex')}`);
    });
    log.close();
  }
  return history;
}
