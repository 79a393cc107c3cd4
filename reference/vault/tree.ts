/**
 * The Merkle tree over a partition's records (spec/storage.md, "Tree"): a complete tree of depth 20, kept in memory
 * and rebuilt from the store at start. Only nodes that are not empty are held.
 *
 * @module
 */
import { nodeEngine } from '../crypto/node.ts';
import { concat, equal, type Bytes } from '../wire/bytes.ts';

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

function sha256(...parts: readonly Uint8Array[]): Bytes {
  return nodeEngine.hash('sha256', concat(...parts));
}

/** `SHA-256(0x00 || index || hash || ...)` over ascending leaves. */
function bottomNode(leaves: readonly Leaf[]): Bytes {
  return sha256(Uint8Array.of(0), ...leaves.flatMap(({ index, hash }) => [index, hash]));
}

/** `SHA-256(0x01 || left || right)`. */
function innerNode(left: Bytes, right: Bytes): Bytes {
  return sha256(Uint8Array.of(1), left, right);
}

/** Node of an empty subtree, by its height above the bottom. */
const EMPTY: readonly Bytes[] = (() => {
  const nodes = [bottomNode([])];
  for (let node = bottomNode([]), height = 1; height <= TREE_DEPTH; height++) {
    nodes.push((node = innerNode(node, node)));
  }
  return nodes;
})();

function emptyNode(height: number): Bytes {
  return EMPTY[height] ?? new Uint8Array(0);
}

/** Order of two indices of one length. */
function compare(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

/** Position of a leaf's bottom node: the {@link TREE_DEPTH} bits of its index after the partition's prefix. */
function position(index: Uint8Array, prefixBits: number): number {
  let value = 0;
  for (let bit = prefixBits; bit < prefixBits + TREE_DEPTH; bit++) {
    value = value * 2 + (((index[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
  }
  return value;
}

/** The tree of one partition. */
export class Tree {
  readonly #prefixBits: number;
  /** Leaves by the position of their bottom node. */
  readonly #leaves = new Map<number, readonly Leaf[]>();
  /** Nodes that are not empty: by height, then by position. */
  readonly #nodes: readonly Map<number, Bytes>[] = Array.from({ length: TREE_DEPTH + 1 }, () => new Map());

  #size = 0;

  /** @param prefixBits bits of a leaf index that name its partition */
  constructor(prefixBits: number) {
    this.#prefixBits = prefixBits;
  }

  /** The root, 32 bytes. */
  get root(): Bytes {
    return this.#node(TREE_DEPTH, 0);
  }

  /** Leaves in it. */
  get size(): number {
    return this.#size;
  }

  /** Adds or replaces leaves. */
  set(leaves: readonly Leaf[]): void {
    let changed = new Set<number>();
    for (const leaf of leaves) {
      const at = position(leaf.index, this.#prefixBits);
      const present = this.#leaves.get(at) ?? [];
      const others = present.filter(({ index }) => !equal(index, leaf.index));
      if (others.length === present.length) this.#size++;
      this.#leaves.set(
        at,
        [...others, leaf].sort((a, b) => compare(a.index, b.index)),
      );
      changed.add(at);
    }
    for (const at of changed) this.#nodes[0]?.set(at, bottomNode(this.#leaves.get(at) ?? []));
    for (let height = 1; height <= TREE_DEPTH; height++) {
      changed = new Set([...changed].map((at) => Math.floor(at / 2)));
      for (const at of changed) {
        const node = innerNode(this.#node(height - 1, 2 * at), this.#node(height - 1, 2 * at + 1));
        this.#nodes[height]?.set(at, node);
      }
    }
  }

  /** The record hash under an index; the same object until it changes. */
  hashOf(index: Uint8Array): Bytes | undefined {
    const leaves = this.#leaves.get(position(index, this.#prefixBits)) ?? [];
    return leaves.find((leaf) => equal(leaf.index, index))?.hash;
  }

  /** The proof for an index, whether it is in the tree or not. */
  prove(index: Uint8Array): TreeProof {
    let at = position(index, this.#prefixBits);
    const leaves = this.#leaves.get(at) ?? [];
    const siblings: Bytes[] = [];
    for (let height = 0; height < TREE_DEPTH; height++, at = Math.floor(at / 2)) {
      siblings.push(this.#node(height, at % 2 === 0 ? at + 1 : at - 1));
    }
    return { leaves, siblings };
  }

  #node(height: number, at: number): Bytes {
    return this.#nodes[height]?.get(at) ?? emptyNode(height);
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
  let node = bottomNode(leaves);
  for (const [height, sibling] of siblings.entries()) {
    node = Math.floor(at / 2 ** height) % 2 === 0 ? innerNode(node, sibling) : innerNode(sibling, node);
  }
  if (!equal(node, root)) return 'invalid';
  const leaf = leaves.find((leaf) => equal(leaf.index, index));
  return leaf === undefined ? 'absent' : { hash: leaf.hash };
}
