import { limits } from '../limits.ts';
import { ServiceError } from '../service.ts';

const token = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;
const integer = /^-?(?:0|[1-9][0-9]{0,15})$/;
const words: readonly string[] = ['true', 'false', 'null'];

/**
 * Reads JSON that means one thing only: valid UTF-8 without byte order mark, no key twice in an object, no `__proto__`,
 * integers that a double holds, little nesting. `JSON.parse` would take the last of two equal keys and round numbers; what
 * another parser on the way understood could then differ from what is signed.
 * @throws {ServiceError} `invalid`
 */
export function parseStrictJson(body: Uint8Array): unknown {
  const text = decode(body);
  // First, since the pattern takes quadratic time on text that is not JSON.
  const value = parse(text);
  const objects: (Set<string> | undefined)[] = [];
  let last = '';
  for (const [part] of text.matchAll(token)) {
    const open = objects.at(-1);
    if (part === '{' || part === '[') {
      objects.push(part === '{' ? new Set() : undefined);
      if (objects.length > limits.bodyDepth) throw refused(`nested deeper than ${limits.bodyDepth} levels`);
    } else if (part === '}' || part === ']') objects.pop();
    else if (part === ':' && open !== undefined) addKey(open, last);
    else if (/^[^",:]/.test(part) && !words.includes(part) && !integer.test(part)) {
      throw refused('a number is not a plain integer');
    }
    last = part;
  }
  return value;
}

function addKey(keys: Set<string>, quoted: string): void {
  const key = parse(quoted) as string;
  if (key === '__proto__') throw refused('the key __proto__ is not allowed');
  if (keys.has(key)) throw refused('a key appears twice in an object');
  keys.add(key);
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw refused('not UTF-8');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused('not JSON');
  }
}

function refused(why: string): ServiceError {
  return new ServiceError('invalid', `the request's body cannot be read: ${why}; send one JSON object`);
}
