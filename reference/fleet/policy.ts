/**
 * The policy that a fleet has unless its operator decides otherwise (spec/limits.md).
 *
 * @module
 */
import { DEFAULT_STRETCH } from '../opaque/stretch.ts';
import type { Policy } from './descriptor.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Ten wrong passwords, over four days at the least. */
export const DEFAULT_POLICY: Policy = {
  defaultBudget: 10,
  maxBudget: 100,
  refill: 'full',
  delays: [0, 0, 0, MINUTE, 10 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, DAY],
  lastChanceSeconds: 10 * MINUTE,
  graceSeconds: 7 * DAY,
  ceiling: 100,
  assertionMode: 'none',
  relayKeys: [],
  stretch: DEFAULT_STRETCH,
};
