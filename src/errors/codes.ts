/**
 * The table of error codes: what each means, which exit code it ends with, whether it concerns one key or the whole run, and what
 * the operator does next. docs/errors.md is generated from it; a test checks that every code is documented.
 */

/** `transient`: the same call may work later · `item`: this key alone · `run`: nothing further may start. */
export type ErrorScope = 'transient' | 'item' | 'run';

export interface ErrorCodeSpec {
  readonly exitCode: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
  readonly scope: ErrorScope;
  /** One sentence for docs/errors.md. */
  readonly meaning: string;
  /** What to do next, imperative; used when the error brings no hint of its own. */
  readonly hint: string;
}

const spec = (
  exitCode: ErrorCodeSpec['exitCode'],
  scope: ErrorScope,
  meaning: string,
  hint: string,
): ErrorCodeSpec => ({
  exitCode,
  scope,
  meaning,
  hint,
});

export const ERROR_CODES = {
  // usage and files
  usage: spec(2, 'run', 'The command line is wrong.', 'Run the command with --help.'),
  'confirmation-required': spec(
    2,
    'run',
    'The command asks before it acts and there is no terminal to ask on.',
    'Read the plan and pass --yes.',
  ),
  'plaintext-not-allowed': spec(
    2,
    'run',
    'The playbook has a step that exposes key bytes and the run was not allowed to.',
    'Read which step it is, then pass --allow-plaintext if that is what you want.',
  ),
  'playbook-invalid': spec(
    2,
    'run',
    'The playbook has errors; each is listed with its place.',
    'Correct the places listed.',
  ),
  'devices-invalid': spec(
    2,
    'run',
    'The devices file has errors; each is listed with its place.',
    'Correct the places listed.',
  ),
  'input-invalid': spec(2, 'run', 'An input is missing, unknown or of the wrong type.', 'Give it with -i NAME=VALUE.'),
  'device-unknown': spec(
    2,
    'run',
    'The devices file has no such device.',
    'Add it to the devices file, or bind another with --device ROLE=NAME.',
  ),
  'file-unreadable': spec(2, 'run', 'A file could not be read or written.', 'Check the path and its permissions.'),
  'file-unsafe': spec(
    2,
    'run',
    'Other users can write a file or folder that keyferry trusts.',
    'Take the write permission away (chmod go-w) and check what it holds.',
  ),
  'secret-unavailable': spec(
    2,
    'run',
    'A secret could not be had from where the devices file or input says.',
    'Set the variable, create the file or correct the command.',
  ),
  'run-unknown': spec(2, 'run', 'There is no such run in this home folder.', 'List the runs with: keyferry runs'),
  'not-simulated': spec(
    2,
    'run',
    'The command works on simulated devices only.',
    'Name a device whose driver is simulated.',
  ),
  'platform-unsupported': spec(
    2,
    'run',
    'keyferry does not run on this platform.',
    'Use Linux or macOS; on Windows, use WSL.',
  ),

  // plans
  'plan-blocked': spec(
    3,
    'run',
    'The plan has keys or steps that cannot be done; nothing was changed.',
    'Resolve what is listed, or leave those keys out in the playbook.',
  ),
  'plan-altered': spec(
    3,
    'run',
    'The plan file does not match its own digest.',
    'Make the plan anew and have it reviewed again.',
  ),
  'plan-format': spec(
    3,
    'run',
    'The file is not a plan, or one of a format this version does not know.',
    'Make the plan with this version.',
  ),
  'plan-digest': spec(
    3,
    'run',
    'The plan is not the one that was expected.',
    'Compare the digest with the one that was approved.',
  ),
  'plan-devices': spec(
    3,
    'run',
    'The plan was made for other devices.',
    'Bind the devices that it was made for, or make a new plan.',
  ),

  // run
  'approval-waiting': spec(
    4,
    'run',
    'The run waits for approval.',
    'keyferry approval-request writes what is to be signed; hand signatures in with keyferry approve, then: keyferry resume',
  ),
  'approval-refused': spec(
    2,
    'run',
    'An approval could not be taken: the signature is not one that the run waits for, or it waits for none. Nothing was recorded.',
    'Sign the file that keyferry approval-request writes, with your own key, before it expires.',
  ),
  'verification-failed': spec(
    5,
    'item',
    'The arrived key is not the same as its source.',
    'Do not use the arrived key; look at both devices.',
  ),
  'attestation-failed': spec(
    5,
    'item',
    'An HSM could not prove with a certificate chain that it holds the key as it is shown.',
    'Do not rely on the key; find out which HSM answered and why its proof does not hold.',
  ),
  'run-held': spec(6, 'run', 'Another process owns this run.', 'Wait for it, or end that process.'),
  'run-stopped': spec(
    1,
    'run',
    'The run stopped itself: too many keys failed, or a check of the whole run did.',
    'Read the failures and mend the cause, then go on',
  ),
  'run-finished': spec(
    2,
    'run',
    'The run is over and cannot do this.',
    'Use status, report or verify; start a new run for new keys.',
  ),

  // devices as a whole
  'device-unreachable': spec(
    7,
    'run',
    'The device does not answer.',
    'Check the network, the daemon and the permissions, then try again',
  ),
  'device-lost': spec(
    7,
    'run',
    'The device or its module went away in the middle of a call.',
    'See that the device works, then try again',
  ),
  'reply-malformed': spec(
    7,
    'transient',
    'A reply of the device was cut short, altered on its way or is not what its protocol says; nothing of it was believed.',
    'Find out what stands between keyferry and the device and could change a reply, then try again',
  ),
  'device-busy': spec(
    7,
    'transient',
    'The device was busy.',
    'Wait, then run the command again; within a run, keyferry tries again by itself.',
  ),
  'import-parameters-expired': spec(
    1,
    'transient',
    'The import token and its wrapping key are past their time, or were replaced by later ones.',
    'Run the step again: keyferry asks for new ones, wraps anew and imports.',
  ),
  'quorum-token-ended': spec(
    1,
    'item',
    'The signed quorum token has ended, or was used for another operation. Nothing was changed.',
    'Let approve-quorum-token ask for another one, and have that signed: signatures over the earlier one are worth nothing.',
  ),
  'module-not-loaded': spec(
    7,
    'run',
    'The PKCS#11 module could not be loaded or initialised.',
    'Check the path, its libraries, its configuration and your group.',
  ),
  'module-hung': spec(
    7,
    'run',
    'The PKCS#11 module did not answer within its time; its process was ended.',
    'See that the device works, then try again',
  ),
  'driver-missing': spec(
    7,
    'run',
    'The driver needs an optional package that is not installed.',
    'Install it with: npm install pkcs11js',
  ),
  'token-not-found': spec(
    7,
    'run',
    'The module has no token with that label.',
    'Correct the token label; the message lists what there is.',
  ),
  'token-ambiguous': spec(
    7,
    'run',
    'Several slots hold a token with that label.',
    'Name the slot or the serial number in the devices file.',
  ),
  'login-refused': spec(
    7,
    'run',
    'The device refused the PIN. It will not be tried again until the secret changes.',
    'Correct the secret. Do not try by hand until you know how many tries are left.',
  ),
  'login-risky': spec(
    7,
    'run',
    'One more wrong PIN could lock the token, so none was tried.',
    "Log in once with the vendor's own tool, which resets the counter, then try again.",
  ),
  'login-remembered': spec(
    7,
    'run',
    'This PIN was refused before and has not changed since, so it was not tried again.',
    'Correct the secret, or pass --retry-pin if the device has been put right.',
  ),
  'pin-locked': spec(7, 'run', 'The token is locked.', 'Have the security officer unlock it.'),
  'capability-missing': spec(
    7,
    'item',
    'The device cannot do this.',
    'Choose another mechanism or device; keyferry devices lists what each can do.',
  ),

  'credentials-refused': spec(
    7,
    'run',
    'The service refused the credentials, or there were none.',
    'Renew the credentials, then try again',
  ),
  'permission-missing': spec(
    7,
    'run',
    'The caller is not allowed an operation that the step needs.',
    'Allow the operation that the message names, then try again',
  ),

  // one call
  'device-refused': spec(
    1,
    'item',
    'The device refused the call.',
    "Look at the native code and the device's own log.",
  ),
  'outcome-unknown': spec(
    1,
    'item',
    'The call was sent and no answer came, so the device may have changed.',
    'keyferry asks the device what it did before it tries again.',
  ),
  'step-timeout': spec(
    1,
    'item',
    'The call took longer than its timeout.',
    'keyferry waits for the call to end and then asks the device.',
  ),
  'key-not-found': spec(
    1,
    'item',
    'No object on the device matches the key.',
    'See whether it was deleted or renamed since the plan.',
  ),
  'key-ambiguous': spec(
    1,
    'item',
    'Several objects on the device match the key.',
    'Look at the objects listed; keyferry changes none of them.',
  ),
  'key-not-extractable': spec(
    1,
    'item',
    'The key may not leave the device.',
    'Make a new key on the target and re-encrypt the data.',
  ),
  'key-not-permitted': spec(1, 'item', 'An attribute of the key forbids this use.', "Look at the key's attributes."),
  'key-stale': spec(1, 'item', 'The key is not what it was when the plan was made.', 'Make a new plan.'),
  'attribute-mismatch': spec(
    1,
    'item',
    'The device did not set an attribute as asked.',
    "Look at the device's policy; the message names the attribute.",
  ),
  'wrapping-key-widened': spec(
    1,
    'run',
    'The device gave a wrapping key more rights than asked, so wrapped keys could be opened in clear.',
    'Do not go on with this device until its policy is understood.',
  ),
  'wrapping-key-swapped': spec(
    1,
    'run',
    "The public key on the source is not the one that belongs to the target's private key.",
    'Somebody or something changed it on the way. Find out before you go on.',
  ),
  'wrapping-key-not-local': spec(
    1,
    'run',
    'The unwrapping key was not made on the target device, so others may hold it.',
    'Generate the pair on the target.',
  ),
  'mechanism-invalid': spec(
    1,
    'item',
    'The device does not know the mechanism or its parameters.',
    'Choose another mechanism.',
  ),
  'argument-invalid': spec(1, 'item', 'A step was given an argument it cannot use.', 'Correct the playbook.'),
  'needs-attention': spec(
    1,
    'item',
    'What happened on the device cannot be told apart.',
    'Look at the objects named, then retry or leave it.',
  ),
  'out-of-sync': spec(
    1,
    'run',
    'The HSMs of one cluster do not agree on users, sharing, attributes or quorum values.',
    'Put right what the message lists on each HSM, then try again',
  ),
  'canary-failed': spec(
    1,
    'run',
    'The throw-away key did not make it, so no real key was touched.',
    'Read why it failed; the route does not work.',
  ),

  // local state
  'journal-damaged': spec(
    8,
    'run',
    'The journal is not what keyferry wrote.',
    "Restore the run's folder from a backup; a restored copy is safe to resume.",
  ),
  'journal-foreign': spec(8, 'run', 'The journal belongs to another run or plan.', 'Put the right journal back.'),
  'journal-newer': spec(8, 'run', 'The journal was written by a newer version.', 'Use that version or a newer one.'),
  'disk-full': spec(8, 'run', 'The disk is full, so nothing more was started.', 'Make room, then try again'),
  'state-unwritable': spec(
    8,
    'run',
    'The home folder cannot be written.',
    'Check its permissions and the file system.',
  ),
  'state-unsafe': spec(8, 'run', 'Other users can write the home folder.', 'chmod 0700 it and check what it holds.'),
  'state-network': spec(
    8,
    'run',
    'The home folder is on a network file system, whose locks cannot be trusted.',
    'Use --home on a local disk.',
  ),
  'simulator-state': spec(
    8,
    'run',
    'The state of a simulated device is damaged.',
    'Delete its folder to start with an empty device.',
  ),
  interrupted: spec(1, 'run', 'The run was interrupted and can be resumed.', 'keyferry resume'),
} as const satisfies Record<string, ErrorCodeSpec>;

export type ErrorCode = keyof typeof ERROR_CODES;
