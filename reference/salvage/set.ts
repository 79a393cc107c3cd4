/**
 * Salvaging a set (spec/salvage.md, "Sets"): everything that is left in a storage, whatever was destroyed, removed or
 * exchanged there, and an account of it.
 *
 * @module
 */
import { BackupKey, type ObjectKey } from '../container/index.ts';
import type { CryptoEngine } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { systemRandom } from '../crypto/random.ts';
import type { FileEntry } from '../set/manifest.ts';
import { Pacer } from '../set/objects.ts';
import { checkPath, checkTarget } from '../set/paths.ts';
import type { Storage } from '../set/index.ts';
import { equal, hex, type Bytes } from '../wire/bytes.ts';
import { Contents } from './contents.ts';
import { attempt, Deliverer, RULES, type Delivered } from './delivery.ts';
import { takeInventory, type Inventory } from './inventory.ts';
import type { SalvagedManifest } from './manifests.ts';
import { objectReports, ranges } from './objects-report.ts';
import { RUN_SEARCH_LIMIT } from './places.ts';
import { rebuild, type RebuildSources } from './rebuild.ts';
import {
  canonical,
  REPORT_FORMAT,
  type EntryReport,
  type ManifestReport,
  type SalvageReport,
} from './report.ts';
import { Target, type Attributes } from './target.ts';
import { deliverUnnamed } from './unnamed.ts';
import { isFile, Versions, type Version } from './versions.ts';

/** How to salvage a set. */
export interface SalvageOptions {
  /** A folder that is new or empty; without one nothing is written, and the report is the same. */
  readonly target?: string;
  /** Which set, if the storage holds several under the key: its id as 32 hexadecimal digits. */
  readonly set?: string;
  /** Write a new generation of what is whole to the storage, if not all is; needs the backup key. Default false. */
  readonly rebuild?: boolean;
  /** How many offsets of all objects may be searched in vain; default 2^30. */
  readonly searchLimit?: number;
  readonly engine?: CryptoEngine;
  /** Stops with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Told which object or path is worked on. */
  readonly onProgress?: (what: string) => void;
}

/**
 * Takes out of a storage whatever can be authenticated, and reports what was found and what was not. Strict readers
 * refuse all of this; nobody should call it but to save what is left.
 *
 * @throws StrongroomError `wrong-key` if all headers that are whole are of other keys; `fork` if the storage holds several sets and none is named; `exists` if the target is not
 *   empty; `disk-full`, `permission`, `io` of the target; `invalid-key`, `cancelled`
 */
export async function salvage(
  storage: Storage,
  key: BackupKey | ObjectKey,
  options: SalvageOptions = {},
): Promise<SalvageReport> {
  return salvageWith({ random: systemRandom, now: Date.now }, storage, key, options);
}

/** {@link salvage} whose rebuilt manifest has injected values: for vectors and tests, never for backups. */
export async function salvageWith(
  sources: RebuildSources,
  storage: Storage,
  key: BackupKey | ObjectKey,
  options: SalvageOptions = {},
): Promise<SalvageReport> {
  const { engine = nodeEngine, signal, set, onProgress: tell = () => undefined } = options;
  const budget = { left: options.searchLimit ?? RUN_SEARCH_LIMIT };
  const target = options.target === undefined ? undefined : new Target(options.target);
  const inventory = await takeInventory(storage, key, { engine, budget, signal, set, tell });
  const run = new Run(inventory, target, options);
  const report = await run.all();
  const asked = options.rebuild === true && !report.complete && key instanceof BackupKey;
  const rebuilt = asked
    ? await rebuild(sources, inventory, run.whole, { storage, key, engine, signal })
    : undefined;
  const all = rebuilt === undefined ? report : { ...report, rebuilt };
  if (target !== undefined) finish(target, run.current, all);
  return all;
}

/** One salvage, after everything was found. */
class Run {
  /** The entries that there are. */
  readonly current: readonly Version[];
  /** Those that are whole, as the manifests have them by whose parts they are. */
  readonly whole: Version[] = [];
  readonly #inventory: Inventory;
  readonly #target: Target | undefined;
  readonly #options: SalvageOptions;
  readonly #pacer: Pacer;
  readonly #contents: Contents;
  readonly #versions: Versions;
  readonly #deliverer: Deliverer;
  /** The key of media ids: it is the same in every generation. */
  readonly #mediaKey: Bytes | undefined;

  constructor(inventory: Inventory, target: Target | undefined, options: SalvageOptions) {
    this.#inventory = inventory;
    this.#target = target;
    this.#options = options;
    this.#pacer = new Pacer(options.signal);
    this.#contents = new Contents(inventory.byCommitment);
    this.#versions = new Versions(inventory.manifests);
    this.#deliverer = new Deliverer(target, this.#pacer, options.engine ?? nodeEngine);
    this.#mediaKey = inventory.manifests.find(({ head }) => head !== undefined)?.head?.mediaKey;
    this.current = this.#versions.current();
  }

  async all(): Promise<SalvageReport> {
    const { manifests, setId } = this.#inventory;
    const { current } = this;
    const reports = new Map<Version, readonly EntryReport[]>();
    // Links come last, so that nothing can be written through them.
    const links = current.filter(({ entry }) => entry.kind === 'symlink');
    for (const version of [...current.filter((each) => !links.includes(each)), ...links]) {
      this.#options.onProgress?.(version.entry.path);
      await this.#pacer.pace();
      reports.set(version, isFile(version) ? await this.#file(version) : [this.#notFile(version)]);
    }
    const entries = current.flatMap((version) => reports.get(version) ?? []);
    const listed = manifests[0]?.complete === true;
    const unnamed = listed
      ? { unnamed: [], packed: [] }
      : await deliverUnnamed(this.#inventory, this.#contents, this.#deliverer);
    const whole = entries.every(({ state, older }) => state === 'whole' && !older);
    return {
      format: REPORT_FORMAT,
      complete: listed && whole && !this.#mayBeNewer(),
      ...(setId && { set_id: hex(setId) }),
      manifests: manifests.map(manifestReport),
      objects: objectReports(this.#inventory, current),
      entries,
      ...unnamed,
    };
  }

  /** True if something is in the storage that could be a newer manifest than the first one. */
  #mayBeNewer(): boolean {
    const { stored, manifests, byName, namedManifests } = this.#inventory;
    return (
      manifests.some(({ generation }) => generation === undefined) ||
      stored.some(({ name, known }) => known === 'none' && !byName.has(name) && !namedManifests.has(name))
    );
  }

  #origin(manifest: SalvagedManifest): { generation?: number; older: boolean } {
    const { generation } = manifest;
    return {
      ...(generation !== undefined && { generation }),
      older: manifest !== this.#inventory.manifests[0],
    };
  }

  /** A directory or a link. */
  #notFile(version: Version): EntryReport {
    const { manifest, entry } = version;
    const code = attempt(() => {
      checkPath(entry.path, RULES);
      const place = `files/${entry.path}`;
      if (entry.kind === 'directory') this.#target?.directory(place);
      if (entry.kind !== 'symlink') return;
      checkTarget(entry.path, entry.target, RULES);
      this.#target?.symlink(place, entry.target, entry);
    });
    const common = { path: entry.path, kind: entry.kind, ...this.#origin(manifest) };
    if (code !== undefined) return { ...common, state: 'lost', code };
    this.whole.push(version);
    return { ...common, state: 'whole' };
  }

  /** A file: as it is newest, and if that is not whole, also the newest one before it that is. */
  async #file(version: Version<FileEntry>): Promise<EntryReport[]> {
    const newest = await this.#version(version, true);
    if (newest.state === 'whole') return [newest];
    for (const older of this.#versions.older(version)) {
      if (equal(older.entry.mediaId, version.entry.mediaId)) continue;
      const report = await this.#version(older, false);
      if (report.state === 'whole') return [newest, report];
    }
    return [newest];
  }

  /** One version of a file, from its own objects or from others that hold the same content. */
  async #version(version: Version<FileEntry>, isCurrent: boolean): Promise<EntryReport> {
    const { path, contentLength: length, mediaId } = version.entry;
    const common = { path, kind: 'file', ...this.#origin(version.manifest), length } as const;
    const unsafe = attempt(() => checkPath(path, RULES));
    if (unsafe !== undefined) return { ...common, state: 'lost', recovered: [], code: unsafe };
    const partial = `partial/${path}`;
    let first: Delivered | undefined;
    for (const source of this.#versions.sameContent(version)) {
      const delivered = await this.#deliverer.deliver({
        pieces: this.#contents.read(source.manifest, source.entry),
        length,
        whole: `files/${path}`,
        ...(isCurrent && first === undefined && { partial }),
        attributes: version.entry,
        identity: this.#mediaKey && { mediaKey: this.#mediaKey, mediaId },
      });
      if (delivered.state === 'whole') {
        if (isCurrent && first !== undefined) this.#target?.remove(partial);
        const { parts } = source.entry;
        if (isCurrent) this.whole.push({ manifest: source.manifest, entry: { ...version.entry, parts } });
        return { ...common, ...delivered };
      }
      first ??= delivered;
    }
    return { ...common, ...(first ?? { state: 'lost', recovered: [] }) };
  }
}

/** Writes the report, and gives directories their rights and times. */
function finish(target: Target, current: readonly Version[], report: SalvageReport): void {
  const text = canonical(report);
  const file = target.file();
  file.write(0, text);
  file.keep('salvage.json', text.length);
  const attributes = new Map<string, Attributes>(
    current.flatMap(({ entry }) =>
      entry.kind === 'directory' ? [[`files/${entry.path}`, entry] as const] : [],
    ),
  );
  for (const path of target.directories()) target.finishDirectory(path, attributes.get(path));
}

function manifestReport({
  copies,
  complete,
  entries,
  generation,
  lost,
  cut,
}: SalvagedManifest): ManifestReport {
  const report = { copies, complete, entries: entries.length, lost: ranges(lost), cut };
  return generation === undefined ? report : { ...report, generation };
}
