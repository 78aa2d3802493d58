/** Every generated schema, for scripts/generate.ts and for the test that compares them with what is checked in. */
import { loadAdapters } from '../../src/adapters/registry.ts';
import type { GeneratedFile } from '../docs/error-docs.ts';
import { generateDevicesSchema } from './devices-schema.ts';
import { generatePlaybookSchema } from './playbook-schema.ts';

const ADAPTERS = await loadAdapters();

export function generateSchemas(): readonly GeneratedFile[] {
  return [generatePlaybookSchema(ADAPTERS), generateDevicesSchema(ADAPTERS)];
}
