/**
 * Content on its way into the target (spec/salvage.md, "Entries" and "Output").
 *
 * @module
 */
import type { CryptoEngine } from '../crypto/engine.ts';
import { isStrongroomError, type ErrorCode } from '../errors.ts';
import { MediaHasher } from '../set/media-id.ts';
import type { Pacer } from '../set/objects.ts';
import type { PathRules } from '../set/paths.ts';
import { equal, type Bytes } from '../wire/bytes.ts';
import type { Piece } from './object.ts';
import { ranges } from './objects-report.ts';
import type { ContentState, Range } from './report.ts';
import { append, sizeOf, type Span } from './spans.ts';
import type { Attributes, Target } from './target.ts';

/** The rules for names of this system. */
export const RULES: PathRules = process.platform === 'win32' ? 'windows' : 'posix';

/** What is delivered. */
export interface Delivery {
  /** In order. */
  readonly pieces: AsyncIterable<Piece>;
  /** Length in bytes of all of it, if it is known. */
  readonly length: number | undefined;
  /** Where it goes if all of it is there. */
  readonly whole: string;
  /** Where it goes if some of it is; nowhere by default. */
  readonly partial?: string;
  readonly attributes?: Attributes;
  /** The identity that it must have to be whole. */
  readonly identity?: { readonly mediaKey: Bytes; readonly mediaId: Bytes } | undefined;
}

/** What a delivery came to. */
export interface Delivered {
  readonly state: ContentState;
  readonly recovered: readonly Range[];
  /** Why it could not be written. */
  readonly code?: ErrorCode;
}

/** Gives contents their names: that of a whole file only to what was verified. */
export class Deliverer {
  readonly #target: Target | undefined;
  readonly #pacer: Pacer;
  readonly #engine: CryptoEngine;

  constructor(target: Target | undefined, pacer: Pacer, engine: CryptoEngine) {
    this.#target = target;
    this.#pacer = pacer;
    this.#engine = engine;
  }

  /** Writes what is there, or only reads it if there is no target. */
  async deliver({ pieces, length, whole, partial, attributes, identity }: Delivery): Promise<Delivered> {
    const file = this.#target?.file();
    try {
      const hasher = identity && new MediaHasher(identity.mediaKey, this.#engine);
      const spans: Span[] = [];
      for await (const { position, bytes } of pieces) {
        await this.#pacer.pace();
        if (spans.length < 2 && position === (spans[0]?.end ?? 0)) hasher?.update(bytes);
        append(spans, { start: position, end: position + bytes.length });
        file?.write(position, bytes);
      }
      const isWhole =
        sizeOf(spans) === length &&
        (identity === undefined || (hasher !== undefined && equal(hasher.digest(), identity.mediaId)));
      const state = isWhole ? 'whole' : spans.length > 0 ? 'partial' : 'lost';
      const place = { whole, partial, lost: undefined }[state];
      const code = attempt(() => {
        if (place !== undefined) file?.keep(place, length ?? spans.at(-1)?.end ?? 0, attributes);
      });
      return code === undefined
        ? { state, recovered: ranges(spans) }
        : { state: 'lost', recovered: [], code };
    } finally {
      file?.discard();
    }
  }
}

/** The code of what keeps one name from being made; what keeps all of them from it is thrown. */
export function attempt(step: () => void): ErrorCode | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    if (!isStrongroomError(error) || error.code === 'disk-full') throw error;
    return error.code;
  }
}
