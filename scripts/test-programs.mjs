/** The vendors' own programs that tests run, beside SoftHSM: where they stand and which package of Debian brings them. Pure. */

export const PROGRAMS = [
  {
    places: ['/usr/bin/aws', '/usr/local/bin/aws', '/opt/homebrew/bin/aws'],
    debianPackage: 'awscli',
    why: "the simulated AWS KMS is tested with AWS's own command line",
  },
  {
    places: ['/usr/bin/openssl', '/usr/local/bin/openssl', '/opt/homebrew/bin/openssl'],
    debianPackage: 'openssl',
    why: 'key material is wrapped and approvals are signed with it',
  },
];

/** Lines for people: what is missing, what it is for, and how to get it. */
export function describeProgram({ places, debianPackage, why }) {
  return [
    `The tests need the program ${places[0]} (${why}) and it is in none of: ${places.join(', ')}`,
    `  Debian, Ubuntu   sudo apt-get install --no-install-recommends ${debianPackage}`,
    `  macOS            brew install ${debianPackage}`,
  ];
}
