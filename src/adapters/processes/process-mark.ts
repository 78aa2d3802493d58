/**
 * Names a process so that a later one with the same id is not taken for it: the id and, on Linux, when it started (proc(5), field 22 of
 * /proc/PID/stat). Elsewhere the id alone, so a reused id looks alive, which errs on the side of waiting.
 */
import { readFileSync } from 'node:fs';

export interface ProcessMark {
  readonly pid: number;
  /** Clock ticks since boot, as text; empty where the system does not say. */
  readonly started: string;
}

export const markOf = (pid: number): ProcessMark => ({ pid, started: startOf(pid) ?? '' });

export function isAlive(mark: ProcessMark): boolean {
  const started = startOf(mark.pid);
  if (started !== undefined) return started === mark.started;
  if (process.platform === 'linux') return false;
  try {
    process.kill(mark.pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, as another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** undefined: no such process, a zombie, or no /proc. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command in brackets and may hold anything, so count from the last bracket: state is field 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
