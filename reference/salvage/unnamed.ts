/**
 * What no entry names (spec/salvage.md, "What no entry names"): contents of whole objects, and files of packs.
 *
 * @module
 */
import { checkPath } from '../set/paths.ts';
import { hex } from '../wire/bytes.ts';
import type { Contents, PackedFile } from './contents.ts';
import { attempt, RULES, type Deliverer } from './delivery.ts';
import type { Inventory } from './inventory.ts';
import type { Piece } from './object.ts';
import type { PackedReport, SalvageReport, UnnamedReport } from './report.ts';
import { parentsOf } from './versions.ts';

/** Puts it all out. */
export async function deliverUnnamed(
  inventory: Inventory,
  contents: Contents,
  deliverer: Deliverer,
): Promise<Pick<SalvageReport, 'unnamed' | 'packed'>> {
  const used = usedBy(inventory);
  const folders = new Folders();
  const unnamed: UnnamedReport[] = [];
  const packed: PackedReport[] = [];
  for (const [name, object] of [...inventory.byName].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { type } = object.header;
    const commitment = hex(object.header.commitment);
    if (type === 'manifest') continue;
    const records = type === 'records' ? await contents.records(object) : undefined;
    if (records !== undefined && records.files.length > 0) {
      const free = records.files.filter(({ position }) => !used.has(`${commitment}:${position}`));
      for (const file of free) packed.push(await deliverPacked(name, file, folders, deliverer));
    } else if (records?.isCheckpoint !== true && !used.has(commitment)) {
      const { contentLength: length } = object;
      const whole = `unnamed/${name}`;
      const pieces = object.read();
      const delivered = await deliverer.deliver({ pieces, length, whole, partial: `${whole}.partial` });
      unnamed.push({ name, ...(length !== undefined && { length }), ...delivered });
    }
  }
  return { unnamed, packed };
}

/** Commitments of the objects that entries name, and with them the positions of records in packs. */
function usedBy({ manifests }: Inventory): Set<string> {
  const used = new Set<string>();
  for (const { entries, objects } of manifests) {
    for (const { object, range } of entries.flatMap((each) => (each.kind === 'file' ? each.parts : []))) {
      const reference = objects.get(object);
      if (reference === undefined) continue;
      used.add(hex(reference.commitment));
      if (range !== undefined) used.add(`${hex(reference.commitment)}:${range.position}`);
    }
  }
  return used;
}

async function deliverPacked(
  name: string,
  { position, path: packedPath, content }: PackedFile,
  folders: Folders,
  deliverer: Deliverer,
): Promise<PackedReport> {
  const isSafe = attempt(() => checkPath(packedPath, RULES)) === undefined;
  const path = isSafe ? packedPath : `${name}-${position}`;
  const folder = folders.take(path);
  const length = content.length;
  async function* pieces(): AsyncGenerator<Piece, void, undefined> {
    if (length > 0) yield { position: 0, bytes: content };
  }
  const { state, code } = await deliverer.deliver({
    pieces: pieces(),
    length,
    whole: `packed/${folder}/${path}`,
  });
  const report = { name, position, path, folder, length, state };
  return code === undefined ? report : { ...report, code };
}

interface Folder {
  readonly files: Set<string>;
  /** Directories that the files need. */
  readonly above: Set<string>;
}

/** Numbered folders, in each of which a path is taken once. */
class Folders {
  readonly #folders: Folder[] = [];

  /** The first folder, from 1, in which a file of this path is in nobody's way. */
  take(path: string): number {
    const parents = parentsOf(path);
    const isFree = ({ files, above }: Folder): boolean =>
      !files.has(path) && !above.has(path) && !parents.some((each) => files.has(each));
    const at = this.#folders.findIndex(isFree);
    const folder = this.#folders[at] ?? { files: new Set(), above: new Set() };
    folder.files.add(path);
    for (const each of parents) folder.above.add(each);
    return at < 0 ? this.#folders.push(folder) : at + 1;
  }
}
