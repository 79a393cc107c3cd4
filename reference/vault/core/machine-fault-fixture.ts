/**
 * The state machine at a core with a fault, in a process of its own: `node machine-fault-fixture.ts <fault>`. Prints
 * what goes wrong, and nothing if nothing does.
 *
 * @module
 */
import { seed } from './faults-fixture.ts';

seed(process.argv[2] ?? '');
const { runMachine } = await import('./machine-run-fixture.ts');
try {
  await runMachine(1, 20_000, false);
} catch (error) {
  process.stdout.write(String(error));
}
