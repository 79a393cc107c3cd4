/**
 * `npm run bundle`: the conformance suite as one file that needs nothing but Node, `dist/strongroom-conformance.mjs`.
 * What it reads is inside: the vectors, the specification, the skeletons and the recipe.
 *
 * @module
 */
import { mkdirSync, readFileSync, existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { rolldown, type OutputChunk, type Plugin } from 'rolldown';
import { ownFiles, packageRoot } from '../conformance/assets.ts';

/** Folders of the package that the suite reads, and which of their files. */
const FOLDERS: Readonly<Record<string, RegExp>> = {
  vectors: /\.json$/u,
  spec: /^[^/]+\.(?:md|json)$/u,
  'conformance/skeletons': /^[^/]+\//u,
  'conformance/recipe': /(?<!\.test\.ts)$/u,
  'conformance/profiles': /\.json$/u,
};

/** Every file that the bundle holds, by its path in the package. */
export function embedded(): Record<string, string> {
  const files: Record<string, string> = {};
  for (const [folder, wanted] of Object.entries(FOLDERS)) {
    const own = ownFiles(folder);
    for (const name of own.names())
      if (wanted.test(name)) files[`${folder}/${name}`] = own.read(name).toString('utf8');
  }
  return files;
}

/** The module that stands in the place of conformance/assets.ts. */
function assetsModule(files: Readonly<Record<string, string>>): string {
  const text = Buffer.from(JSON.stringify(files));
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  const params = {
    [BROTLI_PARAM_QUALITY]: 9,
    [BROTLI_PARAM_LGWIN]: 24,
    [BROTLI_PARAM_SIZE_HINT]: text.length,
  };
  const packed = brotliCompressSync(text, { params }).toString('base64');
  return `import { brotliDecompressSync } from 'node:zlib';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
export { folderFiles } from 'strongroom:folders';
const files = new Map(Object.entries(JSON.parse(brotliDecompressSync(Buffer.from('${packed}', 'base64')).toString('utf8'))));
export function moduleUrl() {
  return new URL(import.meta.url);
}
export function packageRoot() {
  return dirname(fileURLToPath(import.meta.url));
}
export function ownFiles(folder) {
  const start = folder + '/';
  return {
    names: () => [...files.keys()].filter((name) => name.startsWith(start)).map((name) => name.slice(start.length)).sort(),
    read: (name) => {
      const text = files.get(start + name);
      if (text === undefined) throw new Error('the suite has no file ' + start + name);
      return Buffer.from(text);
    },
  };
}
`;
}

function entryOf(root: string): string {
  return join(root, 'conformance', 'bundle-entry.js');
}

/** The module that begins: the thread that makes vectors is started with the same file. */
const ENTRY = `import { isMainThread } from 'node:worker_threads';
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(\`strongroom-conformance needs Node 24 or newer; this is Node \${process.versions.node}\\n\`);
  process.exit(2);
}
await (isMainThread ? import('./cli.ts') : import('./cases/fresh/worker.ts'));
`;

function plugin(root: string, files: Readonly<Record<string, string>>): Plugin {
  const inside = assetsModule(files);
  const assets = join(root, 'conformance', 'assets.ts');
  const entry = entryOf(root);
  return {
    name: 'strongroom-assets',
    resolveId: (id) => (id === 'strongroom:folders' ? `${assets}?folders` : id === entry ? entry : undefined),
    load: (id) => {
      if (id === entry) return { code: ENTRY, moduleType: 'js' };
      if (id === assets) return { code: inside, moduleType: 'js' };
      if (id === `${assets}?folders`) return { code: readFileSync(assets, 'utf8'), moduleType: 'ts' };
      return undefined;
    },
  };
}

/** Licences of the packages whose code is in the bundle. */
function licences(root: string, chunk: OutputChunk): string {
  const names = chunk.moduleIds.flatMap((id) => {
    const inside = id.split('/node_modules/').at(-1);
    return inside === undefined || inside === id
      ? []
      : [inside.split('/', inside.startsWith('@') ? 2 : 1).join('/')];
  });
  return [...new Set(names)]
    .sort()
    .map((name) => {
      const folder = join(root, 'node_modules', name);
      const file = ['LICENSE', 'LICENSE.md', 'license'].map((each) => join(folder, each)).find(existsSync);
      if (file === undefined) throw new Error(`${name} has no licence`);
      return `${name}\n\n${readFileSync(file, 'utf8').trim()}`;
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`)
    .replaceAll('*/', '* /');
}

/** The text of the bundle. */
export async function bundle(): Promise<string> {
  const root = packageRoot();
  const files = embedded();
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const build = await rolldown({
    input: entryOf(root),
    platform: 'node',
    plugins: [plugin(root, files)],
    checks: { bundlerTimings: false },
    resolve: { conditionNames: ['node', 'import', 'default'] },
  });
  const { output } = await build.generate({
    format: 'esm',
    codeSplitting: false,
    comments: { legal: false, annotation: false, jsdoc: false },
  });
  await build.close();
  const [chunk, ...more] = output;
  if (more.length > 0) throw new Error(`the bundle needs ${more.map(({ fileName }) => fileName).join(', ')}`);
  const outside = [...chunk.imports, ...chunk.dynamicImports].filter(
    (id) => !id.startsWith('node:') && id !== chunk.fileName,
  );
  if (outside.length > 0) throw new Error(`the bundle imports ${outside.join(', ')}`);
  const head = `#!/usr/bin/env node
// Strongroom conformance suite ${version}: one file, Node 24 or newer, no network. Apache-2.0; vectors CC0-1.0;
// the licences of what is included are at the end. strongroom-conformance --help
`;
  const code = chunk.code.replace(/^#!.*\n/u, '');
  return `${head}${code}\n/*\nIncluded packages and their licences\n\n${licences(root, chunk)}\n*/\n`;
}

if (import.meta.main) {
  const path = join(packageRoot(), 'dist', 'strongroom-conformance.mjs');
  mkdirSync(dirname(path), { recursive: true });
  const text = await bundle();
  writeFileSync(path, text, { mode: 0o755 });
  process.stdout.write(`${path}: ${(text.length / 1e6).toFixed(1)} MB\n`);
}
