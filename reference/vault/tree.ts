/**
 * The Merkle tree over a partition's records (spec/storage.md, "Tree"): a complete tree of depth 20, kept in memory
 * and rebuilt from the store at start. Nodes take 64 MiB and leaves 68 bytes each, touched as they are filled.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { concat, copy, equal, isZero, type Bytes } from '../wire/bytes.ts';

/** Levels between a bottom node and the root. */
export const TREE_DEPTH = 20;

/** A leaf: the index of an account and the hash of its sealed record. */
export interface Leaf {
  /** 32 bytes. */
  readonly index: Bytes;
  /** SHA-256 of the sealed record. */
  readonly hash: Bytes;
}

/** What shows that a leaf is in the tree, or that none with its index is. */
export interface TreeProof {
  /** All leaves of the bottom node, ascending by index. */
  readonly leaves: readonly Leaf[];
  /** The other child at each level, from the bottom up. */
  readonly siblings: readonly Bytes[];
}

/** Bytes of a node, of an index and of a hash. */
const NODE = 32;
/** What an inner node is the hash of, filled anew for each. */
const INNER = new Uint8Array(1 + 2 * NODE).fill(1, 0, 1);

/** `SHA-256(0x00 || index || hash || ...)` over ascending leaves, each `index || hash`. */
function bottomNode(leaves: readonly Uint8Array[]): Uint8Array {
  return hash('sha256', concat(Uint8Array.of(0), ...leaves), 'buffer');
}

/** `SHA-256(0x01 || left || right)`. */
function innerNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  INNER.set(left, 1);
  INNER.set(right, 1 + NODE);
  return hash('sha256', INNER, 'buffer');
}

/** Node of an empty subtree, by its height above the bottom. */
const EMPTY: readonly Uint8Array[] = (() => {
  const nodes = [bottomNode([])];
  for (let node = bottomNode([]), height = 1; height <= TREE_DEPTH; height++) {
    nodes.push((node = innerNode(node, node)));
  }
  return nodes;
})();

/** Root of a tree without leaves. */
export const EMPTY_ROOT: Bytes = copy(EMPTY[TREE_DEPTH] ?? new Uint8Array(0));

/** Order of two indices. */
function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < NODE; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Position of a leaf's bottom node: the {@link TREE_DEPTH} bits of its index after the partition's prefix. */
function position(index: Uint8Array, prefixBits: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = index;
  return ((((a << 24) | (b << 16) | (c << 8) | d) << prefixBits) >>> (32 - TREE_DEPTH)) >>> 0;
}

/** Rows of one block of leaves. */
const ROWS = 4096;

/** Leaves in the order in which they came: each its index and its hash, and the next one of its position. */
interface Block {
  readonly leaves: Uint8Array;
  /** Number of the row plus 1; 0 = none. */
  readonly next: Uint32Array;
}

/** The tree of one partition. */
export class Tree {
  readonly #prefixBits: number;
  /** The children of node `i` are `2i` and `2i + 1`, and the root is 1. A node of zeros is that of an empty subtree. */
  readonly #nodes = new Uint8Array(NODE * 2 ** (TREE_DEPTH + 1));
  readonly #blocks: Block[] = [];
  /** The row, plus 1, of the first leaf of each position: they are chained in ascending order. */
  readonly #first = new Uint32Array(2 ** TREE_DEPTH);
  #size = 0;

  /** @param prefixBits bits of a leaf index that name its partition, at most 12 */
  constructor(prefixBits: number) {
    this.#prefixBits = prefixBits;
  }

  /** The root, 32 bytes. */
  get root(): Bytes {
    return copy(this.#node(1, TREE_DEPTH));
  }

  /** Leaves in it. */
  get size(): number {
    return this.#size;
  }

  /** The index of one leaf, 32 bytes; they are numbered from 0 as they come, and none ever goes. */
  indexAt(row: number): Bytes {
    return copy(this.#leaf(row + 1).subarray(0, NODE));
  }

  /** Adds or replaces leaves. */
  set(leaves: readonly Leaf[]): void {
    let changed = new Set<number>();
    for (const leaf of leaves) {
      const at = position(leaf.index, this.#prefixBits);
      this.#put(at, leaf);
      changed.add(2 ** TREE_DEPTH + at);
    }
    for (const node of changed)
      this.#nodes.set(bottomNode([...this.#at(node - 2 ** TREE_DEPTH)]), node * NODE);
    for (let height = 1; height <= TREE_DEPTH; height++) {
      const parents = new Set<number>();
      for (const node of changed) parents.add(node >>> 1);
      for (const node of parents) {
        const [left, right] = [this.#node(2 * node, height - 1), this.#node(2 * node + 1, height - 1)];
        this.#nodes.set(innerNode(left, right), node * NODE);
      }
      changed = parents;
    }
  }

  /** The record hash under an index. */
  hashOf(index: Uint8Array): Bytes | undefined {
    for (const leaf of this.#at(position(index, this.#prefixBits)))
      if (equal(leaf.subarray(0, NODE), index)) return copy(leaf.subarray(NODE));
    return undefined;
  }

  /** The proof for an index, whether it is in the tree or not. */
  prove(index: Uint8Array): TreeProof {
    const at = position(index, this.#prefixBits);
    const leaves: Leaf[] = [];
    for (const leaf of this.#at(at))
      leaves.push({ index: copy(leaf.subarray(0, NODE)), hash: copy(leaf.subarray(NODE)) });
    const siblings: Bytes[] = [];
    for (let height = 0, node = 2 ** TREE_DEPTH + at; height < TREE_DEPTH; height++, node >>>= 1) {
      siblings.push(copy(this.#node(node ^ 1, height)));
    }
    return { leaves, siblings };
  }

  #node(node: number, height: number): Uint8Array {
    const stored = this.#nodes.subarray(node * NODE, (node + 1) * NODE);
    return isZero(stored) ? (EMPTY[height] ?? stored) : stored;
  }

  /** The leaf of a row plus 1, in place: index and hash. */
  #leaf(row: number): Uint8Array {
    const at = ((row - 1) % ROWS) * 2 * NODE;
    const block = this.#blocks[Math.floor((row - 1) / ROWS)];
    return block?.leaves.subarray(at, at + 2 * NODE) ?? new Uint8Array(0);
  }

  #next(row: number): number {
    return this.#blocks[Math.floor((row - 1) / ROWS)]?.next[(row - 1) % ROWS] ?? 0;
  }

  /** The leaves of a position, ascending. */
  *#at(at: number): Generator<Uint8Array> {
    for (let row = this.#first[at] ?? 0; row !== 0; row = this.#next(row)) yield this.#leaf(row);
  }

  #put(at: number, { index, hash }: Leaf): void {
    let before = 0;
    let row = this.#first[at] ?? 0;
    for (; row !== 0; before = row, row = this.#next(row)) {
      const leaf = this.#leaf(row);
      const order = compare(leaf, index);
      if (order === 0) {
        leaf.set(hash, NODE);
        return;
      }
      if (order > 0) break;
    }
    if (this.#size % ROWS === 0) {
      this.#blocks.push({ leaves: new Uint8Array(ROWS * 2 * NODE), next: new Uint32Array(ROWS) });
    }
    const added = ++this.#size;
    this.#leaf(added).set(concat(index, hash));
    this.#link(added, row);
    if (before === 0) this.#first[at] = added;
    else this.#link(before, added);
  }

  #link(row: number, next: number): void {
    this.#blocks[Math.floor((row - 1) / ROWS)]?.next.set([next], (row - 1) % ROWS);
  }
}

/** What a proof shows: the hash of the record, that there is none (`absent`), or nothing (`invalid`). */
export type Shown = { readonly hash: Bytes } | 'absent' | 'invalid';

/** Checks a proof against a root (spec/storage.md, "Proofs"). */
export function verifyProof(
  root: Uint8Array,
  index: Uint8Array,
  proof: TreeProof,
  prefixBits: number,
): Shown {
  const { leaves, siblings } = proof;
  const at = position(index, prefixBits);
  if (siblings.length !== TREE_DEPTH) return 'invalid';
  for (const [i, leaf] of leaves.entries()) {
    const before = leaves[i - 1];
    if (before !== undefined && compare(before.index, leaf.index) >= 0) return 'invalid';
    if (position(leaf.index, prefixBits) !== at) return 'invalid';
  }
  let node = bottomNode(leaves.map(({ index, hash }) => concat(index, hash)));
  for (const [height, sibling] of siblings.entries()) {
    node = ((at >>> height) & 1) === 0 ? innerNode(node, sibling) : innerNode(sibling, node);
  }
  if (!equal(node, root)) return 'invalid';
  const leaf = leaves.find((leaf) => equal(leaf.index, index));
  return leaf === undefined ? 'absent' : { hash: leaf.hash };
}
