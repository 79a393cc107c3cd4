/**
 * Broken restores: what is written into the target, and what was in it.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const RESTORE = 'reference/set/restore.ts';
const RUN = 'reference/set/restore-run.ts';
const MEDIA_ID = 'reference/set/media-id.ts';

/** Mutants of restores, and of identities of content. */
export const restoreMutants: readonly Mutant[] = [
  {
    id: 'restore-replaces',
    mistake: 'replaces files without being asked',
    file: RESTORE,
    find: 'if (!force || stat.isDirectory()) throw exists(path);',
    replace: 'if (stat.isDirectory()) throw exists(path);',
    requirement: 'RST-4',
    cases: ['restore.exists'],
    class: 'accepted-invalid',
  },
  {
    id: 'restore-force-unneeded',
    mistake: 'replaces nothing, whatever it is asked',
    file: RESTORE,
    find: 'const { force = false, signal, onProgress } = options;',
    replace: 'const { signal, onProgress } = options;\n  const force = false;',
    requirement: 'RST-4',
    cases: ['restore.force'],
    class: 'rejected-valid',
  },
  {
    id: 'restore-folder-replaced',
    mistake: 'removes a folder where a file goes',
    file: RESTORE,
    find: 'if (!force || stat.isDirectory()) throw exists(path);',
    replace: 'if (!force) throw exists(path);',
    also: [
      {
        file: RUN,
        find: '    renameSync(temporary, place);\n',
        replace: '    rmSync(place, { recursive: true, force: true });\n    renameSync(temporary, place);\n',
      },
    ],
    requirement: 'RST-5',
    cases: ['restore.folder-as-file'],
    class: 'accepted-invalid',
  },
  {
    id: 'restore-through-link',
    mistake: 'takes a link to a folder for the folder',
    file: RESTORE,
    find: '      if (stat.isSymbolicLink()) throw throughLink(path);\n      if (!stat.isDirectory()) throw exists(path);',
    replace: '      if (!statSync(join(target, path)).isDirectory()) throw exists(path);',
    also: [
      {
        file: RUN,
        find: 'if (!lstatSync(join(target, each)).isDirectory()) throw throughLink(each);',
        replace: 'void each;',
      },
    ],
    requirement: 'RST-6',
    cases: ['restore.link-as-folder'],
    class: 'accepted-invalid',
  },
  {
    id: 'restore-early-name',
    mistake: 'writes a file under its own name, and looks for faults while it does',
    file: RUN,
    find: 'const temporary = temporaryBeside(this.#place(path));\n    const { O_WRONLY',
    replace: 'const temporary = this.#place(path);\n    const { O_WRONLY',
    also: [
      {
        file: RUN,
        find: '      closeSync(fd);\n      rmSync(temporary, { force: true });\n      throw error;',
        replace: '      closeSync(fd);\n      throw error;',
      },
      {
        file: RUN,
        find: '      this.#rename(temporary, path);\n    } catch (error) {\n      rmSync(temporary, { force: true });\n      this.#fail(path, error);',
        replace: '      this.#restored.add(path);\n    } catch (error) {\n      this.#fail(path, error);',
      },
    ],
    requirement: 'RST-3',
    cases: ['restore.damaged-late', 'restore.damaged'],
    class: 'over-release',
  },
  {
    id: 'restore-leaves-parts',
    mistake: 'leaves what it has written of a file that failed',
    file: RUN,
    find: '      closeSync(fd);\n      rmSync(temporary, { force: true });\n      throw error;',
    replace: '      closeSync(fd);\n      throw error;',
    requirement: 'RST-10',
    cases: ['restore.damaged-late'],
    class: 'over-release',
  },
  {
    id: 'restore-failure-silent',
    mistake: 'reports a restore with a file that failed as a success',
    file: RESTORE,
    find: 'if (fault !== undefined) throw new RestoreError(report, fault);',
    replace: 'void RestoreError;',
    requirement: 'RST-9',
    cases: ['restore.missing', 'restore.damaged'],
    class: 'accepted-invalid',
  },
  {
    id: 'restore-modes',
    mistake: 'does not set modes',
    file: RUN,
    find: '      fchmodSync(fd, mode);\n',
    replace: '      void mode;\n',
    requirement: 'RST-1',
    cases: ['restore.album'],
    class: 'wrong-output',
  },
  {
    id: 'media-id-without-length',
    mistake: 'leaves the length of the content out of its identity, in both directions',
    file: MEDIA_ID,
    find: 'concat(encode(u64, contentLength), tags)',
    replace: 'concat(encode(u64, 0 * contentLength), tags)',
    requirement: 'MAN-16',
    cases: ['media-ids.one-byte', 'media-ids.short'],
    class: 'wrong-output',
  },
  {
    id: 'media-id-one-nonce',
    mistake: 'uses one nonce for all blocks, in both directions',
    file: MEDIA_ID,
    find: 'blockTag(this.#aead, this.#blocks++, block)',
    replace: 'blockTag(this.#aead, 0 * this.#blocks++, block)',
    requirement: 'MAN-16',
    cases: ['media-ids.two', 'media-ids.block-and-byte'],
    class: 'wrong-output',
  },
  {
    id: 'media-id-empty-block',
    mistake: 'adds an empty block to content that ends with a full one',
    file: MEDIA_ID,
    find: 'if (held !== undefined && held.length > 0) this.#add(held);',
    replace: 'this.#add(held ?? new Uint8Array());',
    requirement: 'MAN-16',
    cases: ['media-ids.empty', 'media-ids.block'],
    class: 'wrong-output',
  },
];
