/** Labels and ids of keys as people can type them, and the filter of cloudhsm-cli that names one key. */
import type { RunbookBlank, RunbookKey } from '../../runbook.ts';

/** Safe in a line of the tool and in a script: no quotes, no angle brackets, nothing that does not print. */
export const isTypeable = (text: string): boolean => /^[^\p{C}\p{Zl}\p{Zp}"'`<>\\]+$/u.test(text);
export const typed = (text: string): string =>
  /^[\w.:/@+=,-]+$/.test(text) && !text.startsWith('-') ? text : `"${text}"`;

/** null: not text, or nothing that can be typed. */
export function idText(hex: string): string | null {
  const text = Buffer.from(hex, 'hex').toString('latin1');
  return /^[\x21-\x7e]+$/.test(text) && isTypeable(text) ? text : null;
}

const CLASS_NAMES = { secret: 'secret-key', public: 'public-key', private: 'private-key' } as const;

const REFERENCE = (key: RunbookKey): RunbookBlank => ({
  name: `key reference of ${key.name.replaceAll(/[<>`]/g, '')}`,
  lookup: null,
});

/**
 * What follows `--filter`: no handle is needed. An id that is not text is left out, since key_mgmt_util gave it to no key. A key that
 * nothing tells apart is looked up by people.
 */
export function filterOf(key: RunbookKey): { readonly text: string; readonly blanks: readonly RunbookBlank[] } {
  const facts = [
    ...(key.label !== null && isTypeable(key.label) ? [`attr.label=${typed(key.label)}`] : []),
    ...(idText(key.id) === null ? [] : [`attr.id=0x${key.id}`]),
    ...(key.kcv === null || key.class !== 'secret' ? [] : [`attr.check-value=0x${key.kcv}`]),
  ];
  if (facts.length > 0) return { text: `attr.class=${CLASS_NAMES[key.class]} ${facts.join(' ')}`, blanks: [] };
  const reference = REFERENCE(key);
  return { text: `key-reference=<${reference.name}>`, blanks: [reference] };
}
