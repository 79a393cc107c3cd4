/**
 * How often one account or one address may ask (spec/http.md, "Limits"): token buckets, in memory and bounded.
 *
 * @module
 */
import { isIPv6 } from 'node:net';
import { StrongroomError } from '../errors.ts';

/** A rate. */
export interface Rate {
  /** Requests a minute, in the long run. */
  readonly perMinute: number;
  /** Requests that may come at once. */
  readonly burst: number;
}

/** Most buckets that are kept: about 10 MB. */
export const MAX_BUCKETS = 65_536;

interface Bucket {
  tokens: number;
  /** Milliseconds at which `tokens` was right. */
  at: number;
}

/** A bucket for each name. A name that is not known has a full one, so only those in use have to be kept. */
export class Limit {
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #capacity: number;
  /** Who asked longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate, now: () => number = () => performance.now(), capacity: number = MAX_BUCKETS) {
    this.#rate = rate;
    this.#now = now;
    this.#capacity = capacity;
  }

  /** Buckets that are kept. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token. @throws StrongroomError `overloaded` with `retryAfter` if there is none */
  take(name: string): void {
    const { perMinute, burst } = this.#rate;
    const perMillisecond = perMinute / 60_000;
    const now = this.#now();
    const { tokens, at } = this.#buckets.get(name) ?? { tokens: burst, at: now };
    const present = Math.min(burst, tokens + (now - at) * perMillisecond);
    this.#buckets.delete(name);
    // Full when there are too many names: the one that asked longest ago, whose bucket is the fullest, is forgotten.
    if (this.#buckets.size === this.#capacity) this.#forgetOldest();
    this.#buckets.set(name, { tokens: present < 1 ? present : present - 1, at: now });
    if (present >= 1) return;
    const retryAfter = Math.ceil((1 - present) / perMillisecond / 1000);
    throw new StrongroomError('overloaded', 'too many requests in a short time', { retryAfter });
  }

  #forgetOldest(): void {
    for (const name of this.#buckets.keys()) {
      this.#buckets.delete(name);
      return;
    }
  }
}

/** What counts as one address: all of an IPv4 address, the first 64 bits of an IPv6 address. */
export function addressName(address: string): string {
  const mapped = /^::ffff:(?<v4>\d+\.\d+\.\d+\.\d+)$/iu.exec(address)?.groups?.['v4'];
  if (mapped !== undefined) return mapped;
  const [bare = ''] = address.split('%', 1);
  if (!isIPv6(bare)) return bare;
  const [left = '', right] = bare.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros = right === undefined ? 0 : 8 - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
