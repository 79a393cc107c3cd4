/**
 * Loading of the vectors, and the small notation for long bytes.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { ownFiles, type Files } from './assets.ts';
import { vectorFileSchema, type Packed, type Value, type Vector, type VectorFile } from './schema/vector.ts';

export { packageRoot } from './assets.ts';
export type {
  Digest,
  Edit,
  Expectation,
  Level,
  Packed,
  Role,
  Value,
  Vector,
  VectorFile,
} from './schema/vector.ts';

/** All vectors of a folder, and what identifies them. */
export interface VectorSet {
  readonly files: VectorFile[];
  readonly vectors: Map<
    string,
    { readonly vector: Vector; readonly family: string; readonly feature: string }
  >;
  /** SHA-256 over names and bytes of the files. */
  readonly digest: string;
}

/** Files of others, in their own formats, which the reference is held to by its own tests. */
const EXTERNAL = 'rfc';
/** What lies among the vectors and is none: which classes of malformed input they cover. */
export const CLASSES = 'classes.json';

function isVectorFile(name: string): boolean {
  return (
    name.endsWith('.json') && !name.endsWith('.schema.json') && !name.startsWith(EXTERNAL) && name !== CLASSES
  );
}

/**
 * Reads and checks every vector file among `from`; those of the suite unless told.
 *
 * @throws Error if a file breaks the schema, an id appears twice, or `from` names something that does not accept
 */
export function loadVectors(from: Files = ownFiles('vectors')): VectorSet {
  const files: VectorFile[] = [];
  const vectors: VectorSet['vectors'] = new Map();
  const hash = createHash('sha256');
  for (const name of from.names().filter(isVectorFile)) {
    const bytes = from.read(name);
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
    const parsed = vectorFileSchema.safeParse(JSON.parse(bytes.toString('utf8')));
    if (!parsed.success) throw new Error(`${name}: ${parsed.error.message}`);
    const file = parsed.data;
    files.push(file);
    for (const vector of file.vectors) {
      if (vectors.has(vector.id)) throw new Error(`${name}: the id ${vector.id} is used twice`);
      vectors.set(vector.id, { vector, family: file.family, feature: file.feature });
    }
  }
  for (const { vector } of vectors.values()) {
    const twin = vector.from && vectors.get(vector.from.vector)?.vector;
    if (vector.from && twin?.expect.outcome !== 'ok') {
      throw new Error(`${vector.id}: ${vector.from.vector} is not an accepting vector`);
    }
  }
  return { files, vectors, digest: hash.digest('hex') };
}

function isPacked(value: object): value is Packed {
  return 'pieces' in value && Object.keys(value).length === 1;
}

/** The value with every {@link Packed} in it written out as plain hexadecimal text. */
export function unpack(value: Value): Value {
  if (Array.isArray(value)) return value.map(unpack);
  if (typeof value !== 'object' || value === null) return value;
  if (isPacked(value)) {
    return value.pieces
      .map((piece) => (typeof piece === 'string' ? piece : piece.repeat.repeat(piece.count)))
      .join('');
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unpack(inner)]));
}

function objectsOf(value: Value | undefined): { [name: string]: Value } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no objects');
  return value;
}

/** What an edit is about: an input field, or for `storage/NAME` one object of the storage. */
export function fieldOf(input: Readonly<Record<string, Value>>, field: string): Value | undefined {
  const [first = '', name] = field.split('/', 2);
  return name === undefined ? input[first] : objectsOf(input[first])[name];
}

/** The input with another value in a field; null takes it out. */
export function withField(
  input: Readonly<Record<string, Value>>,
  field: string,
  value: Value,
): Record<string, Value> {
  const [first = '', name] = field.split('/', 2);
  if (name !== undefined) return { ...input, [first]: withField(objectsOf(input[first]), name, value) };
  const { [first]: _before, ...rest } = input;
  return value === null ? rest : { ...input, [first]: value };
}

/** Hexadecimal text of a value that stands for bytes. @throws TypeError if it does not */
export function hexOf(value: Value | undefined): string {
  const text = unpack(value ?? null);
  if (typeof text !== 'string') throw new TypeError('not bytes');
  return text;
}
