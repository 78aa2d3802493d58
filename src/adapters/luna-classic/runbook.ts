/**
 * By hand on CloudHSM Classic: the client's menu (ckdemo) has no command lines, so the calls stand in words. vtl and cmu are named where
 * the migration guide uses them; their flags differ by client and are left out.
 */
import { inWords } from '../pkcs11/runbook/in-words.ts';
import { type RunbookWriter, words } from '../runbook.ts';

const TOOLS: Readonly<Record<string, string>> = {
  'import-public-key':
    'vtl listSlots shows the slot; cmu import makes the object of the PEM file, cmu list shows its handle; CKA_WRAP is then set in ckdemo.',
  'wrap-key':
    'In ckdemo: open a session on the slot, log in as the partition’s crypto officer, display the key, then make the call.',
};

export const LUNA_RUNBOOK: RunbookWriter = {
  ...inWords,
  write(call) {
    const step = inWords.write(call);
    const tools = TOOLS[call.action];
    return tools === undefined ? step : { ...step, lines: [words(tools), ...step.lines] };
  },
};
