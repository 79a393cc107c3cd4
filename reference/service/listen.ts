/**
 * What the servers of this project share: listening, waiting for the end, and a log.
 *
 * @module
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { StrongroomError } from '../errors.ts';

/** An address to listen on. */
export interface Listen {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
}

/**
 * Listens, and says where: for example `http://127.0.0.1:8787`.
 *
 * @param field name of the setting, for the error
 * @throws StrongroomError `invalid-config`
 */
export async function listen(server: Server, { host, port }: Listen, field = 'listen'): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  }).catch((cause: Error) => {
    throw new StrongroomError('invalid-config', `${field}: ${cause.message}`, { subject: field }, { cause });
  });
  const { port: taken } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${taken}`;
}

/** JSON lines on standard output: time, name of the event as `msg`, its fields. */
export function jsonLog(): (line: { readonly event: string }) => void {
  const logger = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });
  return ({ event, ...fields }) => {
    logger.info(fields, event);
  };
}
