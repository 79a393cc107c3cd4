/**
 * Metrics in the text format of Prometheus, on a listener of their own: what they tell is for the operator alone. No
 * label depends on an account or an address.
 *
 * @module
 */
import { createServer } from 'node:http';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { HttpEvent } from './http.ts';
import { listen, type Listen } from './listen.ts';

/** Seconds: an exchange takes a few milliseconds, one that waits for a disk much longer. */
export const SECONDS: number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What every server counts: its requests, and itself. */
export interface ServerMetrics {
  readonly registry: Registry;
  /** Begins to count connections. */
  watch(connections: () => number): void;
  /** Counts a line of the log. */
  request(event: HttpEvent): void;
}

/** A number that is asked for whenever the metrics are read. */
export function gauge(registry: Registry, name: string, help: string, value: () => number): void {
  const metric = new Gauge({
    name,
    help,
    registers: [],
    collect() {
      metric.set(value());
    },
  });
  registry.registerMetric(metric);
}

/** @param prefix of every name, for example `vault_` */
export function serverMetrics(prefix: string): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix });
  const requests = new Counter({
    name: `${prefix}requests_total`,
    help: 'Requests that were answered.',
    labelNames: ['path', 'status'],
    registers,
  });
  const errors = new Counter({
    name: `${prefix}request_errors_total`,
    help: 'Requests that were answered with a problem document, by the code in the log.',
    labelNames: ['code'],
    registers,
  });
  const seconds = new Histogram({
    name: `${prefix}request_seconds`,
    help: 'From the head of a request to its answer.',
    labelNames: ['path'],
    buckets: SECONDS,
    registers,
  });
  return {
    registry,
    watch(connections) {
      gauge(registry, `${prefix}connections`, 'Connections that are open.', connections);
    },
    request({ path, status, milliseconds, code }) {
      requests.inc({ path, status });
      seconds.observe({ path }, milliseconds / 1000);
      if (code !== undefined) errors.inc({ code });
    },
  };
}

/** A listener that serves `/metrics`. */
export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves a registry. @throws StrongroomError `invalid-config` */
export async function serveMetrics(registry: Registry, address: Listen): Promise<MetricsServer> {
  const server = createServer(
    { requestTimeout: 5000, headersTimeout: 5000, connectionsCheckingInterval: 500 },
    (request, response) => {
      if (request.method !== 'GET' || request.url !== '/metrics') {
        response.writeHead(404, { connection: 'close' }).end();
        return;
      }
      registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
        () => response.destroy(),
      );
    },
  );
  server.maxConnections = 16;
  server.timeout = 10_000;
  const url = await listen(server, address, 'metrics');
  return {
    url,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
