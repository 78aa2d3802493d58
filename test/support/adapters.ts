/** All adapters at once, for tests that do not care which they need. */
import { loadAdapters } from '../../src/adapters/registry.ts';

export const ADAPTERS = await loadAdapters();
