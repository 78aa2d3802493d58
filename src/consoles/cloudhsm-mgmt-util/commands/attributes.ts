/** getAttribute, setAttribute and listAttributes. */
import { HsmRefusal, type NodeSession } from '../../../adapters/cloudhsm/cluster/cluster.ts';
import { boolAttribute } from '../../../adapters/pkcs11/attribute-codec.ts';
import { CKA } from '../../../adapters/pkcs11/constants.ts';
import { encodeTemplate } from '../../../adapters/pkcs11/simulator/attribute-values.ts';
import { Misuse, numberOf } from '../../command.ts';
import {
  ALL_ATTRIBUTES,
  attributeList,
  attributeOf,
  attributeText,
  OBJECT_ATTRIBUTES,
  type ObjectAttribute,
} from '../../object-attributes.ts';
import { isConfirmed } from '../caution.ts';
import { cmuCommand, wordAt } from '../cmu-command.ts';
import { serverName } from '../cmu-session.ts';
import { onEachServer } from '../on-each-server.ts';
import { onEveryServer } from '../on-every-server.ts';
import { outputOf } from '../output-file.ts';

function attributeAt(word: string): ObjectAttribute {
  const number = numberOf(word, 'The attribute');
  const attribute = attributeOf(number);
  if (attribute === undefined) throw new Misuse(`There is no attribute ${number} here; see listAttributes.`);
  return attribute;
}

export const getAttribute = cmuCommand({
  name: 'getAttribute',
  usage: '<key handle> <attribute> [output file]',
  summary: `show an attribute of a key on each HSM, or all of them (${ALL_ATTRIBUTES})`,
  words: [2, 3],
  run(cmu, words) {
    cmu.loggedIn('CU');
    const handle = numberOf(wordAt(words, 0), 'The key handle');
    const isAll = numberOf(wordAt(words, 1), 'The attribute') === ALL_ATTRIBUTES;
    const attributes = isAll ? OBJECT_ATTRIBUTES : [attributeAt(wordAt(words, 1))];
    const out = outputOf(cmu, words[2]);
    onEachServer(cmu, 'getAttribute', (node) => {
      const session = cmu.sessionOn(node);
      const lines = attributes.flatMap((attribute) => {
        const value = isAll ? valueIfAny(session, handle, attribute) : session.getAttribute(handle, attribute.number);
        return value === null ? [] : [attribute.name, attributeText(attribute, value)];
      });
      out.line(`Attribute Value on ${serverName(node)}:`);
      for (const line of lines) out.line(line);
      out.line();
    });
    out.end();
  },
});

/** null: keys of that kind do not have it. */
function valueIfAny(session: NodeSession, handle: number, { number }: ObjectAttribute): Uint8Array | null {
  try {
    return session.getAttribute(handle, number);
  } catch (error) {
    if (error instanceof HsmRefusal && error.name === 'no-such-attribute') return null;
    throw error;
  }
}

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
    if (attribute.kind === 'template') cmu.terminal.note(TEMPLATES);
    if (!(await isConfirmed(cmu))) return;
    await onEveryServer(cmu, {
      command: 'setAttribute',
      failed: (server) => `setAttribute failed on ${server}`,
      saysSuccess: true,
      act: (session) => session.setAttribute(handle, attribute.number, value),
    });
  },
});

const TEMPLATES =
  "How the vendor's tool takes templates is not documented; number=value, with commas between, is keyferry's own.";

/** Booleans only: what else a template may hold nobody types. */
function templateFrom(word: string): Uint8Array {
  const attributes = word.split(',').map((part) => {
    const [number = '', value = '', more] = part.split('=');
    const attribute = attributeAt(number);
    if (attribute.kind !== 'boolean' || more !== undefined || (value !== '0' && value !== '1')) {
      throw new Misuse(`"${part}": a template is attributes as number=0 or number=1, with commas between.`);
    }
    return boolAttribute(attribute.cka, value === '1');
  });
  return encodeTemplate(attributes);
}

function valueFrom(attribute: ObjectAttribute, word: string): Uint8Array {
  if (attribute.kind === 'template') return templateFrom(word);
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
