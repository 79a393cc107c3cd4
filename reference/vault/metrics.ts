/**
 * The metrics of a vault (docs/operate.md, "Metrics").
 *
 * @module
 */
import { Counter, Histogram } from 'prom-client';
import { COMMANDS } from '../exchange/request.ts';
import { gauge, SECONDS, serverMetrics, type ServerMetrics } from '../service/metrics.ts';
import type { Observer, PartitionState } from './observe.ts';

/** Metrics of a vault: its requests, and what it tells its observer. */
export interface VaultMetrics extends Pick<ServerMetrics, 'registry' | 'request'> {
  readonly observer: Required<Observer>;
  /** Begins to count what is there at any time. */
  watch(partitions: () => readonly PartitionState[], connections: () => number): void;
}

/** Metrics that count from now on. */
export function vaultMetrics(): VaultMetrics {
  const base = serverMetrics('vault_');
  const registers = [base.registry];
  const exchanges = new Counter({
    name: 'vault_exchanges_total',
    help: 'Exchanges by command and outcome.',
    labelNames: ['command', 'outcome'],
    registers,
  });
  const exchangeSeconds = new Histogram({
    name: 'vault_exchange_seconds',
    help: 'From the opened request to its signed answer.',
    labelNames: ['command'],
    buckets: SECONDS,
    registers,
  });
  const commits = new Histogram({
    name: 'vault_commit_records',
    help: 'Records of one commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 126],
    registers,
  });
  const commitSeconds = new Histogram({
    name: 'vault_commit_seconds',
    help: 'One commit, store and anchor.',
    buckets: SECONDS,
    registers,
  });
  const anchorSeconds = new Histogram({
    name: 'vault_anchor_seconds',
    help: 'One move of the anchor.',
    buckets: SECONDS,
    registers,
  });
  const failures = new Counter({
    name: 'vault_partition_failures_total',
    help: 'Partitions that have stopped to serve, by code.',
    labelNames: ['code'],
    registers,
  });
  const rollbacks = new Counter({
    name: 'vault_rollback_alarms_total',
    help: 'Partitions whose store was not what the anchor vouches for.',
    registers,
  });
  const hsmErrors = new Counter({
    name: 'vault_hsm_errors_total',
    help: 'Requests and partitions that failed because of the HSM.',
    labelNames: ['code'],
    registers,
  });
  const rekeys = new Counter({
    name: 'vault_rekeys_total',
    help: 'Data keys of partitions that were replaced.',
    registers,
  });
  const hsm = (code: string): void => {
    if (code.startsWith('hsm-')) hsmErrors.inc({ code });
  };
  return {
    registry: base.registry,
    watch(partitions, connections) {
      base.watch(connections);
      const count = (name: string, help: string, value: () => number): void => {
        gauge(base.registry, name, help, value);
      };
      count('vault_partitions', 'Partitions that there are.', () => partitions().length);
      count(
        'vault_partitions_serving',
        'Partitions that serve.',
        () => partitions().filter(({ failure }) => failure === undefined).length,
      );
      count('vault_accounts', 'Accounts that have a record, tombstones included.', () =>
        partitions().reduce((sum, { accounts }) => sum + accounts, 0),
      );
    },
    request(event) {
      base.request(event);
      hsm(event.code ?? '');
    },
    observer: {
      commit({ batch, seconds }) {
        commits.observe(batch);
        commitSeconds.observe(seconds);
      },
      anchor({ seconds }) {
        anchorSeconds.observe(seconds);
      },
      exchange({ command, outcome, seconds }) {
        // Whoever seals a request chooses its number; labels are of a closed list.
        const known = Object.entries(COMMANDS).find(([, number]) => number === command);
        const name = known === undefined ? 'unknown' : known[0];
        exchanges.inc({ command: name, outcome });
        exchangeSeconds.observe({ command: name }, seconds);
      },
      failure({ code }) {
        failures.inc({ code });
        if (code === 'rollback-detected') rollbacks.inc();
        hsm(code);
      },
      rekeyed() {
        rekeys.inc();
      },
    },
  };
}
