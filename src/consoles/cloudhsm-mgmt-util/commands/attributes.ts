/** getAttribute, setAttribute and listAttributes. */
import { CKA } from '../../../adapters/pkcs11/constants.ts';
import { Misuse, numberOf } from '../../command.ts';
import { attributeList, attributeOf, attributeText, type ObjectAttribute } from '../../object-attributes.ts';
import { isConfirmed } from '../caution.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import { serverName } from '../cmu-session.ts';
import { onEachServer } from '../on-each-server.ts';
import { onEveryServer } from '../on-every-server.ts';

function attributeAt(word: string): ObjectAttribute {
  const number = numberOf(word, 'The attribute');
  const attribute = attributeOf(number);
  if (attribute === undefined) throw new Misuse(`There is no attribute ${number} here; see listAttributes.`);
  return attribute;
}

export const getAttribute = cmuCommand({
  name: 'getAttribute',
  usage: '<key handle> <attribute>',
  summary: 'show an attribute of a key on each HSM',
  words: [2, 2],
  run(cmu, words) {
    cmu.loggedIn('CU');
    const handle = numberOf(wordAt(words, 0), 'The key handle');
    const attribute = attributeAt(wordAt(words, 1));
    onEachServer(cmu, 'getAttribute', (node) => {
      const value = cmu.sessionOn(node).getAttribute(handle, attribute.number);
      cmu.line(`Attribute Value on ${serverName(node)}:`);
      cmu.line(attribute.name);
      cmu.line(attributeText(attribute, value));
      cmu.line();
    });
  },
});

export const setAttribute = cmuCommand({
  name: 'setAttribute',
  usage: '<key handle> <attribute> <value>',
  summary: 'change an attribute of a key on each HSM',
  words: [3, 3],
  async run(cmu, words) {
    const handle = numberOf(wordAt(words, 0), 'The key handle');
    const attribute = attributeAt(wordAt(words, 1));
    if (attribute.cka === CKA.TRUSTED) cmu.loggedIn('CO', 'PCO');
    else cmu.loggedIn('CU');
    if (!attribute.isChangeable) throw new Misuse(`${attribute.name} cannot be changed.`);
    const value = valueFrom(attribute, wordAt(words, 2));
    if (!(await isConfirmed(cmu))) return;
    await onEveryServer(cmu, {
      command: 'setAttribute',
      failed: (server) => `setAttribute failed on ${server}`,
      saysSuccess: true,
      act: (session) => session.setAttribute(handle, attribute.number, value),
    });
  },
});

function valueFrom(attribute: ObjectAttribute, word: string): Uint8Array {
  if (attribute.kind === 'text') return new Uint8Array(Buffer.from(word, 'utf8'));
  if (word !== '0' && word !== '1') throw new Misuse(`${attribute.name} is 0 or 1, not "${word}".`);
  return new Uint8Array([Number(word)]);
}

export const listAttributes = cmuCommand({
  name: 'listAttributes',
  usage: '',
  summary: 'list the attributes and their numbers',
  words: [0, 0],
  run(cmu) {
    for (const line of attributeList(false)) cmu.line(line);
  },
});
