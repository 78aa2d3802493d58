/** Every generated document, for scripts/generate.ts and for the test that compares them with what is checked in. */
import { loadAdapters } from '../../src/adapters/registry.ts';
import { type GeneratedFile, generateErrorDocs } from './error-docs.ts';
import { generatePlaybookDocs } from './playbook-docs.ts';

const ADAPTERS = await loadAdapters();

export function generateDocuments(): readonly GeneratedFile[] {
  return [generateErrorDocs(), generatePlaybookDocs(ADAPTERS)];
}
