/** Writes every generated file: the editors' schemas and the reference documents. Tests compare them with what is checked in. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateDocuments } from './docs/documents.ts';
import { generateSchemas } from './schemas/schemas.ts';

const GENERATORS = [generateSchemas, generateDocuments];

const root = fileURLToPath(new URL('..', import.meta.url));
for (const { path, text } of GENERATORS.flatMap((generate) => generate())) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
