// Writes every generated file below vectors/ (npm run vectors).
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLASSES } from '../../conformance/vectors.ts';
import { generate } from './index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = generate();
// rfc/ holds the vectors of others, and the classes are written by hand.
const FOREIGN = join('rfc', '/');
for (const old of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
  const foreign = old.startsWith(FOREIGN) || old === CLASSES;
  if (old.endsWith('.json') && !foreign && !files.has(old)) rmSync(join(root, old));
}
for (const [path, text] of files) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
process.stdout.write(`${files.size} files in vectors/\n`);
