/**
 * A descriptor in words, and what changes from one to the next, for the people who sign it (spec/fleet.md,
 * "Reviewing").
 *
 * @module
 */
import { equal, hex } from '../wire/bytes.ts';
import { keyId, LEVELS, LOCATIONS, type FleetDescriptor } from './descriptor.ts';

/** Something that a descriptor says: its name and its value. */
export type Fact = readonly [name: string, value: string];

/** A fact that is not as it was; one of the two is absent if it is new or gone. */
export interface Change {
  readonly name: string;
  readonly was: string | undefined;
  readonly now: string | undefined;
}

/** Seconds since 1970 as a date, or as a number where no date is. */
function dateOf(seconds: number): string {
  const date = new Date(1000 * seconds);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString();
}

/** Everything that a descriptor says, each fact under a name that no other has; keys are named by their ids. */
export function facts(descriptor: FleetDescriptor): readonly Fact[] {
  const { kemKeys, receiptKeys, opaqueKeys, policy } = descriptor;
  const { stretch } = policy;
  return [
    ['fleet', hex(descriptor.fleetId)],
    ['serial', `${descriptor.serial}`],
    ['valid from', dateOf(descriptor.notBefore)],
    ['valid until', dateOf(descriptor.notAfter)],
    ['channel suite', `${descriptor.channelSuite}`],
    ['OPAQUE suite', `${descriptor.opaqueSuite}`],
    ['level', descriptor.level],
    ['operator', JSON.stringify(descriptor.operator)],
    ['trust domain', JSON.stringify(descriptor.trustDomain)],
    ...kemKeys.map((key, i): Fact => [
      `channel key ${hex(key.id)}`,
      `${i + 1}., ${key.state}, ${key.location}`,
    ]),
    ...receiptKeys.map((key, i): Fact => [
      `receipt key ${hex(key.id)}`,
      `${i + 1}., ${key.state}, ${key.location}`,
    ]),
    ...opaqueKeys.map((key, i): Fact => [
      `OPAQUE pair ${hex(key.id)}`,
      `${i + 1}., registrations until ${dateOf(key.notAfterNew)}, ${key.location}, ` +
        `OPRF key ${hex(key.oprfKeyId)} ${key.oprfLocation}`,
    ]),
    ['budget', `${policy.defaultBudget}, at most ${policy.maxBudget}`],
    ['refill', policy.refill],
    ['waits', policy.delays.length === 0 ? 'none' : `${policy.delays.join(', ')} s`],
    ['last chance', `${policy.lastChanceSeconds} s`],
    ['grace period', `${policy.graceSeconds} s`],
    ['ceiling', `${policy.ceiling}`],
    ['assertions', policy.assertionMode],
    ...policy.relayKeys.map((key): Fact => [`relay key ${hex(keyId(key))}`, hex(key)]),
    [
      'stretching',
      `algorithm ${stretch.algorithm}, ${stretch.iterations} iterations, ${stretch.memoryKib} KiB, ` +
        `${stretch.parallelism} lanes`,
    ],
  ];
}

/** What a descriptor says otherwise than the one before it, in the order of {@link facts}; what is gone comes last. */
export function changes(previous: FleetDescriptor, next: FleetDescriptor): readonly Change[] {
  const [before, after] = [new Map(facts(previous)), new Map(facts(next))];
  const changed = [...after].filter(([name, now]) => before.get(name) !== now);
  const gone = [...before].filter(([name]) => !after.has(name));
  return [
    ...changed.map(([name, now]) => ({ name, was: before.get(name), now })),
    ...gone.map(([name, was]) => ({ name, was, now: undefined })),
  ];
}

/** The least safe place of any key. */
function weakest({ kemKeys, receiptKeys, opaqueKeys }: FleetDescriptor): number {
  const places = [
    ...[...kemKeys, ...receiptKeys, ...opaqueKeys].map(({ location }) => location),
    ...opaqueKeys.map(({ oprfLocation }) => oprfLocation),
  ];
  return Math.min(...places.map((place) => LOCATIONS.indexOf(place)));
}

/** The wait before attempt `n`, from 1 on. */
function waitBefore(delays: readonly number[], n: number): number {
  return delays[n - 1] ?? delays.at(-1) ?? 0;
}

/** What a signer should ask about before it signs: each is unusual, weakens something, or locks somebody out. */
export function concerns(previous: FleetDescriptor, next: FleetDescriptor): readonly string[] {
  const [was, now] = [previous.policy, next.policy];
  const has = (keys: readonly { readonly id: Uint8Array }[], { id }: { readonly id: Uint8Array }): boolean =>
    keys.some((key) => equal(key.id, id));
  const signing = next.receiptKeys.find(({ state }) => state === 'current');
  const open = Math.max(...next.opaqueKeys.map(({ notAfterNew }) => notAfterNew));
  const attempts = Array.from({ length: now.maxBudget }, (_, i) => i + 1);
  const found: readonly (readonly [boolean, string])[] = [
    [!equal(previous.fleetId, next.fleetId), 'it is of another fleet'],
    [next.serial <= previous.serial, 'the serial is not higher'],
    [next.notBefore > previous.notAfter, 'between the two no descriptor is valid'],
    [next.channelSuite !== previous.channelSuite, 'the channel suite changes'],
    [next.opaqueSuite !== previous.opaqueSuite, 'the OPAQUE suite changes'],
    [LEVELS.indexOf(next.level) < LEVELS.indexOf(previous.level), 'the level is lower'],
    [weakest(next) < weakest(previous), 'a key is in a less safe place than any was'],
    [
      previous.kemKeys.some((key) => key.state === 'current' && !has(next.kemKeys, key)),
      'a channel key that clients seal to is gone: requests under the previous descriptor are refused',
    ],
    [
      signing !== undefined && !has(previous.receiptKeys, signing),
      'answers are signed under a key that the previous descriptor does not name: clients that have it refuse them',
    ],
    [
      !previous.opaqueKeys.every((key) => has(next.opaqueKeys, key)),
      'an OPAQUE pair is gone: every account that is registered under it is lost',
    ],
    [open < next.notAfter, `nobody can register after ${dateOf(open)}`],
    [now.defaultBudget > was.defaultBudget || now.maxBudget > was.maxBudget, 'more wrong passwords'],
    [now.ceiling > was.ceiling, 'a higher ceiling of unproved charges'],
    [
      attempts.some((n) => waitBefore(now.delays, n) < waitBefore(was.delays, n)),
      'shorter waits between attempts',
    ],
    [now.refill === 'full' && was.refill === 'none', 'a proved password gives back more'],
    [now.graceSeconds < was.graceSeconds, 'a shorter grace period'],
    [now.assertionMode === 'none' && was.assertionMode !== 'none', 'requests need no assertion any more'],
    [
      !now.relayKeys.every((key) => was.relayKeys.some((known) => equal(key, known))),
      'a new relay may speak for every account',
    ],
    [
      now.stretch.iterations < was.stretch.iterations || now.stretch.memoryKib < was.stretch.memoryKib,
      'weaker stretching',
    ],
  ];
  return found.flatMap(([holds, text]) => (holds ? [text] : []));
}
