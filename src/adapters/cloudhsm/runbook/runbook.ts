/** By hand on a CloudHSM cluster: keys in key_mgmt_util; rights, sharing, users and quorum in cloudhsm-cli; the rest in words. */
import { inWords } from '../../pkcs11/runbook/in-words.ts';
import type { RunbookLine, RunbookWriter } from '../../runbook.ts';
import { CLOUDHSM_CLI, CLOUDHSM_CLI_ADMIN, cloudhsmCliStep } from './cloudhsm-cli.ts';
import { checkValue, keyMgmtUtilStep } from './key-mgmt-util.ts';
import { KEY_MGMT_UTIL } from './kmu-lines.ts';

const USER = { name: 'crypto user', lookup: null } as const;
const PASSWORD = { name: 'password', lookup: null } as const;
const OFFICER = { name: 'officer', lookup: null } as const;
const OFFICERS_PASSWORD = { name: 'password of the officer', lookup: null } as const;

const line = (tool: string, text: string): RunbookLine => ({
  ...{ kind: 'command', tool, text },
  ...{ blanks: [], answers: [], expect: null },
});

/** The password is asked for, so that it stands on no command line. */
const login = (
  tool: string,
  text: string,
  who: readonly [typeof USER | typeof OFFICER, typeof PASSWORD | typeof OFFICERS_PASSWORD],
): RunbookLine => ({
  ...{ kind: 'command', tool, text, expect: null },
  blanks: who,
  answers: [`<${who[1].name}>`],
});

const asUser = [USER, PASSWORD] as const;

export const CLOUDHSM_RUNBOOK: RunbookWriter = {
  tools: {
    [KEY_MGMT_UTIL]: {
      opening: [login(KEY_MGMT_UTIL, `loginHSM -u CU -s <${USER.name}> -hpswd`, asUser)],
      closing: [line(KEY_MGMT_UTIL, 'logoutHSM'), line(KEY_MGMT_UTIL, 'exit')],
    },
    [CLOUDHSM_CLI]: {
      opening: [login(CLOUDHSM_CLI, `login --username <${USER.name}> --role crypto-user`, asUser)],
      closing: [line(CLOUDHSM_CLI, 'logout'), line(CLOUDHSM_CLI, 'quit')],
    },
    [CLOUDHSM_CLI_ADMIN]: {
      name: CLOUDHSM_CLI,
      opening: [
        login(CLOUDHSM_CLI_ADMIN, `login --username <${OFFICER.name}> --role admin`, [OFFICER, OFFICERS_PASSWORD]),
      ],
      closing: [line(CLOUDHSM_CLI_ADMIN, 'logout'), line(CLOUDHSM_CLI_ADMIN, 'quit')],
    },
  },
  write: (call) => keyMgmtUtilStep(call) ?? cloudhsmCliStep(call) ?? inWords.write(call),
  check: checkValue,
};
