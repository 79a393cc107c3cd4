/**
 * Broken restores: what is written into the target, and what was in it.
 *
 * @module
 */
import type { Mutant } from './mutant.ts';

const RESTORE = 'reference/set/restore.ts';
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
    find: 'const force = options.force ?? false;',
    replace: 'const force = false;',
    requirement: 'RST-4',
    cases: ['restore.force'],
    class: 'rejected-valid',
  },
  {
    id: 'restore-folder-replaced',
    mistake: 'removes a folder where a file goes',
    file: RESTORE,
    find: 'if (!force || stat.isDirectory()) throw exists(path);',
    replace:
      'if (!force) throw exists(path);\n    if (stat.isDirectory()) rmSync(join(target, path), { recursive: true });',
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
        file: RESTORE,
        find: 'if (!lstatSync(join(this.#target, each)).isDirectory()) throw throughLink(each);',
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
    file: RESTORE,
    find: 'const temporary = temporaryBeside(place);\n    const { O_WRONLY',
    replace: 'const temporary = place;\n    const { O_WRONLY',
    also: [
      {
        file: RESTORE,
        find: '      this.#rename(temporary, path, place);\n    } catch (error) {\n      rmSync(temporary, { force: true });\n      throw error;\n    }\n  }\n\n  #link(',
        replace:
          '      this.#restored.push(path);\n    } catch (error) {\n      throw error;\n    }\n  }\n\n  #link(',
      },
    ],
    requirement: 'RST-3',
    cases: ['restore.damaged-late', 'restore.damaged'],
    class: 'over-release',
  },
  {
    id: 'restore-leaves-parts',
    mistake: 'leaves what it has written of a file that failed',
    file: RESTORE,
    find: '      this.#rename(temporary, path, place);\n    } catch (error) {\n      rmSync(temporary, { force: true });\n      throw error;\n    }\n  }\n\n  #link(',
    replace:
      '      this.#rename(temporary, path, place);\n    } catch (error) {\n      throw error;\n    }\n  }\n\n  #link(',
    requirement: 'RST-10',
    cases: ['restore.damaged-late'],
    class: 'over-release',
  },
  {
    id: 'restore-failure-silent',
    mistake: 'reports a restore with a file that failed as a success',
    file: RESTORE,
    find: 'if (this.#firstFault !== undefined) throw new RestoreError(report, this.#firstFault);',
    replace: 'void RestoreError;',
    requirement: 'RST-9',
    cases: ['restore.missing', 'restore.damaged'],
    class: 'accepted-invalid',
  },
  {
    id: 'restore-modes',
    mistake: 'does not set modes',
    file: RESTORE,
    find: '        fchmodSync(fd, mode);\n',
    replace: '        void mode;\n',
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
    find: 'this.#tagger.tag(this.#blocks++, block)',
    replace: 'this.#tagger.tag(0 * this.#blocks++, block)',
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
