/**
 * Whether a vault that does not run is whole: `strongroom vault verify`.
 *
 * @module
 */
import { StrongroomError } from '../errors.ts';
import { openHsm } from '../hsm/open.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { readConfig } from '../vault/config.ts';
import { checkStore } from '../vault/server.ts';
import { verifyState, type PartitionReport } from '../vault/verify.ts';
import { hex } from '../wire/bytes.ts';
import type { Command } from './command.ts';
import { JSON_OPTION } from './report.ts';

async function verifyFolder(folder: string): Promise<PartitionReport[]> {
  const config = await readConfig(folder);
  await checkStore(config.store);
  const store = await SqliteStore.open(config.store);
  try {
    const hsm = await openHsm(config.hsm);
    try {
      return await verifyState({ store, hsm });
    } finally {
      await hsm.close();
    }
  } finally {
    await store.close();
  }
}

/** Leaf indices as hexadecimal. */
function factsOf({ faults, ...report }: PartitionReport): Readonly<Record<string, unknown>> {
  return {
    ...report,
    faults: faults.map(({ leaf, ...fault }) => ({ ...fault, ...(leaf && { leaf: hex(leaf) }) })),
  };
}

function linesOf({ partition, records, n, ahead, epoch, left, faults }: PartitionReport): string[] {
  const notes = [
    `${records} records, head ${n}, data key ${epoch}`,
    ...(left === undefined ? [] : [`being replaced, ${left} records left`]),
    ...(ahead ? ['one commit to finish'] : []),
    faults.length === 0 ? 'whole' : `${faults.length} faults`,
  ];
  return [
    `partition ${partition}: ${notes.join('; ')}`,
    ...faults.map(({ code, leaf, reason }) => `  ${code}${leaf ? `, leaf ${hex(leaf)}` : ''}: ${reason}`),
  ];
}

/** `vault verify`. */
export const vaultVerify: Command = {
  name: 'vault verify',
  summary: 'Proves all that a vault has stored against its anchor, while it does not run.',
  arguments: ['folder'],
  options: { json: JSON_OPTION },
  notes: [
    'Reads every record. Names what is wrong by partition and leaf index, never by account. An older record that was',
    'put in the place of a newer one shows in its partition as a whole: only the vault knew which one was changed.',
  ],
  examples: ['strongroom vault verify ./vault'],
  async run(invocation) {
    const folder = invocation.argument(0);
    const reports = await verifyFolder(folder);
    const text = invocation.has('json')
      ? JSON.stringify({ partitions: reports.map(factsOf) })
      : reports.flatMap(linesOf).join('\n');
    process.stdout.write(`${text}\n`);
    const [bad, ...others] = reports.filter(({ faults }) => faults.length > 0);
    const [fault] = bad?.faults ?? [];
    if (bad === undefined || fault === undefined) return;
    const partitions = [bad, ...others].map(({ partition }) => partition).join(', ');
    throw new StrongroomError(fault.code, `${folder}: partition ${partitions}`, { subject: folder });
  },
};
