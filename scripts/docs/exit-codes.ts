/** Exit codes in words, for docs/errors.md and the README. src/errors/codes.ts says which error ends with which; src/main.ts adds 70 and 130. */

export const EXIT_CODES: ReadonlyMap<number, string> = new Map([
  [0, 'done'],
  [1, 'finished or paused with keys that failed or need attention'],
  [2, 'usage, or a playbook or devices file with errors'],
  [3, 'the plan blocks; nothing was done'],
  [4, 'waiting for approval'],
  [5, 'verification failed'],
  [6, 'the run is held by another process'],
  [7, 'a device cannot be used; the error code says why'],
  [8, 'local state: journal damaged or newer, disk full, home folder unsafe'],
  [70, 'a bug in keyferry; the stack is shown'],
  [130, 'interrupted; can be resumed'],
]);

/** Where several apply, the first of these is the one that counts. */
export const EXIT_CODE_PRECEDENCE = [130, 8, 7, 4, 5, 1];
