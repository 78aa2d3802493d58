/** The warning before every change that the cluster does not synchronise. */
import type { CmuSession } from './cmu-session.ts';

/** The end of the input counts as no. */
export async function isConfirmed(cmu: CmuSession): Promise<boolean> {
  cmu.line('*************************CAUTION********************************');
  cmu.line('This is a CRITICAL operation, should be done on all nodes in the');
  cmu.line(`cluster. ${cmu.edition.cautionSubject}`);
  cmu.line('nodes on which this operation is not executed or failed, please');
  cmu.line('ensure this operation is executed on all nodes in the cluster.');
  cmu.line('****************************************************************');
  cmu.line();
  while (true) {
    const answer = (await cmu.terminal.ask('Do you want to continue(y/n)?'))?.trim();
    if (answer === 'y') return true;
    if (answer === 'n' || answer === undefined) return false;
    cmu.line("Invalid option, please type 'y' or 'n'");
  }
}
