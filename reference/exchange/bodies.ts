/**
 * What an `ok` answer to each command holds (spec/exchange.md).
 *
 * @module
 */
import { struct, type Codec } from '../wire/codec.ts';
import { Recovered, RecoverStarted, Registered, RegisterStarted, StatusBody } from './answer.ts';
import { ChangeStarted } from './change.ts';
import { KeptHead } from './heads.ts';
import type { Command } from './request.ts';

/** No body. */
const Nothing: Codec<object> = struct<object>('Nothing', {});

/** The body of an `ok` answer, by command. */
export const ANSWER_BODIES: Readonly<Record<Command, Codec<unknown>>> = {
  'register-start': RegisterStarted,
  'register-finish': Registered,
  'register-confirm': Registered,
  'recover-start': RecoverStarted,
  'recover-finish': Recovered,
  status: StatusBody,
  delete: Nothing,
  cancel: Nothing,
  'change-start': ChangeStarted,
  'change-finish': Registered,
  'get-head': KeptHead,
  'put-head': KeptHead,
};
