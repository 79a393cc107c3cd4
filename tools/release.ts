/**
 * `npm run release`: what is published of the conformance suite, in `dist/release/`.
 *
 * @module
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownFiles, packageRoot } from '../conformance/assets.ts';
import { bundle } from './bundle.ts';
import { tar } from './tar.ts';

/** What the package of the suite has in common with the package of everything. */
interface Package {
  readonly version: string;
  readonly license: string;
  readonly engines: object;
}

const NAME = 'strongroom-conformance';

const README = `# ${NAME}

Tests implementations of the Strongroom protocol for end-to-end encrypted backups, in any language. One file, no
dependencies, no network; Node 24 or newer.

    npx ${NAME} --help
    npx ${NAME} run --adapter ./my-adapter
    npx ${NAME} run --vault http://127.0.0.1:8787
`;

function aboutPackage(root: string): Package {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Package;
}

/** The tar file of the vectors: data, schemas, their description and their licence, below one folder. */
export function vectorsTar(version: string): Buffer {
  const top = `strongroom-vectors-${version}`;
  const vectors = ownFiles('vectors');
  const files = vectors
    .names()
    .filter((name) => /\.(?:json|md)$/u.test(name))
    .map((name): [string, Buffer] => [`${top}/vectors/${name}`, vectors.read(name)]);
  const named = (folder: string, name: string): [string, Buffer] => [
    `${top}/${folder}/${name}`,
    ownFiles(folder).read(name),
  ];
  return tar(new Map([...files, named('LICENSES', 'CC0-1.0.txt'), named('spec', 'conformance.md')]));
}

/** Packs the one file as the package that `npx strongroom-conformance` runs. */
function pack(root: string, text: string, to: string): void {
  const { version, license, engines } = aboutPackage(root);
  const folder = mkdtempSync(join(tmpdir(), 'strongroom-pack-'));
  try {
    const about = {
      name: NAME,
      version,
      description: 'Conformance suite of the Strongroom protocol: one file, no dependencies',
      license,
      type: 'module',
      engines,
      bin: { [NAME]: `${NAME}.mjs` },
      files: [`${NAME}.mjs`],
    };
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(about, undefined, 2)}\n`);
    writeFileSync(join(folder, 'README.md'), README);
    writeFileSync(join(folder, 'LICENSE'), readFileSync(join(root, 'LICENSE')));
    writeFileSync(join(folder, `${NAME}.mjs`), text, { mode: 0o755 });
    const packed = spawnSync('npm', ['pack', '--ignore-scripts', '--pack-destination', to], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (packed.status !== 0) throw new Error(`npm pack: ${packed.stderr}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes every file of a release in a folder, which is emptied. `text`: the one file of the suite. */
export function release(folder: string, text: string): void {
  const root = packageRoot();
  const { version } = aboutPackage(root);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `strongroom-vectors-${version}.tar`), vectorsTar(version));
  writeFileSync(join(folder, `${NAME}.mjs`), text, { mode: 0o755 });
  pack(root, text, folder);
  const sums = readdirSync(folder)
    .sort()
    .map((name) => {
      const hash = createHash('sha256').update(readFileSync(join(folder, name)));
      return `${hash.digest('hex')}  ${name}\n`;
    });
  writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
}

if (import.meta.main) {
  const folder = join(packageRoot(), 'dist', 'release');
  release(folder, await bundle());
  process.stdout.write(readFileSync(join(folder, 'SHA256SUMS')));
}
