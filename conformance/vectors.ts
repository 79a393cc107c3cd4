/**
 * Loading of the vectors, and the small notation for long bytes.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vectorFileSchema, type Packed, type Value, type Vector, type VectorFile } from './schema/vector.ts';

/** The folder of the package: the sources and the published `dist/` lie at different depths in it. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    if (folder === dirname(folder)) throw new Error('the vectors are not where the package has them');
    folder = dirname(folder);
  }
  return folder;
}

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

function vectorPaths(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json') && !entry.name.endsWith('.schema.json'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !relative(folder, path).startsWith(EXTERNAL) && relative(folder, path) !== CLASSES)
    .sort();
}

/**
 * Reads and checks every vector file below `folder`.
 *
 * @throws Error if a file breaks the schema, an id appears twice, or `from` names something that does not accept
 */
export function loadVectors(folder: string = join(packageRoot(), 'vectors')): VectorSet {
  const files: VectorFile[] = [];
  const vectors: VectorSet['vectors'] = new Map();
  const hash = createHash('sha256');
  for (const path of vectorPaths(folder)) {
    const bytes = readFileSync(path);
    hash.update(`${relative(folder, path)}\0${bytes.length}\0`).update(bytes);
    const parsed = vectorFileSchema.safeParse(JSON.parse(bytes.toString('utf8')));
    if (!parsed.success) throw new Error(`${path}: ${parsed.error.message}`);
    const file = parsed.data;
    files.push(file);
    for (const vector of file.vectors) {
      if (vectors.has(vector.id)) throw new Error(`${path}: the id ${vector.id} is used twice`);
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
