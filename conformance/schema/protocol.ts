/**
 * The adapter protocol (spec/conformance.md, "Adapter protocol"): one JSON object a line over stdin and stdout. The
 * runner sends neither the id of a case nor what it expects.
 *
 * @module
 */
import * as z from 'zod';
import { ROLES, type Role, type Value } from './vector.ts';

/** A line from the runner. */
export interface Request {
  /** Random; the answer repeats it. */
  readonly id: string;
  readonly op: string;
  readonly params: Record<string, Value>;
}

/** What an adapter answers. */
export type Answer =
  | { readonly outcome: 'ok'; readonly result: Record<string, Value> }
  /** The implementation refused the input, with this code of spec/errors.md. */
  | {
      readonly outcome: 'reject';
      readonly error: string;
      readonly position?: number;
      readonly native?: string;
    }
  /** The implementation does not have this operation, or this feature of it. */
  | { readonly outcome: 'unsupported'; readonly feature: string }
  /** Something else went wrong. */
  | { readonly outcome: 'error'; readonly detail: string };

/** What the runner sees: an answer, or the lack of one. */
export type Outcome =
  Answer | { readonly outcome: 'crash' | 'timeout' | 'protocol'; readonly detail: string };

/** Result of `hello`. */
export interface Hello {
  readonly protocol: 1;
  readonly implementation: {
    readonly name: string;
    readonly version: string;
    readonly language?: string;
    readonly source?: string;
  };
  /** True if values named in `inject` are used; a build for users says false. */
  readonly testing: boolean;
  readonly roles: Role[];
  /** Cipher suites, as numbers of the registry. */
  readonly suites: number[];
  /** Families of cases that the adapter can run. */
  readonly features: string[];
}

/** Features that a role can be without: whoever has them is asked about them. */
export const OPTIONAL_FEATURES: readonly string[] = [
  'engine',
  'lengths',
  'salvage',
  'ranges',
  'http-ranges',
  'files',
  'streaming',
  'reread',
  'check',
  'volumes',
  'prune',
  'rekey',
  'killable',
  'cancel',
  'vault-time',
  'opaque-client',
  'opaque-server',
  'channel-client',
  'channel-server',
  'vault-step',
  'channel-server-p256',
  'vault-p256',
];

/** Schema of {@link Request}. */
export const requestSchema: z.ZodType<Request> = z.strictObject({
  id: z.string().min(1),
  op: z.string().min(1),
  params: z.record(z.string(), z.json()),
});

/** Schema of a line from the adapter. */
export const answerSchema: z.ZodType<Answer & { readonly id: string }> = z.discriminatedUnion('outcome', [
  z.strictObject({
    id: z.string(),
    outcome: z.literal('ok'),
    result: z.record(z.string(), z.json()),
  }),
  z.strictObject({
    id: z.string(),
    outcome: z.literal('reject'),
    error: z.string().min(1),
    position: z.int().exactOptional(),
    native: z.string().exactOptional(),
  }),
  z.strictObject({ id: z.string(), outcome: z.literal('unsupported'), feature: z.string() }),
  z.strictObject({ id: z.string(), outcome: z.literal('error'), detail: z.string() }),
]);

/** Schema of {@link Hello}. */
export const helloSchema: z.ZodType<Hello> = z.strictObject({
  protocol: z.literal(1),
  implementation: z.strictObject({
    name: z.string().min(1),
    version: z.string().min(1),
    language: z.string().exactOptional(),
    source: z.string().exactOptional(),
  }),
  testing: z.boolean(),
  roles: z.array(z.enum(ROLES)).min(1),
  suites: z.array(z.int().min(1).max(255)),
  features: z.array(z.string()),
});
