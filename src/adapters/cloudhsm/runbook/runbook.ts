/** By hand on a CloudHSM cluster: keys in key_mgmt_util, attributes and sharing in cloudhsm_mgmt_util, the rest in words. */
import { inWords } from '../../pkcs11/runbook/in-words.ts';
import type { RunbookLine, RunbookWriter } from '../../runbook.ts';
import { CLOUDHSM_MGMT_UTIL, cloudhsmMgmtUtilStep } from './cloudhsm-mgmt-util.ts';
import { checkValue, KEY_MGMT_UTIL, keyMgmtUtilStep } from './key-mgmt-util.ts';

const USER = { name: 'crypto user', lookup: null } as const;
const PASSWORD = { name: 'password', lookup: null } as const;

const line = (tool: string, text: string): RunbookLine => ({
  ...{ kind: 'command', tool, text },
  ...{ blanks: [], answers: [], expect: null },
});

/** The password is asked for, so that it stands on no command line. */
const login = (tool: string, text: string): RunbookLine => ({
  ...{ kind: 'command', tool, text, expect: null },
  blanks: [USER, PASSWORD],
  answers: [`<${PASSWORD.name}>`],
});

export const CLOUDHSM_RUNBOOK: RunbookWriter = {
  tools: {
    [KEY_MGMT_UTIL]: {
      opening: [login(KEY_MGMT_UTIL, `loginHSM -u CU -s <${USER.name}> -hpswd`)],
      closing: [line(KEY_MGMT_UTIL, 'logoutHSM'), line(KEY_MGMT_UTIL, 'exit')],
    },
    [CLOUDHSM_MGMT_UTIL]: {
      opening: [login(CLOUDHSM_MGMT_UTIL, `loginHSM CU <${USER.name}> -hpswd`)],
      closing: [line(CLOUDHSM_MGMT_UTIL, 'logoutHSM'), line(CLOUDHSM_MGMT_UTIL, 'quit')],
    },
  },
  write: (call) => keyMgmtUtilStep(call) ?? cloudhsmMgmtUtilStep(call) ?? inWords.write(call),
  check: checkValue,
};
