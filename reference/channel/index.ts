/**
 * The sealed channel between client and vault (spec/channel.md): HPKE (RFC 9180) for requests, RFC 9458, section 4.4,
 * for answers.
 *
 * @module
 */
export { openAnswer, type AnswerContext } from './answer.ts';
export { sealRequest, type ChannelKey, type Sealed } from './client.ts';
export { dhkemSharedSecret } from './key-schedule.ts';
export { CHANNEL_PLAINTEXT, CHANNEL_VERSION, channelSuite, SealedAnswer, SealedRequest } from './messages.ts';
export {
  openRequest,
  softwareDecapsulate,
  type Decapsulate,
  type OpenedRequest,
  type SoftwareChannelKey,
} from './vault.ts';
