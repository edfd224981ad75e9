import { fromBytesBE } from '../bytes.ts';
import type { Group } from '../groups/group.ts';
import type { Schema } from '../wire/codec.ts';

/** One field of an encoded message. */
export interface Field {
  /** `commitments[0].point`; a count, a length or a selector ends in `#`. */
  readonly path: string;
  readonly kind: 'integer' | 'bytes' | 'scalar' | 'point' | 'length' | 'count' | 'selector';
  readonly offset: number;
  readonly length: number;
  /** Of scalars and points. */
  readonly group?: Group;
  /** Of counts: where each item begins, and where the last one ends. */
  readonly items?: readonly number[];
}

/** Where each field of a well-formed message lies, in order. */
export function locate(schema: Schema, bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  const integerAt = (offset: number, length: number): number =>
    Number(fromBytesBE(bytes.subarray(offset, offset + length)));

  /** Notes the fields of `part`, which begins at `offset`, and returns where it ends. */
  const walk = (part: Schema, path: string, offset: number): number => {
    const note = (kind: Field['kind'], length: number, more: Partial<Field> = {}): number => {
      fields.push({ path, kind, offset, length, ...more });
      return offset + length;
    };
    switch (part.kind) {
      case 'integer':
        return note('integer', part.bytes);
      case 'scalar':
        return note('scalar', part.group.scalarBytes, { group: part.group });
      case 'point':
        return note('point', part.group.pointBytes, { group: part.group });
      case 'bytes': {
        if (part.length !== undefined) return note('bytes', part.length);
        const length = integerAt(offset, 4);
        fields.push({ path: `${path}#`, kind: 'length', offset, length: 4 });
        fields.push({ path, kind: 'bytes', offset: offset + 4, length });
        return offset + 4 + length;
      }
      case 'choice': {
        fields.push({ path: `${path}#`, kind: 'selector', offset, length: 1 });
        return walk(part.options[integerAt(offset, 1)] as Schema, path, offset + 1);
      }
      case 'struct':
        return part.fields.reduce(
          (at, [name, field]) => walk(field, path === '' ? name : `${path}.${name}`, at),
          offset,
        );
      case 'list': {
        const prefix = part.count === undefined ? 2 : 0;
        const count = part.count ?? integerAt(offset, 2);
        const items: number[] = [offset + prefix];
        const place = fields.length;
        for (let i = 0; i < count; i++) items.push(walk(part.item, `${path}[${i}]`, items[i] as number));
        if (prefix > 0) fields.splice(place, 0, { path: `${path}#`, kind: 'count', offset, length: prefix, items });
        return items[count] as number;
      }
    }
  };
  walk(schema, '', 0);
  return fields;
}
