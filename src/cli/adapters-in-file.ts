/** The adapters that a playbook or devices file speaks of. What is wrong with the file, its own reader says. */
import { readFileSync } from 'node:fs';
import { type AdapterRegistry, loadAdaptersIn } from '../adapters/registry.ts';

export function adaptersInFile(path: string): Promise<AdapterRegistry> {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // The reader that follows tells why, with the right words and exit code.
  }
  return loadAdaptersIn(text);
}
