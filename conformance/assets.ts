/**
 * The files that the suite reads: vectors, specification, skeletons. They lie in the folders of the package; the one
 * file that is published has another module in the place of this one, with all of them inside (tools/bundle.ts).
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the package: the sources and the published `dist/` lie at different depths in it. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    if (folder === dirname(folder)) throw new Error('the vectors are not where the package has them');
    folder = dirname(folder);
  }
  return folder;
}

/** A folder of files that are only read. */
export interface Files {
  /** Paths of all files, with `/` between their parts, in order. */
  names(): string[];
  /** @throws Error if there is no such file */
  read(name: string): Buffer;
}

/** The files of a folder of the system; none if it is not there. */
export function folderFiles(folder: string): Files {
  return {
    names: () =>
      existsSync(folder)
        ? readdirSync(folder, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
            .sort()
        : [],
    read: (name) => readFileSync(join(folder, name)),
  };
}

/** The files of a folder of the package, such as `vectors`. */
export function ownFiles(folder: string): Files {
  return folderFiles(join(packageRoot(), folder));
}

/** Where a thread finds a module of the suite: `name` is below `conformance/`, without its ending. */
export function moduleUrl(name: string): URL {
  return new URL(`${name}${extname(import.meta.url)}`, import.meta.url);
}
