/**
 * What is left of one damaged object (spec/salvage.md, "Objects"). Every byte that comes out was authenticated, and
 * comes with its place.
 *
 * @module
 */
import {
  plaintextLength,
  streamKey,
  type BackupKey,
  type HeaderInfo,
  type ObjectKey,
} from '../container/index.ts';
import { chunkCipher, type ChunkCipher } from '../container/chunk.ts';
import { encodeHeader } from '../container/header.ts';
import { TRAILER_LENGTH } from '../container/padding.ts';
import { objectKeyOf } from '../container/stream-key.ts';
import { parseTrailer } from '../container/trailer.ts';
import { TAG_LENGTH, type CryptoEngine } from '../crypto/engine.ts';
import { nodeEngine } from '../crypto/node.ts';
import { isStrongroomError } from '../errors.ts';
import { isZero, wipe, type Bytes } from '../wire/bytes.ts';
import { startsWith } from './header.ts';
import { findPlaces, opened, RUN_SEARCH_LIMIT, type Places, type SearchBudget } from './places.ts';
import { runWith, type Run } from './runs.ts';
import { intersection, union, type Span } from './spans.ts';
import type { DamagedBytes } from './source.ts';

/** Which object the bytes are, or were. */
export interface ObjectClue {
  /** Its header, as it was found or as a manifest has it. */
  readonly header: HeaderInfo;
  /** Length in bytes of the whole object, if a manifest tells. */
  readonly length?: number;
  /** Length in bytes of its content, if a manifest tells. */
  readonly contentLength?: number;
}

/** How to salvage an object. */
export interface SalvageObjectOptions {
  readonly key: BackupKey | ObjectKey;
  /** The context that the object was sealed with; default none. */
  readonly context?: Uint8Array;
  /** How many offsets may be searched in vain, at most 2^26 of one object; default 2^30. */
  readonly budget?: SearchBudget;
  readonly engine?: CryptoEngine;
  /** Stops with `cancelled`. */
  readonly signal?: AbortSignal | undefined;
}

/** Authenticated content and where it belongs in the content of the object. */
export interface Piece {
  readonly position: number;
  readonly bytes: Bytes;
}

/** The end of an object: its trailer is authentic and right, authentic and wrong, or not there. */
export type Tail = 'verified' | 'invalid' | 'missing';

/** What was found of an object. */
interface Finding {
  readonly header: HeaderInfo;
  /** True if the header was there as it was written. */
  readonly intact: boolean;
  readonly places: Places;
  readonly tail: Tail;
  /** Length in bytes of the content, by the trailer or else by the manifest; undefined if neither is there. */
  readonly contentLength: number | undefined;
  /** Number of its chunks, the final one included; undefined if nothing tells. */
  readonly chunks: number | undefined;
  /** True if a strict reader takes the object as it is. */
  readonly whole: boolean;
}

/** A damaged object of which all chunks were found that are left. */
export class SalvagedObject implements Finding {
  readonly header: HeaderInfo;
  readonly intact: boolean;
  readonly places: Places;
  readonly tail: Tail;
  readonly contentLength: number | undefined;
  readonly chunks: number | undefined;
  readonly whole: boolean;
  /** Length in bytes of the plaintext of a full chunk. */
  readonly chunkSize: number;
  readonly #source: DamagedBytes;
  readonly #cipher: ChunkCipher;

  constructor(source: DamagedBytes, cipher: ChunkCipher, finding: Finding) {
    this.#source = source;
    this.#cipher = cipher;
    this.header = finding.header;
    this.intact = finding.intact;
    this.places = finding.places;
    this.tail = finding.tail;
    this.contentLength = finding.contentLength;
    this.chunks = finding.chunks;
    this.whole = finding.whole;
    this.chunkSize = cipher.chunkSize;
  }

  /** Where its content ends, as far as that is certain: zeros that may be padding are not part of it. */
  get end(): number {
    return this.contentLength ?? this.places.nonZeroEnd;
  }

  /** Which of its chunks are there, by index. */
  chunkSpans(): Span[] {
    const { runs, final } = this.places;
    const spans = runs.map(({ first, end }) => ({ start: first, end }));
    return union(final === undefined ? spans : [...spans, { start: final.index, end: final.index + 1 }]);
  }

  /** Which content is there, by position. */
  contentSpans(): Span[] {
    const size = this.chunkSize;
    const { runs, final } = this.places;
    const spans = runs.map(({ first, end }) => ({ start: first * size, end: end * size }));
    if (final !== undefined) {
      const start = final.index * size;
      spans.push({ start, end: start + final.length - TAG_LENGTH - TRAILER_LENGTH });
    }
    return intersection(union(spans), [{ start: 0, end: this.end }]);
  }

  /** The content from `start` up to `end` (exclusive), as far as it is there, in order. */
  async *read(start: number = 0, end: number = this.end): AsyncGenerator<Piece, void, undefined> {
    const size = this.chunkSize;
    for (const span of intersection(this.contentSpans(), [{ start, end }])) {
      for (let position = span.start; position < span.end;) {
        const index = Math.floor(position / size);
        const stop = Math.min(span.end, (index + 1) * size);
        const chunk = await this.#chunk(index);
        if (chunk !== undefined) {
          yield { position, bytes: chunk.subarray(position - index * size, stop - index * size) };
        }
        position = stop;
      }
    }
  }

  /** A chunk that was found, opened again: a storage need not answer the same twice. */
  async #chunk(index: number): Promise<Bytes | undefined> {
    const { runs, final } = this.places;
    const size = this.chunkSize + TAG_LENGTH;
    const run = runWith(runs, index);
    const place = run && { offset: run.offset + (index - run.first) * size, length: size };
    const { offset, length } = place ?? final ?? { offset: 0, length: 0 };
    return opened(this.#cipher, index, await this.#source.read(offset, offset + length));
  }
}

/**
 * Finds what is left of an object.
 *
 * @throws StrongroomError `invalid-key`, `cancelled`
 */
export async function salvageObject(
  source: DamagedBytes,
  clue: ObjectClue,
  options: SalvageObjectOptions,
): Promise<SalvagedObject> {
  const { header } = clue;
  const { key, context = new Uint8Array(), engine = nodeEngine } = options;
  const objectKey = objectKeyOf(key, engine);
  const { commitment, ...secrets } = streamKey(objectKey, header.prefix, context, engine);
  const chunkKey = { ...secrets, chunkLog2: header.chunkLog2 };
  const cipher = chunkCipher(chunkKey, engine);
  const written = encodeHeader(header.prefix, commitment, engine);
  const intact = startsWith(await source.read(0, Math.min(written.length, source.length)), written);
  const { last, ...places } = await findPlaces(source, {
    ...chunkKey,
    start: written.length,
    intact,
    length: clue.length,
    budget: options.budget ?? { left: RUN_SEARCH_LIMIT },
    engine,
    signal: options.signal,
  });
  wipe(objectKey, secrets.key, secrets.baseNonce);
  const trailer = trailerOf(places, last, header);
  const contentLength = typeof trailer === 'number' ? trailer : clue.contentLength;
  const tail: Tail = typeof trailer === 'number' ? 'verified' : trailer;
  const size = cipher.chunkSize + TAG_LENGTH;
  const chunks = places.final?.index ?? chunksOf(clue, size);
  const finding = { header, intact, places, tail, contentLength };
  const whole =
    intact && tail === 'verified' && fits(places, written.length, source.length, size, clue, trailer);
  return new SalvagedObject(source, cipher, {
    ...finding,
    chunks: chunks === undefined ? undefined : chunks + 1,
    whole,
  });
}

function chunksOf({ header, length }: ObjectClue, size: number): number | undefined {
  return length === undefined ? undefined : Math.max(0, Math.floor((length - header.length) / size));
}

/** The length of the content by the final chunk, which must be what a writer makes of it. */
function trailerOf(
  { final, nonZeroEnd }: Places,
  last: Bytes | undefined,
  { chunkLog2 }: HeaderInfo,
): number | 'invalid' | 'missing' {
  if (final === undefined || last === undefined) return 'missing';
  const start = final.index * 2 ** chunkLog2;
  const length = start + last.length;
  const trailerAt = last.length - TRAILER_LENGTH;
  try {
    const { contentLength, padding } = parseTrailer(last.subarray(trailerAt), length);
    const canonical =
      plaintextLength(contentLength, padding, chunkLog2) === length &&
      nonZeroEnd <= contentLength &&
      isZero(last.subarray(Math.max(0, contentLength - start), trailerAt));
    return canonical ? contentLength : 'invalid';
  } catch (error) {
    if (isStrongroomError(error, 'bad-trailer')) return 'invalid';
    throw error;
  }
}

/** True if every chunk is where it was written, nothing follows the last one, and the manifest says the same. */
function fits(
  { runs, final }: Places,
  start: number,
  length: number,
  size: number,
  clue: ObjectClue,
  contentLength: unknown,
): boolean {
  const [run] = runs;
  if (final === undefined || runs.length > 1) return false;
  const inPlace =
    run === undefined
      ? final.index === 0
      : run.first === 0 && run.end === final.index && run.offset === start;
  return (
    inPlace &&
    final.offset === start + final.index * size &&
    final.offset + final.length === length &&
    (clue.length ?? length) === length &&
    (clue.contentLength ?? contentLength) === contentLength
  );
}

/** The runs of an object that are not where they were written, and by how many bytes. */
export function shiftsOf({
  places,
  header,
  chunkSize,
}: SalvagedObject): (Span & { readonly shift: number })[] {
  const size = chunkSize + TAG_LENGTH;
  const { runs, final } = places;
  const last: Run[] =
    final === undefined ? [] : [{ first: final.index, end: final.index + 1, offset: final.offset }];
  return [...runs, ...last]
    .map(({ first, end, offset }) => ({ start: first, end, shift: offset - header.length - first * size }))
    .filter(({ shift }) => shift !== 0);
}
