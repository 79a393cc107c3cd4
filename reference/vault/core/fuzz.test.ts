import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { StrongroomError } from '../../errors.ts';
import { Answer, Statement } from '../../exchange/answer.ts';
import { ChangeFinish, ChangeStart } from '../../exchange/change.ts';
import { KeptHead, PutHead } from '../../exchange/heads.ts';
import {
  Cancel,
  Delete,
  RecoverFinish,
  RecoverStart,
  RegisterConfirm,
  RegisterFinish,
  RegisterStart,
  Request,
  REQUEST_SIZE,
} from '../../exchange/request.ts';
import { sodiumSuite } from '../../opaque/index.ts';
import { concat, hex, type Bytes } from '../../wire/bytes.ts';
import { decode, encode, type Codec } from '../../wire/codec.ts';
import { AccountRecord } from '../record.ts';
import { testHead } from '../testing/account.ts';
import { CoreVault } from '../testing/core-vault.ts';

const RUNS = process.env['STRONGROOM_LONG'] === undefined ? 2000 : 1_000_000;
const suite = await sodiumSuite();

/** What honest clients have sent: the corpus that is bent. */
const corpus: Bytes[] = [];
let vault: CoreVault;

beforeAll(async () => {
  vault = new CoreVault(suite, { delays: [], ceiling: 1_000_000, graceSeconds: 60 });
  const send = vault.send.bind(vault);
  vault.send = (plaintext, caller) => {
    corpus.push(plaintext);
    return send(plaintext, caller);
  };
  const alice = vault.account();
  await alice.register('secret', 100);
  await alice.recover('wrong');
  await alice.recover('secret');
  await alice.change('secret', 'new');
  const version = (): number => vault.record()?.stateVersion ?? 0;
  await alice.call('delete', encode(Delete, { stateVersion: version() }));
  const { effectiveAt } = await alice.call('status');
  await alice.signed('cancel', encode(Cancel, { effectiveAt }));
  const head = testHead(1);
  await alice.signed('put-head', encode(PutHead, { previousHash: new Uint8Array(32), head }));
  await alice.signed('get-head', new Uint8Array(0));
  await alice.call('status');
  vault.send = send;
});

type Edit =
  | { readonly kind: 'set'; readonly at: number; readonly value: number }
  | { readonly kind: 'cut'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'copy'; readonly at: number; readonly from: number; readonly length: number };

const place = fc.nat({ max: 700 });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    kind: fc.constant('set' as const),
    at: place,
    value: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xfe, 0xff), fc.nat({ max: 255 })),
  }),
  fc.record({ kind: fc.constant('cut' as const), at: place, length: fc.integer({ min: 1, max: 64 }) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: place,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  }),
  fc.record({
    kind: fc.constant('copy' as const),
    at: place,
    from: place,
    length: fc.integer({ min: 1, max: 128 }),
  }),
);

function apply(bytes: Bytes, change: Edit): Bytes {
  const { kind, at } = change;
  const [before, after] = [bytes.slice(0, at), bytes.slice(at)];
  if (kind === 'set') return bytes.map((byte, i) => (i === at ? change.value : byte));
  if (kind === 'cut') return concat(before, after.slice(change.length));
  if (kind === 'insert') return concat(before, change.bytes, after);
  const piece = bytes.slice(change.from, change.from + change.length);
  return concat(before, piece, after.slice(piece.length));
}

/** A request of the corpus after some edits, most often still of the right size. */
const bent = fc
  .record({ seed: fc.nat(), edits: fc.array(edit, { maxLength: 4 }), fit: fc.nat({ max: 9 }) })
  .map(({ seed, edits, fit }): Bytes => {
    const whole = corpus[seed % corpus.length] ?? new Uint8Array(0);
    // Cut in front of the padding, so that what is inserted does not push it over the end.
    const end = whole.findLastIndex((byte) => byte !== 0) + 1;
    const changed = edits.reduce(apply, whole.slice(0, end));
    const padded = concat(changed, new Uint8Array(REQUEST_SIZE)).slice(0, REQUEST_SIZE);
    return fit === 0 ? changed : padded;
  });

const structures: readonly Codec<never>[] = [
  Request,
  RegisterStart,
  RegisterFinish,
  RegisterConfirm,
  RecoverStart,
  RecoverFinish,
  ChangeStart,
  ChangeFinish,
  Delete,
  PutHead,
  KeptHead,
  Statement,
  Answer,
  AccountRecord,
] as unknown as readonly Codec<never>[];

/** The body that a bent request still has. */
function bodyOf(plaintext: Bytes): Bytes {
  try {
    return decode(Request, plaintext).body;
  } catch {
    return new Uint8Array(0);
  }
}

describe('bent requests', () => {
  it('are answered, each with a statement that verifies, and leave a record that holds its invariants', async () => {
    expect(corpus.length).toBeGreaterThan(12);
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(bent, async (plaintext) => {
        const { outcome, remaining, budget } = await vault.send(plaintext);
        outcomes.add(outcome);
        expect(remaining).toBeLessThanOrEqual(budget);
        vault.record(); // throws record-invalid
        if (vault.record()?.active.state === 'destroyed') await vault.account().register('again', 100);
      }),
      { numRuns: RUNS },
    );
    // The edits reach the commands, not only the decoder.
    expect([...outcomes]).toEqual(expect.arrayContaining(['ok', 'malformed']));
  }, 3_600_000);

  it('decode to what encodes to the same bytes, or are refused by name', () => {
    const decoded = new Set<string>();
    fc.assert(
      fc.property(bent, fc.nat(), fc.nat({ max: 700 }), (plaintext, choice, from) => {
        const codec = structures[choice % structures.length];
        if (codec === undefined) throw new Error('no structure');
        for (const bytes of [plaintext, plaintext.slice(from), bodyOf(plaintext)]) {
          let value: never;
          try {
            value = decode(codec, bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(StrongroomError);
            continue;
          }
          expect(hex(encode(codec, value))).toBe(hex(bytes));
          decoded.add(codec.name);
        }
      }),
      { numRuns: RUNS },
    );
    expect(decoded.size).toBeGreaterThan(3);
  }, 3_600_000);
});
