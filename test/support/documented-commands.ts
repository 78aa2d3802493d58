/** Whether a command line that a document shows would be understood: the npm script, the keyferry command and each of its options. */
import type { Command } from 'commander';

/** null: it exists. Otherwise what does not. */
export function missingPart(
  commandLine: string,
  known: { readonly program: Command; readonly npmScripts: readonly string[] },
): string | null {
  const words = commandLine.split(/\s+/);
  const [tool, ...rest] = words[0] === 'npx' ? words.slice(1) : words;
  if (tool === 'keyferry') return missingOfKeyferry(known.program, rest);
  if (tool !== 'npm') return null;
  const [verb, script] = rest;
  if (verb !== 'run')
    return verb === undefined || ['ci', 'test', 'link', 'rebuild'].includes(verb) ? null : `npm ${verb}`;
  if (script === undefined || !known.npmScripts.includes(script)) return `npm run ${script ?? ''}`;
  const separator = rest.indexOf('--');
  return script === 'keyferry' && separator !== -1 ? missingOfKeyferry(known.program, rest.slice(separator + 1)) : null;
}

function missingOfKeyferry(program: Command, words: readonly string[]): string | null {
  let command = program;
  const options: string[] = [];
  let isNaming = true;
  for (const word of words) {
    // What follows is nobody's option.
    if (word === '--') break;
    if (word.startsWith('-')) {
      options.push(word.replace(/=.*$/, ''));
      continue;
    }
    if (!isNaming) continue;
    const next = command.commands.find((candidate) => candidate.name() === word || candidate.aliases().includes(word));
    if (next === undefined) isNaming = false;
    else command = next;
  }
  if (command === program && words.some((word) => /^[a-z]/.test(word)))
    return `keyferry ${words.find((word) => /^[a-z]/.test(word))}`;
  const flags = new Set([...command.options, ...program.options].flatMap((option) => [option.long, option.short]));
  const unknown = options.find((option) => option !== '--help' && !flags.has(option));
  return unknown === undefined ? null : `${command.name()} ${unknown}`;
}
