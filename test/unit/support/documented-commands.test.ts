import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { missingPart } from '../../support/documented-commands.ts';

const program = new Command('keyferry').option('--json');
program.command('plan').option('-o, --out <FILE>').command('show');
program.command('runs');
const known = { program, npmScripts: ['demo', 'keyferry'] };

describe('what a document shows', () => {
  test.each([
    'keyferry plan a.yaml --out b.plan',
    'keyferry plan show b.plan',
    'npx keyferry runs --json',
    'keyferry plan -o=b.plan a.yaml',
    'keyferry runs --help',
    'npm run demo',
    'npm ci',
    'npm run keyferry -- plan a.yaml',
    'cd trial',
  ])('%s exists', (line) => {
    expect(missingPart(line, known)).toBeNull();
  });

  test.each([
    ['keyferry plann a.yaml', 'keyferry plann'],
    ['keyferry plan --outt b', 'plan --outt'],
    ['keyferry runs --out b', 'runs --out'],
    ['npx keyferry rollback RUN', 'keyferry rollback'],
    ['npm run demos', 'npm run demos'],
    ['npm frobnicate', 'npm frobnicate'],
    ['npm run keyferry -- report RUN', 'keyferry report'],
  ])('%s does not', (line, missing) => {
    expect(missingPart(line, known)).toBe(missing);
  });
});
