/**
 * Progress of an export or import.
 *
 * @module
 */

/** How far it has come. */
export interface ChatProgress {
  readonly messages: number;
  readonly messagesTotal: number;
  readonly media: number;
  readonly mediaTotal: number;
}
