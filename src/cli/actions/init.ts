/** `init`: a starter devices file and playbook, commented. Never overwrites anything. */
import type { CommonOptions, Shell } from '../shell.ts';
import { writeStarter } from '../starter-files.ts';

export async function init(shell: Shell, dir: string, options: CommonOptions): Promise<number> {
  const files = await writeStarter(dir);
  const inDir = dir === '.' ? [] : [`cd ${dir}`];
  const next = [...inDir, 'keyferry devices', `keyferry plan ${files.playbook}`]
    .map((command) => `  ${command}\n`)
    .join('');
  const text = options.json
    ? `${JSON.stringify({ dir, files: files.written })}\n`
    : `Wrote ${files.written.join(', ')}.\nNext:\n${next}`;
  await shell.io.stdout.write(text);
  return 0;
}
