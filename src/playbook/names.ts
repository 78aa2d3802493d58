/** Which names a playbook may give: whatever an expression can name must be a CEL identifier and no word of CEL. */

export const IDENTIFIER_PATTERN = '^[a-z][a-z0-9_]*$';
/** YAML names that no expression uses: device roles, the playbook's own name. */
export const KEBAB_PATTERN = '^[a-z][a-z0-9]*([-_][a-z0-9]+)*$';

/** CEL's keywords and reserved words (cel-spec, langdef.md, "Syntax"), and what @marcbachmann/cel-js reserves beyond it. */
const CEL_WORDS: ReadonlySet<string> = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
  'prototype',
]);

/** Names at the top of every expression's world. */
export const ROOT_NAMES = ['inputs', 'steps', 'key', 'item'] as const;
export const COUNT_NAMES = ['failed', 'total', 'finished', 'failed_share'] as const;

/** Built-in namespaces of actions (`approval` is kept free): no device may be called so. */
export const RESERVED_ROLES: readonly string[] = ['verify', 'file', 'approval'];

/** Ids that keyferry makes for steps without one. */
const MADE_ID = /^(prepare|canary|each|after_each|finally)_[0-9]+$/;

/** undefined when the name may be used in expressions, else why not, with what to write instead where that is plain. */
export function identifierProblem(name: string): { readonly message: string; readonly hint?: string } | undefined {
  if (CEL_WORDS.has(name)) return { message: `${name} is a word of the expression language and cannot be a name` };
  if (new RegExp(IDENTIFIER_PATTERN).test(name)) return undefined;
  const message = `${JSON.stringify(name)} cannot be named in expressions: names are lower-case letters, digits and _`;
  const repaired = name.toLowerCase().replaceAll('-', '_');
  return new RegExp(IDENTIFIER_PATTERN).test(repaired) ? { message, hint: `did you mean ${repaired}?` } : { message };
}

export function stepIdProblem(id: string): { readonly message: string; readonly hint?: string } | undefined {
  if (MADE_ID.test(id))
    return { message: `${id} is a name that keyferry gives to steps without an id`, hint: 'choose another' };
  return identifierProblem(id);
}
