/**
 * The report as a badge: an endpoint of shields.io.
 *
 * @module
 */
import type { Report, Verdict } from '../schema/report.ts';

/** Verdicts from the worst to the best, and their colours. */
const COLOURS: Readonly<Record<Verdict['verdict'], string>> = {
  'non-conformant': 'red',
  incomplete: 'lightgrey',
  provisional: 'yellow',
  'conformant-with-exceptions': 'yellowgreen',
  conformant: 'brightgreen',
};

/** What a badge shows. */
export interface Badge {
  readonly schemaVersion: 1;
  readonly label: string;
  readonly message: string;
  readonly color: string;
}

/** The badge of a run: its worst verdict, and of which roles. */
export function badge({ verdicts }: Report): Badge {
  const [worst = 'incomplete', color] =
    Object.entries(COLOURS).find(([word]) => verdicts.some(({ verdict }) => verdict === word)) ?? [];
  const roles = verdicts.filter(({ verdict }) => verdict === worst);
  const level = roles[0] === undefined ? '' : ` ${roles[0].level}`;
  return {
    schemaVersion: 1,
    label: 'strongroom',
    message: `${worst}: ${roles.map(({ role }) => role).join(', ') || 'nothing ran'}${level}`,
    color: color ?? COLOURS.incomplete,
  };
}
